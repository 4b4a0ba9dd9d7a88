// What changed between two JSON values, as lines that a person reads.

/**
 * One line a change: `~ /path: old → new`, `+ /path: new`, `- /path: old`. Nothing for equal
 * values.
 */
export const diffLines = (before: unknown, after: unknown, path = ''): string[] => {
  if (before === after) return [];
  if (!isContainer(before) || !isContainer(after) || Array.isArray(before) !== Array.isArray(after)) {
    return JSON.stringify(before) === JSON.stringify(after)
      ? []
      : [`~ ${path || '/'}: ${short(before)} → ${short(after)}`];
  }
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].flatMap((key) => {
    const here = `${path}/${key}`;
    if (!Object.hasOwn(after, key)) return [`- ${here}: ${short(before[key])}`];
    if (!Object.hasOwn(before, key)) return [`+ ${here}: ${short(after[key])}`];
    return diffLines(before[key], after[key], here);
  });
};

const isContainer = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const LONGEST = 200;

/** A value as JSON, cut where it gets long. */
export const short = (value: unknown): string => {
  const json = JSON.stringify(value) ?? 'undefined';
  return json.length > LONGEST ? `${json.slice(0, LONGEST)}… (${json.length} characters)` : json;
};
