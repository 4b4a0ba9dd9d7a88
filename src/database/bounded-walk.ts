// Looking through many rows in order for a few: in steps, until a page is full, there are no more,
// or the time for one answer is up.
import type { Clock } from '../core/clock.ts';

export type Step<Row, Place> = {
  readonly found: readonly Row[];
  /** The last row that was looked at; undefined: there are no more. */
  readonly last: Place | undefined;
};

export type Walked<Row, Place> = {
  /** One more than wanted at most, which tells that there are more. */
  readonly found: readonly Row[];
  /** There because the time was up: rows behind it were not looked at. */
  readonly stoppedAt?: Place;
};

/** A page that is not full is answered after so long. */
const ENOUGH_MS = 50;

/** Rows of a step: few at first, which are enough as a rule; some 5 to 20 ms at most. */
const STEPS = { first: 250, largest: 4_000, growth: 4 };

/** `step` looks at `size` rows behind `from`, and answers at most `most` of them. */
export const walkBounded = async <Row, Place>(
  clock: Clock,
  wanted: number,
  from: Place,
  step: (from: Place, most: number, size: number) => Promise<Step<Row, Place>>,
): Promise<Walked<Row, Place>> => {
  const began = clock.monotonic();
  const found: Row[] = [];
  let size = STEPS.first;
  for (let place = from; ; ) {
    const { found: more, last } = await step(place, wanted + 1 - found.length, size);
    size = Math.min(size * STEPS.growth, STEPS.largest);
    found.push(...more);
    if (found.length > wanted || last === undefined) return { found };
    if (clock.monotonic() - began >= ENOUGH_MS) return { found, stoppedAt: last };
    place = last;
  }
};
