// Values of a hook's config. They are JSON; the tlon command sends texts as jammed atoms in base
// 64 (`0w3NM` is "x"), which are read as the texts that they stand for.

const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-~';
const JAMMED = /^0w[1-9a-zA-Z~-][0-9a-zA-Z~-]{0,4}(\.[0-9a-zA-Z~-]{5})*$/;

/**
 * The text of a jammed atom; anything else as it is, also other nouns.
 *
 * @example configValue('0wdbkT.JHau0') === 'emoji'; configValue(5) === 5
 */
export const configValue = (value: unknown): unknown =>
  typeof value === 'string' && JAMMED.test(value) ? (textOf(bitsOf(value)) ?? value) : value;

/** The least significant first, without the zeros above the last one. */
const bitsOf = (cord: string): readonly number[] => {
  const bits = [...cord.slice(2).replaceAll('.', '')].reverse().flatMap((digit) => {
    const value = DIGITS.indexOf(digit);
    return [0, 1, 2, 3, 4, 5].map((bit) => (value >> bit) & 1);
  });
  return bits.slice(0, bits.lastIndexOf(1) + 1);
};

/**
 * A zero bit says that it is an atom. Then so many zeros as the length of its length has bits, a
 * one, that length without its highest bit, and the atom.
 */
const textOf = (bits: readonly number[]): string | undefined => {
  if (bits[0] !== 0) return undefined;
  const one = bits.indexOf(1, 1);
  const lengthBits = one - 1;
  if (lengthBits < 0 || lengthBits > 32) return undefined;
  if (lengthBits === 0) return bits.length === one + 1 ? '' : undefined;
  const start = one + lengthBits;
  const length = numberOf(bits.slice(one + 1, start)) + 2 ** (lengthBits - 1);
  // The highest bit of an atom is a one, and nothing stands behind it.
  if (bits.length !== start + length) return undefined;
  const bytes = Array.from({ length: Math.ceil(length / 8) }, (_, at) =>
    numberOf(bits.slice(start + at * 8, start + at * 8 + 8)),
  );
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));
  } catch {
    return undefined; // bytes, and no text
  }
};

const numberOf = (bits: readonly number[]): number => bits.reduce((sum, bit, at) => sum + bit * 2 ** at, 0);
