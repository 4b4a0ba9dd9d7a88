// Patterns that the runtime's own engine matches quickly, because there are few ways to try:
// anchored, nothing repeated that repeats itself, and at most one part without an upper end. Most
// patterns that people write are.
import type { Linear } from './bound.ts';

/** How many ways lead to a place: so many, and for each character of the text so many. */
type Ways = { readonly fixed: number; readonly open: number };
type Group = { readonly before: Ways; readonly after: Ways };

const PIECE = /\(\?:|\\[pP]\{[^}]*\}|\\u\{[^}]*\}|\\.|\[(?:\\.|[^\]\\])*\]|\{(\d+)(,?)(\d*)\}|./gsu;
/** A lookaround, a name, flags; a backreference. */
const NOT_PLAIN = /\(\?(?!:)|\\[1-9k]/;
/** Beyond it RE2 is quicker. */
const MOST_TRIES = 10_000;

const NO_WAY: Ways = { fixed: 0, open: 0 };
const join = (left: Ways, right: Ways): Ways => ({ fixed: left.fixed + right.fixed, open: left.open + right.open });
const times = ({ fixed, open }: Ways, count: number): Ways => ({ fixed: fixed * count, open: open * count });

/**
 * How many characters are looked at before it is known that a text does not match, at most.
 * undefined: it is not plain.
 */
export const triesOfPlainPattern = (pattern: string): Linear | undefined => {
  if (!pattern.startsWith('^') || NOT_PLAIN.test(pattern.replaceAll('\\\\', ''))) return undefined;
  let tries: Linear = { once: 0, perByte: 0 };
  let ways: Ways = { fixed: 1, open: 0 };
  /** Before what stood last, which a quantifier is about. */
  let before = ways;
  let lastIsGroup = false;
  const outer: Group[] = [];
  const look = (from: Ways, count: number) => {
    tries = { once: tries.once + from.fixed * count, perByte: tries.perByte + from.open * count };
  };
  for (const [piece, least, comma, most] of pattern.matchAll(PIECE)) {
    const isOpenEnded = piece === '*' || piece === '+' || (comma === ',' && most === '');
    if (piece === '(' || piece === '(?:') {
      outer.push({ before: ways, after: NO_WAY });
    } else if (piece === '|' || piece === ')') {
      const group = outer.pop();
      if (!group) return undefined; // an alternative that need not begin where the text does
      const after = join(group.after, ways);
      if (piece === '|') {
        outer.push({ ...group, after });
        ways = group.before;
      } else [ways, before, lastIsGroup] = [after, group.before, true];
      look(group.before, 1);
    } else if (piece === '?') {
      ways = join(ways, before); // or it makes another quantifier lazy, and no way is new
    } else if (isOpenEnded) {
      if (lastIsGroup || before.open > 0) return undefined;
      look(before, Number(least ?? 1));
      tries = { ...tries, perByte: tries.perByte + before.fixed };
      ways = { fixed: 0, open: before.fixed };
    } else if (least !== undefined) {
      if (lastIsGroup) return undefined;
      const end = Number(comma === ',' ? most : least);
      look(before, end);
      ways = times(before, end - Number(least) + 1);
    } else {
      [before, lastIsGroup] = [ways, false];
      look(ways, 1);
    }
    if (!(tries.once + tries.perByte + ways.fixed + ways.open <= MOST_TRIES)) return undefined;
  }
  return tries;
};
