// What the broker in the database counts. No label holds a name of an exchange or a queue: callers
// choose those.
import { LATENCY_BUCKETS, type Metrics } from '../core/metrics.ts';

export type BrokerMetrics = {
  readonly accepted: (messages: number) => void;
  readonly routed: (messages: number, dropped: number) => void;
  readonly delivered: (deliveries: number) => void;
  readonly failed: () => void;
  readonly lag: (ms: number) => void;
  readonly pending: (counts: { readonly unrouted: number; readonly undelivered: number }) => void;
};

/** Up to here what waits is counted; the gauge shows no more. */
export const MOST_COUNTED = 100_000;

/** How late messages are is also what they are after an outage: to an hour. */
const LAG_BUCKETS = [...LATENCY_BUCKETS, 60, 300, 3_600];

export const createBrokerMetrics = (metrics: Metrics): BrokerMetrics => {
  const accepted = metrics.counter(
    'hookwright_messages_accepted_total',
    'Messages handed in to be published, also in transactions that were undone later',
  );
  const routed = metrics.counter('hookwright_messages_routed_total', 'Messages that went to at least one queue');
  const dropped = metrics.counter('hookwright_messages_dropped_total', 'Messages that no binding matched');
  const deliveries = metrics.counter('hookwright_deliveries_total', 'Deliveries that their reader was done with');
  const failures = metrics.counter('hookwright_delivery_failures_total', 'Failures of the reader at deliveries');
  const lag = metrics.histogram(
    'hookwright_delivery_lag_seconds',
    'From the acceptance of a message until it was first handed to its reader, in seconds',
    [],
    LAG_BUCKETS,
  );
  const pending = metrics.gauge('hookwright_messages_pending', `What waits, counted up to ${MOST_COUNTED}`, ['for']);

  return {
    accepted: (messages) => accepted.inc(messages),
    routed: (messages, unmatched) => {
      routed.inc(messages);
      dropped.inc(unmatched);
    },
    delivered: (count) => deliveries.inc(count),
    failed: () => failures.inc(),
    lag: (ms) => lag.observe(Math.max(0, ms) / 1_000),
    pending: ({ unrouted, undelivered }) => {
      pending.set({ for: 'routing' }, unrouted);
      pending.set({ for: 'delivery' }, undelivered);
    },
  };
};
