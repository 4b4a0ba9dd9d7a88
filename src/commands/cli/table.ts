// Aligned columns.
import { oneLine, type Paint } from './output.ts';

export type Cell = string | undefined;

/**
 * Rows below a heading, each column as wide as its widest cell. `empty` is said instead when there
 * are none.
 */
export const table = (
  heading: readonly string[],
  rows: readonly (readonly Cell[])[],
  { paint, empty }: { readonly paint: Paint; readonly empty: string },
): string => {
  if (rows.length === 0) return `${empty}\n`;
  const cells = rows.map((row) => row.map((cell) => oneLine(cell ?? '') || '-'));
  const widths = heading.map((name, column) =>
    Math.max(...[name, ...cells.map((row) => row[column] ?? '')].map(widthOf)),
  );
  const lineOf = (row: readonly string[]) =>
    row
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - widthOf(cell)))
      .join('  ')
      .trimEnd();
  return `${[paint('dim', lineOf(heading)), ...cells.map(lineOf)].join('\n')}\n`;
};

/** Names and their values, a pair a line. What has no value is left out. */
export const pairs = (values: readonly (readonly [string, Cell])[], paint: Paint): string => {
  const known = values.filter(([, value]) => value !== undefined);
  const width = Math.max(0, ...known.map(([name]) => name.length));
  return known.map(([name, value = '']) => `${paint('dim', name.padEnd(width))}  ${oneLine(value)}\n`).join('');
};

/** In characters. Wide ones are rare in what is shown here, and only alignment suffers. */
const widthOf = (text: string): number => [...text].length;
