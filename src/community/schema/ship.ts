// Ships (@p): every spelling in, `"~name"` out.
import aura from '@urbit/aura';

const LARGEST = 2n ** 128n;

/**
 * `"~sampel-palnet"` for a ship in any spelling that is in use: with or without sig, in quotes, or
 * as a number. Null when it is no ship: unknown syllables, leading zero words, upper case,
 * fractions, numbers above 2^128.
 *
 * @example normalizeShip('sampel-palnet') === '~sampel-palnet'; normalizeShip(0) === '~zod'
 */
export const normalizeShip = (ship: unknown): string | null => {
  if (typeof ship === 'string') return fromText(ship);
  if (typeof ship === 'number') return Number.isInteger(ship) ? fromNumber(BigInt(ship)) : null;
  return typeof ship === 'bigint' ? fromNumber(ship) : null;
};

/**
 * As `normalizeShip`, and decimal digits are a number: JSON has no other spelling for a large one.
 */
export const shipFromJson = (ship: unknown): string | null =>
  typeof ship === 'string' && /^\d{1,39}$/.test(ship) ? fromNumber(BigInt(ship)) : normalizeShip(ship);

const bytes = Array.from({ length: 256 }, (_, byte) => BigInt(byte));
const SUFFIXES = new Set(bytes.map((byte) => aura.render('p', byte).slice(1)));
/** The first of two syllables of a word. */
const PREFIXES = new Set(['doz', ...bytes.slice(1).map((byte) => aura.render('p', byte * 256n).slice(1, 4))]);

/** Words from the end, four and four; a name of one word may be one syllable. */
const NAME = /^~(?:[a-z]{3}|(?:[a-z]{6}-){0,3}[a-z]{6}|(?:[a-z]{6}-){0,3}[a-z]{6}--(?:[a-z]{6}-){3}[a-z]{6})$/;

const fromText = (text: string): string | null => {
  const bare = text.length > 1 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
  const name = bare.startsWith('~') ? bare : `~${bare}`;
  return NAME.test(name) && isCanonical(name.slice(1)) ? name : null;
};

/** As aura writes it, which takes ten times as long to write. */
const isCanonical = (name: string): boolean => {
  if (name.length === SYLLABLE) return SUFFIXES.has(name);
  // What is small enough has a shorter name.
  if (name.startsWith(name.length === 2 * SYLLABLE ? 'doz' : 'dozzod')) return false;
  return name.split(/--?/).every((word) => PREFIXES.has(word.slice(0, SYLLABLE)) && SUFFIXES.has(word.slice(SYLLABLE)));
};

const SYLLABLE = 3;

const fromNumber = (number: bigint): string | null =>
  number >= 0n && number < LARGEST ? aura.render('p', number) : null;
