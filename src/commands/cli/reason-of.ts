// The reason in an error that the ledger keeps, short enough for a table. `--json` shows all of it.

const LONGEST = 240;

export const reasonOf = (error: unknown): string => {
  if (typeof error === 'string') return shortened(error);
  const { message } = (error ?? {}) as { message?: unknown };
  return shortened(typeof message === 'string' ? message : JSON.stringify(error ?? null));
};

/**
 * The first paragraph that tells something, and does not only announce the next one; what it
 * announces in a block of code, such as missing scopes, comes with it.
 */
const shortened = (text: string): string => {
  const [, announced = '', block] = /^([^\n]*:)\s*```\w*\n([\s\S]*?)\n```/.exec(text) ?? [];
  const [, next] = block === undefined ? (/^[^\n]*:\n\n(?=\S)([\s\S]+)$/.exec(text) ?? []) : [];
  if (next !== undefined) return shortened(next);
  const told = block === undefined ? (text.split('\n\n')[0] ?? '') : `${announced} ${compact(block)}`;
  return told.length > LONGEST ? `${told.slice(0, LONGEST)}…` : told;
};

const compact = (block: string): string => block.replace(/\s*\n\s*/g, ' ');
