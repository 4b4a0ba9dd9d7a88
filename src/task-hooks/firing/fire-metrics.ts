// The metrics of fires.
import { LATENCY_BUCKETS, type Metrics } from '../../core/metrics.ts';
import type { FireOutcome } from '../../ledger/entry.ts';
import type { FireEvent } from './fire.ts';

type Counted = Pick<FireEvent, 'firedBy' | 'arrived'>;

export type FireMetrics = {
  /** The first attempt to create the task begins. */
  readonly begun: (fire: Counted, now: number) => void;
  /** `events`: for how many it stands; only one that stands for itself has a duration. */
  readonly ended: (fire: Counted, outcome: FireOutcome, now: number, events?: number) => void;
};

/** Lag is also what an outage leaves behind: to an hour. */
const LAG_BUCKETS = [...LATENCY_BUCKETS, 60, 300, 3_600];

export const createFireMetrics = (metrics: Metrics): FireMetrics => {
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
    ended: (fire, outcome, now, events) => {
      finished.inc({ outcome, fired_by: fire.firedBy }, events ?? 1);
      if (events === undefined) total.observe({ fired_by: fire.firedBy }, secondsSince(fire, now));
    },
  };
};
