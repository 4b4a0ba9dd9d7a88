// The rank of a ship, by which an open group can ban: how many ships of its kind there can be.
import aura from '@urbit/aura';

export const RANKS = ['czar', 'king', 'duke', 'earl', 'pawn'] as const;
export type Rank = (typeof RANKS)[number];

/** Galaxies, stars, planets, moons: below two to the power of this. All others are comets. */
const BITS = { czar: 8n, king: 16n, duke: 32n, earl: 64n } as const;

/** @example rankOf('~zod') === 'czar'; rankOf('~sampel-palnet') === 'duke' */
export const rankOf = (ship: string): Rank => {
  const number = aura.tryParse('p', ship); // parse() takes ~zod, which is 0, for a failure
  if (number === null) throw new TypeError(`${ship} is no ship`);
  return RANKS.find((rank) => rank !== 'pawn' && number < 2n ** BITS[rank]) ?? 'pawn';
};
