// What is counted of fires.
import { LATENCY_BUCKETS, type Metrics } from '../../core/metrics.ts';
import type { FireOutcome } from '../../ledger/entry.ts';
import type { Fire } from './fire-store.ts';

type Counted = Pick<Fire, 'firedBy' | 'arrived'>;

export type FireMetrics = {
  /** The first attempt to create the task begins. */
  readonly begun: (fire: Counted, now: number) => void;
  readonly ended: (fire: Counted, outcome: FireOutcome, now: number) => void;
  /** Occurrences that passed while nothing ran. */
  readonly missed: (occurrences: number) => void;
};

/** Lag is also what an outage leaves behind: to an hour. */
const LAG_BUCKETS = [...LATENCY_BUCKETS, 60, 300, 3_600];

const known = new WeakMap<Metrics, FireMetrics>();

/** The same for the same registry: fires end in more than one file. */
export const fireMetricsOf = (metrics: Metrics): FireMetrics => {
  const made = known.get(metrics) ?? create(metrics);
  known.set(metrics, made);
  return made;
};

const create = (metrics: Metrics): FireMetrics => {
  const finished = metrics.counter('hookwright_fires_total', 'Events of hooks that have an outcome', [
    'outcome',
    'fired_by',
  ]);
  const total = metrics.histogram(
    'hookwright_fire_seconds',
    'From the event, or the time it was due, to its outcome',
    ['fired_by'],
    LAG_BUCKETS,
  );
  const lateness = metrics.histogram(
    'hookwright_fire_attempt_seconds',
    'From the event, or the time it was due, to the start of the first attempt to create the task',
    ['fired_by'],
    LAG_BUCKETS,
  );
  const secondsSince = ({ arrived }: Counted, now: number) => Math.max(now - arrived, 0) / 1000;
  return {
    begun: (fire, now) => lateness.observe({ fired_by: fire.firedBy }, secondsSince(fire, now)),
    missed: (occurrences) => finished.inc({ outcome: 'missed', fired_by: 'schedule' }, occurrences),
    ended: (fire, outcome, now) => {
      finished.inc({ outcome, fired_by: fire.firedBy });
      total.observe({ fired_by: fire.firedBy }, secondsSince(fire, now));
    },
  };
};
