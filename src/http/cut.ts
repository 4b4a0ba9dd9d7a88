// What an answer repeats of a request is short, whatever was sent: long texts are cut, long lists
// counted.

const MOST_TOLD = 10;

/** The text, or its beginning and how long it was. */
export const cut = (text: string, most: number): string => {
  if (text.length <= most) return text;
  return `${text.slice(0, most).toWellFormed()}… (cut: ${text.length.toLocaleString('en')} characters)`;
};

/** The first ten lines, and how many more there are. */
export const firstFew = (lines: readonly string[]): string[] => {
  if (lines.length <= MOST_TOLD) return [...lines];
  return [...lines.slice(0, MOST_TOLD), `… and ${(lines.length - MOST_TOLD).toLocaleString('en')} more`];
};
