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

/** 57 characters and a sig is the longest comet; nothing longer is worth parsing. */
const LONGEST = 64;
const known = new Map<string, string>();
const KNOWN_AT_MOST = 10_000;

const fromText = (text: string): string | null => {
  if (text.length > LONGEST) return null;
  const found = known.get(text);
  if (found !== undefined) return found;
  const bare = text.length > 1 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
  const name = bare.startsWith('~') ? bare : `~${bare}`;
  // Only the spelling that aura itself would write is canonical.
  const number = aura.tryParse('p', name);
  if (number === null || aura.render('p', number) !== name) return null;
  if (known.size >= KNOWN_AT_MOST) known.clear();
  known.set(text, name);
  return name;
};

const fromNumber = (number: bigint): string | null =>
  number >= 0n && number < LARGEST ? aura.render('p', number) : null;
