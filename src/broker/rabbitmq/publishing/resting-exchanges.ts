// Exchanges to which RabbitMQ lets nothing be published at the moment: each is said once, rests,
// and is tried again.
import { backoff } from '../../../core/backoff.ts';
import type { Clock } from '../../../core/clock.ts';
import { describeError } from '../../../core/errors.ts';
import type { Log } from '../../../core/log.ts';
import type { Metrics } from '../../../core/metrics.ts';

/** Who may publish may not declare, and the other way round. */
export type RejectedAt = 'declaring' | 'publishing';

export type RestingExchanges = {
  readonly rejected: (exchange: string, at: RejectedAt, error: unknown) => void;
  readonly accepted: (exchange: string, at: RejectedAt) => void;
  /** Whose messages are left alone for now. */
  readonly resting: () => string[];
  /** In how many ms the first of them is to be tried again. */
  readonly nextTry: () => number | undefined;
  readonly tryAllAgain: () => void;
  /** There is nothing to publish but for those that rest. */
  readonly forgetOthers: () => void;
};

const REFUSED = { firstMs: 250, longestMs: 30_000 };

export const createRestingExchanges = ({
  clock,
  log,
  metrics,
}: {
  clock: Clock;
  log: Log;
  metrics: Metrics;
}): RestingExchanges => {
  const refusals = metrics.counter(
    'hookwright_exchange_refusals_total',
    'Attempts to publish that RabbitMQ refused: no such exchange, or no permission',
  );
  const refusing = metrics.gauge('hookwright_exchanges_refused', 'Exchanges whose messages wait because of a refusal');
  const exchanges = new Map<string, { at: RejectedAt; failures: number; until: number }>();

  return {
    rejected: (exchange, at, error) => {
      const failures = exchanges.get(exchange)?.failures ?? 0;
      exchanges.set(exchange, { at, failures: failures + 1, until: clock.monotonic() + backoff(failures, REFUSED) });
      refusals.inc();
      refusing.set(exchanges.size);
      // One that was deleted is made again at the first try: nobody has to know.
      const level = failures === 1 ? 'warn' : 'debug';
      log[level]({ exchange, reason: describeError(error) }, 'RabbitMQ refuses messages of an exchange; they wait');
    },
    accepted: (exchange, at) => {
      const known = exchanges.get(exchange);
      if (!known || (known.at === 'publishing' && at === 'declaring')) return;
      exchanges.delete(exchange);
      refusing.set(exchanges.size);
      if (known.failures > 1) log.info({ exchange }, 'exchange accepts messages again');
    },
    resting: () => {
      const now = clock.monotonic();
      return [...exchanges].flatMap(([exchange, { until }]) => (until > now ? [exchange] : []));
    },
    nextTry: () => {
      if (exchanges.size === 0) return undefined;
      const first = Math.min(...[...exchanges.values()].map(({ until }) => until));
      return Math.max(first - clock.monotonic(), REFUSED.firstMs);
    },
    tryAllAgain: () => {
      for (const one of exchanges.values()) one.until = 0;
    },
    forgetOthers: () => {
      const now = clock.monotonic();
      for (const [exchange, { at, until }] of exchanges) {
        if (at === 'publishing' && until <= now) exchanges.delete(exchange);
      }
      refusing.set(exchanges.size);
    },
  };
};
