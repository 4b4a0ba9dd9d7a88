// What connections to RabbitMQ count. A process has one or two of them, told apart by a label.
import { Counter, Gauge } from 'prom-client';
import type { Metrics } from '../../../core/metrics.ts';

export type ConnectionMetrics = {
  readonly reconnected: () => void;
  readonly isConnected: (value: boolean) => void;
};

const RECONNECTS = 'hookwright_broker_reconnects_total';
const CONNECTED = 'hookwright_broker_connected';

export const createConnectionMetrics = (metrics: Metrics, connection: string): ConnectionMetrics => {
  const { registry } = metrics;
  const known = registry.getSingleMetric(RECONNECTS);
  const reconnects =
    known instanceof Counter
      ? known
      : metrics.counter(RECONNECTS, 'Connections to RabbitMQ that were lost and made again', ['connection']);
  const knownState = registry.getSingleMetric(CONNECTED);
  const connected =
    knownState instanceof Gauge
      ? knownState
      : metrics.gauge(CONNECTED, 'Whether the connection to RabbitMQ stands', ['connection']);
  reconnects.inc({ connection }, 0);
  connected.set({ connection }, 0);
  return {
    reconnected: () => reconnects.inc({ connection }),
    isConnected: (value) => connected.set({ connection }, value ? 1 : 0),
  };
};
