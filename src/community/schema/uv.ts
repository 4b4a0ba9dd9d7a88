// Ids of hooks, waits and clubs (@uv): numbers below 2^128, written `0v2.v7ae1.supd9…`.

const LARGEST = 2n ** 128n;
const TEXT = /^0v(0|[1-9a-v][0-9a-v]{0,4}(\.[0-9a-v]{5})*)$/;

/**
 * The number of an id in any spelling: `0v…`, decimal digits, or a number that JavaScript holds
 * exactly. Null when it is none of them.
 */
export const parseUv = (id: unknown): bigint | null => {
  if (typeof id === 'number') return Number.isSafeInteger(id) && id >= 0 ? BigInt(id) : null;
  if (typeof id !== 'string' || id.length > 64) return null;
  const number = /^\d{1,39}$/.test(id) ? BigInt(id) : TEXT.test(id) ? fromDigits(id.slice(2)) : LARGEST;
  return number < LARGEST ? number : null;
};

/** `0v` and digits to the base 32, in groups of five from the right. */
export const uvText = (id: bigint | string): string =>
  `0v${BigInt(id)
    .toString(32)
    .replace(/\B(?=(.{5})+$)/g, '.')}`;

const fromDigits = (text: string): bigint =>
  [...text.replaceAll('.', '')].reduce((number, digit) => number * 32n + BigInt(Number.parseInt(digit, 32)), 0n);
