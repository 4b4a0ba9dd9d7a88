// One registry of Prometheus metrics a process. Label sets are bounded: never a hook's name, never
// a caller's.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export type Metrics = {
  readonly registry: Registry;
  readonly counter: <L extends string>(name: string, help: string, labels?: readonly L[]) => Counter<L>;
  /** `read`: sets it when it is asked for. */
  readonly gauge: <L extends string>(
    name: string,
    help: string,
    labels?: readonly L[],
    read?: (gauge: Gauge<L>) => void,
  ) => Gauge<L>;
  readonly histogram: <L extends string>(
    name: string,
    help: string,
    labels?: readonly L[],
    buckets?: readonly number[],
  ) => Histogram<L>;
};

/** Seconds. Fine below 20 ms, where the promises of latency are made. */
export const LATENCY_BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export const createMetrics = (options: { processMetrics?: boolean } = {}): Metrics => {
  const registry = new Registry();
  if (options.processMetrics) collectDefaultMetrics({ register: registry, prefix: 'hookwright_' });
  return {
    registry,
    counter: (name, help, labels = []) => new Counter({ name, help, labelNames: [...labels], registers: [registry] }),
    gauge: <L extends string>(
      name: string,
      help: string,
      labels: readonly L[] = [],
      read?: (gauge: Gauge<L>) => void,
    ) => {
      const gauge: Gauge<L> = new Gauge({
        ...{ name, help, labelNames: [...labels], registers: [registry] },
        ...(read && { collect: () => read(gauge) }),
      });
      return gauge;
    },
    histogram: (name, help, labels = [], buckets = LATENCY_BUCKETS) =>
      new Histogram({ name, help, labelNames: [...labels], buckets: [...buckets], registers: [registry] }),
  };
};
