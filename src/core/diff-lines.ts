// What changed between two JSON values, as lines that a person reads.

/**
 * One line a change: `~ /path: old → new`, `+ /path: new`, `- /path: old`. Nothing for equal
 * values, and no more than `most` lines.
 */
export const diffLines = (before: unknown, after: unknown, most = Number.POSITIVE_INFINITY): string[] => {
  const lines: string[] = [];
  collect(before, after, { path: [], lines, most });
  return lines;
};

/** `path` leads to what is compared at the moment. */
type Walk = { readonly path: (string | number)[]; readonly lines: string[]; readonly most: number };

const collect = (before: unknown, after: unknown, walk: Walk): void => {
  const { path, lines, most } = walk;
  if (before === after || lines.length >= most) return;
  const here = () => cutAt(LONGEST_PLACE, `/${path.join('/')}`);
  if (!isContainer(before) || !isContainer(after) || Array.isArray(before) !== Array.isArray(after)) {
    if (JSON.stringify(before) !== JSON.stringify(after)) lines.push(`~ ${here()}: ${short(before)} → ${short(after)}`);
    return;
  }
  const look = (key: string | number) => {
    if (lines.length >= most || (before[key] === after[key] && before[key] !== undefined)) return;
    path.push(typeof key === 'string' ? cutAt(LONGEST, key) : key);
    if (!Object.hasOwn(after, key)) lines.push(`- ${here()}: ${short(before[key])}`);
    else if (!Object.hasOwn(before, key)) lines.push(`+ ${here()}: ${short(after[key])}`);
    else collect(before[key], after[key], walk);
    path.pop();
  };
  if (Array.isArray(before) && Array.isArray(after)) {
    for (let at = 0; at < Math.max(before.length, after.length); at += 1) look(at);
    return;
  }
  for (const key of Object.keys(before)) look(key);
  for (const key of Object.keys(after)) if (!Object.hasOwn(before, key)) look(key);
};

/** A name may be as long as the whole value, and stands in the line of each change below it. */
const LONGEST_PLACE = 1_000;
const cutAt = (most: number, text: string): string => (text.length > most ? `${text.slice(0, most)}…` : text);

const isContainer = (value: unknown): value is Record<string | number, unknown> =>
  typeof value === 'object' && value !== null;

const LONGEST = 200;

/** A value as JSON, cut where it gets long. */
export const short = (value: unknown): string => {
  const json = JSON.stringify(value) ?? 'undefined';
  return json.length > LONGEST ? `${json.slice(0, LONGEST)}… (${json.length} characters)` : json;
};
