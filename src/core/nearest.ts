// What somebody meant who mistyped a word.

/**
 * The candidate that a typing error or two make of the word, or that alone begins with it.
 * undefined: none is near, or several are as near as each other by their beginning only.
 */
export const nearest = (word: string, candidates: Iterable<string>): string | undefined => {
  if (word.length > LONGEST) return undefined;
  const known = [...new Set(candidates)];
  const given = word.toLowerCase();
  const longer = known.filter((one) => given.length > 1 && one.startsWith(given));
  if (longer.length === 1) return longer[0];
  const [best] = known
    .map((one) => ({ one, errors: typingErrors(given, one.toLowerCase()) }))
    .filter(({ one, errors }) => errors <= mostErrors(Math.max(given.length, one.length)))
    .sort((a, b) => a.errors - b.errors);
  return best?.one;
};

const LONGEST = 64;

/** More would make every short word of every other one. */
const mostErrors = (length: number): number => (length <= 2 ? 0 : length <= 4 ? 1 : length <= 12 ? 2 : 3);

/**
 * How many letters were left out, added, changed or swapped with their neighbour (the distance of
 * Damerau and Levenshtein, without several edits of one place).
 */
const typingErrors = (from: string, to: string): number => {
  const rows: number[][] = [Array.from({ length: to.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number) => rows[row]?.[column] ?? 0;
  for (let row = 1; row <= from.length; row++) {
    rows.push([row]);
    for (let column = 1; column <= to.length; column++) {
      const isSame = from[row - 1] === to[column - 1];
      const isSwapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      const ways = [at(row - 1, column) + 1, at(row, column - 1) + 1, at(row - 1, column - 1) + (isSame ? 0 : 1)];
      if (isSwapped) ways.push(at(row - 2, column - 2) + 1);
      rows[row]?.push(Math.min(...ways));
    }
  }
  return at(from.length, to.length);
};
