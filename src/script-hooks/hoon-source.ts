// Scripts that are kept as Hoon: `%-  hook-builder-js` and the JavaScript as a text in '''
// (decision 12).

const WRAPPED = /hook-builder-js[ \t]*\r?\n(([ \t]*)'''[ \t]*\r?\n)/;

/**
 * The JavaScript of a source: of a .hoon file its text, anything else as it is. Lines keep their
 * numbers.
 */
export const unwrapHoon = (source: string): string => {
  const opening = WRAPPED.exec(source);
  if (opening === null) return source;
  const start = opening.index + opening[0].length;
  const indent = opening[2] ?? '';
  const lines = source.slice(start).split('\n');
  const end = lines.findIndex((line) => line.trim() === "'''");
  if (end < 0) return source;
  const before = source.slice(0, start).split('\n').length - 1;
  const text = lines.slice(0, end).map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line));
  return '\n'.repeat(before) + text.join('\n');
};
