// What is counted of RabbitMQ beside what every broker counts. No label holds a name of an exchange
// or a queue: callers choose those.
import type { Metrics } from '../../core/metrics.ts';

export type AmqpMetrics = {
  readonly consumers: (count: number) => void;
  readonly inFlight: (bytes: number) => void;
  readonly redelivered: () => void;
  readonly deduplicated: (deliveries: number) => void;
  readonly refused: (queues: number) => void;
};

export const createAmqpMetrics = (metrics: Metrics): AmqpMetrics => {
  const consumers = metrics.gauge('hookwright_broker_consumers', 'Queues on RabbitMQ that this process consumes');
  const inFlight = metrics.gauge('hookwright_broker_in_flight_bytes', 'Bodies of messages received and not over yet');
  const redelivered = metrics.counter(
    'hookwright_deliveries_redelivered_total',
    'Deliveries that RabbitMQ had made before',
  );
  const deduplicated = metrics.counter(
    'hookwright_deliveries_deduplicated_total',
    'Deliveries that had had their effect before, and had no second one',
  );
  const refused = metrics.gauge('hookwright_broker_refused_queues', 'Queues with a binding that RabbitMQ refuses');
  return {
    consumers: (count) => consumers.set(count),
    inFlight: (bytes) => inFlight.set(bytes),
    redelivered: () => redelivered.inc(),
    deduplicated: (deliveries) => deduplicated.inc(deliveries),
    refused: (queues) => refused.set(queues),
  };
};
