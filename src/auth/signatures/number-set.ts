// A set of random numbers that takes 16 to 32 bytes for each: a Set takes three times as much, all
// of which the garbage collector looks through.

export type NumberSet = {
  /** Whole and positive. false: it was there. */
  readonly add: (number: number) => boolean;
  readonly delete: (number: number) => void;
  readonly size: () => number;
};

const FREE = 0;
/** Where one was; those that came after it lie beyond. */
const GONE = -1;

export const createNumberSet = (): NumberSet => {
  let places = new Float64Array(64);
  let taken = 0;

  /** Of the number, or of where it would go. */
  const placeOf = (number: number): number => {
    let at = number % places.length;
    while (places[at] !== FREE && places[at] !== number) at = (at + 1) % places.length;
    return at;
  };
  const grow = () => {
    const old = places;
    places = new Float64Array(2 * old.length);
    taken = 0;
    for (const number of old) {
      if (number <= FREE) continue;
      places[placeOf(number)] = number;
      taken += 1;
    }
  };

  return {
    add: (number) => {
      const place = placeOf(number);
      if (places[place] === number) return false;
      places[place] = number;
      taken += 1;
      if (taken > places.length / 2) grow();
      return true;
    },
    delete: (number) => {
      const place = placeOf(number);
      if (places[place] === number) places[place] = GONE;
    },
    size: () => taken,
  };
};
