// What a measure is, and what every measure is made of: rounds that alternate, medians, rows with a
// bar.
import type { Clock } from '../../src/core/clock.ts';
import type { Stable } from './stable.ts';

/**
 * One thing that `npm run bench` measures. A new one is a file of its own and a line in main.ts.
 */
export type Measure = {
  /** What `--only` calls it. */
  readonly name: string;
  /** One line for `--help`. */
  readonly about: string;
  readonly take: (bench: Bench) => Promise<readonly Row[]>;
};

/** What a measure is given. */
export type Bench = {
  readonly rounds: number;
  /** How long one side of one round is under load. */
  readonly seconds: number;
  /** How many entries a ledger has that is searched. */
  readonly rows: number;
  /** The file that is started with `serve`: src/main.ts, or another version to compare with. */
  readonly entry: string;
  readonly clock: Clock;
  /** Starts processes and hands out folders; ends and removes all of them, whatever happens. */
  readonly stable: Stable;
  /** A line of progress, on standard error. */
  readonly say: (line: string) => void;
};

/** What a figure must reach: the value itself, or its ratio to the reference. */
export type Bar =
  | { readonly of: 'value' | 'ratio'; readonly atMost: number }
  | { readonly of: 'value' | 'ratio'; readonly atLeast: number };

export type Row = Figure | Unavailable;

export type Figure = {
  readonly measure: string;
  /** The median of `rounds`. */
  readonly value: number;
  readonly unit: string;
  readonly rounds: readonly number[];
  /** The median of what the reference reached. */
  readonly reference?: number;
  /**
   * The median of each round's own ratio (ours / reference), which a noisy machine disturbs less
   * than either figure.
   */
  readonly ratio?: number;
  readonly bar?: Bar;
  readonly met?: boolean;
  readonly note?: string;
};

/** A figure that could not be taken here. Never a zero in its place. */
export type Unavailable = {
  readonly measure: string;
  readonly value: null;
  readonly unit: string;
  readonly note: string;
};

/**
 * Makes a row of the figures of all rounds. `reference` has one figure a round too, taken within
 * the same round.
 */
export const figure = (
  measure: string,
  unit: string,
  rounds: readonly number[],
  more: { reference?: readonly number[]; bar?: Bar; note?: string | undefined } = {},
): Figure => {
  const value = median(rounds);
  const ratio = more.reference && median(rounds.map((ours, round) => ours / (more.reference?.[round] ?? Number.NaN)));
  const { bar } = more;
  return {
    measure,
    value,
    unit,
    rounds,
    ...(more.reference && { reference: median(more.reference) }),
    ...(ratio !== undefined && { ratio }),
    ...(bar && { bar, met: isMet(bar, bar.of === 'ratio' ? ratio : value) }),
    ...(more.note !== undefined && { note: more.note }),
  };
};

export const unavailable = (measure: string, unit: string, reason: string): Unavailable => ({
  measure,
  value: null,
  unit,
  note: `cannot be taken here: ${reason}`,
});

const isMet = (bar: Bar, reached: number | undefined): boolean =>
  reached !== undefined && ('atMost' in bar ? reached <= bar.atMost : reached >= bar.atLeast);

/**
 * Runs every side once a round, the order turned round each time, so that what the machine does
 * meanwhile meets both alike. Resolves with one result a round for each side.
 */
export const interleave = async <Side extends string, Result>(
  rounds: number,
  sides: Readonly<Record<Side, (round: number) => Promise<Result>>>,
): Promise<Record<Side, Result[]>> => {
  const names = Object.keys(sides) as Side[];
  const results = Object.fromEntries(names.map((name) => [name, [] as Result[]])) as Record<Side, Result[]>;
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) results[name].push(await sides[name](round));
  }
  return results;
};

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle];
  if (upper === undefined) return Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
};
