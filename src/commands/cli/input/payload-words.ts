// A payload that was typed as words, `who=me n=1`, or as bare JSON, where a file is meant.

/** As JSON; undefined when the words are no such payload. */
export const payloadOf = (words: readonly string[]): string | undefined => {
  const whole = words.join(' ');
  if (/^\{[\s\S]*\}$/.test(whole)) return isJson(whole) ? whole : '{"who": "world"}';
  const pairs = words.map((word) => /^([A-Za-z_]\w*)[=:](.*)$/s.exec(word));
  if (pairs.some((pair) => pair === null)) return undefined;
  const fields = pairs.map((pair) => `${JSON.stringify(pair?.[1])}: ${asValue(pair?.[2] ?? '')}`);
  return `{${fields.join(', ')}}`;
};

/** As it is typed in a shell. */
export const payloadOption = (payload: string): string => `--payload '${payload.replaceAll("'", `'\\''`)}'`;

export const notAFile = (words: string, payload: string) => ({
  problem: `"${words}" is not a file`,
  cure: `For a payload on the command line: ${payloadOption(payload)}`,
});

/** `n=1` means a number, `who=me` a text. */
const asValue = (text: string): string => (/^(-?\d{1,15}|true|false|null)$/.test(text) ? text : JSON.stringify(text));

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};
