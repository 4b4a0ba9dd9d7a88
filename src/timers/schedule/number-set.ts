// A set of numbers from 0 to 63 in two words: a field of a cron pattern takes 16 bytes, and the
// next number in it one instruction.

export type NumberSet = { readonly low: number; readonly high: number };

export const numberSet = (numbers: Iterable<number>): NumberSet => {
  let low = 0;
  let high = 0;
  for (const number of numbers) {
    if (number < 32) low |= 1 << number;
    else high |= 1 << (number - 32);
  }
  return { low, high };
};

/** The smallest number of the set that is `least` or more. */
export const atOrAfter = ({ low, high }: NumberSet, least: number): number | undefined => {
  if (least < 32) {
    const found = lowestBit(low & (-1 << least));
    if (found !== undefined) return found;
  }
  const found = lowestBit(least <= 32 ? high : high & (-1 << (least - 32)));
  return found === undefined ? undefined : found + 32;
};

/** The largest number of the set that is `most` or less. */
export const atOrBefore = ({ low, high }: NumberSet, most: number): number | undefined => {
  if (most < 0) return undefined;
  if (most >= 32) {
    const found = highestBit(high & upTo(most - 32));
    if (found !== undefined) return found + 32;
  }
  return highestBit(low & upTo(Math.min(most, 31)));
};

/** The bits 0 to `bit`. */
const upTo = (bit: number): number => (2 << bit) - 1;

export const lowestBit = (word: number): number | undefined => (word === 0 ? undefined : 31 - Math.clz32(word & -word));

export const highestBit = (word: number): number | undefined => (word === 0 ? undefined : 31 - Math.clz32(word));
