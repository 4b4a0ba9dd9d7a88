// Times that are ids (@da), with and without dots, and how they come from milliseconds.

const EPOCH = 170141184475152167957503069145530368000n;
const SECOND = 2n ** 64n;
/** Between ids of the same moment: 1/65,536 s. */
export const STEP = 2n ** 48n;

/** The id of a time in milliseconds since 1970. */
export const idFromMillis = (ms: number): bigint => EPOCH + divided(BigInt(Math.floor(ms)) * SECOND, 1000n);

/** The time of an id in milliseconds since 1970, to the nearest. */
export const millisFromId = (id: bigint): number => Number(divided((id + SECOND / 2000n - EPOCH) * 1000n, SECOND));

/** The same as the database counts, of any number: no earlier than 1970. */
export const boundedMillis = (id: bigint): number => Math.min(Math.max(millisFromId(id), 0), Number.MAX_SAFE_INTEGER);

/** Rounded down, also before 1970. */
const divided = (a: bigint, b: bigint): bigint => (a - (((a % b) + b) % b)) / b;

/** `"170141184507…"` and `"170.141.184.507…"` alike give the number; null when it is neither. */
export const parseId = (text: string): bigint | null =>
  /^\d{1,45}$/.test(text) || (text.length < 64 && /^\d{1,3}(\.\d{3})*$/.test(text))
    ? BigInt(text.replaceAll('.', ''))
    : null;

/** `170.141.184.507…`: groups of three from the right. */
export const withDots = (number: bigint | string): string => {
  const digits = String(number);
  let dotted = digits.slice(0, digits.length % 3 || 3);
  for (let at = dotted.length; at < digits.length; at += 3) dotted += `.${digits.slice(at, at + 3)}`;
  return dotted;
};
