// Texts as jammed atoms in base 64, which is how the tlon command sends and prints the values of a
// hook's config: `0w3NM` is "x". The two functions are each other's inverse. A text that ends with
// U+0000 has no such form.

const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-~';
const USUAL_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const JAMMED = /^0w[1-9a-zA-Z~-][0-9a-zA-Z~-]{0,4}(\.[0-9a-zA-Z~-]{5})*$/;

/**
 * undefined: another noun, or none.
 *
 * @example readJammedText('0wdbkT.JHau0') === 'emoji'; readJammedText('0w18N') === undefined
 */
export const readJammedText = (cord: string): string | undefined => {
  if (!JAMMED.test(cord)) return undefined;
  const atom = atomOf(fromDigits(cord.slice(2).replaceAll('.', '')));
  if (atom === undefined) return undefined;
  const bytes = atom === 0n ? Buffer.alloc(0) : bytesOf(atom, 2).reverse();
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined; // bytes, and no text
  }
};

/** @example jammedText('emoji') === '0wdbkT.JHau0' */
export const jammedText = (text: string): string => {
  const digits = toDigits(jam(numberOf(Buffer.from(text).reverse())));
  const first = digits.slice(0, ((digits.length - 1) % 5) + 1);
  return `0w${[first, ...(digits.slice(first.length).match(/.{5}/g) ?? [])].join('.')}`;
};

/**
 * From the least significant bit on: a zero, which says that it is an atom; so many zeros as the
 * length of its length has bits; a one; that length without its highest bit; the atom.
 */
const jam = (atom: bigint): bigint => {
  if (atom === 0n) return 2n;
  const length = bitLength(atom);
  const lengthBits = length.toString(2).length;
  const withLength = (atom << BigInt(lengthBits - 1)) | BigInt(length - 2 ** (lengthBits - 1));
  return ((withLength << 1n) | 1n) << BigInt(lengthBits + 1);
};

/** undefined: it is no jammed atom. */
const atomOf = (jammed: bigint): bigint | undefined => {
  const zeros = (/0*$/.exec(BigInt.asUintN(40, jammed).toString(2))?.[0].length ?? 0) - 1;
  if (zeros < 0) return undefined;
  const withLength = jammed >> BigInt(zeros + 2);
  if (zeros === 0) return withLength === 0n ? 0n : undefined;
  const length = Number(BigInt.asUintN(zeros - 1, withLength)) + 2 ** (zeros - 1);
  const atom = withLength >> BigInt(zeros - 1);
  return bitLength(atom) === length ? atom : undefined;
};

const bitLength = (atom: bigint): number => {
  const hex = atom.toString(16);
  return hex.length * 4 - Math.clz32(Number.parseInt(hex.slice(0, 1), 16)) + 28;
};

/** The most significant first, padded to a multiple of so many hexadecimal digits. */
const bytesOf = (number: bigint, multiple: number): Buffer => {
  const hex = number.toString(16);
  return Buffer.from(hex.padStart(Math.ceil(hex.length / multiple) * multiple, '0'), 'hex');
};

const numberOf = (bytes: Buffer): bigint => BigInt(`0x0${bytes.toString('hex')}`);

const toDigits = (number: bigint): string =>
  translate(bytesOf(number, 6).toString('base64url'), USUAL_DIGITS, DIGITS).replace(/^0+/, '');

const fromDigits = (digits: string): bigint =>
  numberOf(
    Buffer.from(translate(digits.padStart(Math.ceil(digits.length / 4) * 4, '0'), DIGITS, USUAL_DIGITS), 'base64url'),
  );

const translate = (text: string, from: string, to: string): string => {
  const codes = new Uint8Array(128);
  for (let at = 0; at < from.length; at += 1) codes[from.charCodeAt(at)] = to.charCodeAt(at);
  return Buffer.from(Buffer.from(text, 'latin1').map((code) => codes[code] as number)).toString('latin1');
};
