// What changed between two JSON values, as lines that a person reads.

/**
 * One line a change: `~ /path: old → new`, `+ /path: new`, `- /path: old`. Nothing for equal
 * values, and no more than `most` lines.
 */
export const diffLines = (before: unknown, after: unknown, most = Number.POSITIVE_INFINITY): string[] => {
  const lines: string[] = [];
  collect(before, after, { path: '', lines, most });
  return lines;
};

type Place = { readonly path: string; readonly lines: string[]; readonly most: number };

const collect = (before: unknown, after: unknown, { path, lines, most }: Place): void => {
  if (before === after || lines.length >= most) return;
  if (!isContainer(before) || !isContainer(after) || Array.isArray(before) !== Array.isArray(after)) {
    if (JSON.stringify(before) !== JSON.stringify(after)) {
      lines.push(`~ ${path || '/'}: ${short(before)} → ${short(after)}`);
    }
    return;
  }
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (lines.length >= most) return;
    const here = `${path}/${key}`;
    if (!Object.hasOwn(after, key)) lines.push(`- ${here}: ${short(before[key])}`);
    else if (!Object.hasOwn(before, key)) lines.push(`+ ${here}: ${short(after[key])}`);
    else collect(before[key], after[key], { path: here, lines, most });
  }
};

const isContainer = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const LONGEST = 200;

/** A value as JSON, cut where it gets long. */
export const short = (value: unknown): string => {
  const json = JSON.stringify(value) ?? 'undefined';
  return json.length > LONGEST ? `${json.slice(0, LONGEST)}… (${json.length} characters)` : json;
};
