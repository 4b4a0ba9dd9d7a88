// The tools of the broker in the database: publishing goes through the outbox, and watches are
// queues.
import type { Clock } from '../../core/clock.ts';
import { newAccessToken } from '../../core/ids.ts';
import type { Database, Transaction } from '../../database/database.ts';
import { ApiError } from '../../http/api-error.ts';
import type { OutgoingMessage } from '../broker.ts';
import { type BrokerTools, LONGEST_WAIT_MS, NO_SUCH_WATCH, shownBody, type WatchReading } from '../operator-tools.ts';
import { createBindingCache } from './bindings.ts';
import type { StoredDelivery } from './queue-store.ts';
import { insertWatchOn, removeWatch, takeFromWatch, WATCHES_CHANNEL, watchesThereAre } from './watches.ts';

export type DatabaseToolsSettings = {
  readonly database: Database;
  readonly clock: Clock;
  readonly publish: (tx: Transaction, messages: readonly OutgoingMessage[]) => Promise<void>;
};

/** Each costs the relay a look at every turn in which it gets something. */
const MOST_WATCHES = 200;
/** A notification may get lost with its connection. */
const LOOK_EVERY_MS = 2_000;

export const createDatabaseTools = ({ database, clock, publish }: DatabaseToolsSettings): BrokerTools => {
  const bindings = createBindingCache(clock);

  return {
    publish: async (message) => {
      await database.transaction((tx) => publish(tx, [message]));
      await bindings.refresh(database);
      return { wasRouted: bindings.match(message.exchange, [message.routingKey, ...(message.cc ?? [])]).size > 0 };
    },
    openWatch: async (exchange, pattern) => {
      if ((await watchesThereAre(database)) >= MOST_WATCHES) {
        throw new ApiError(
          'TooManyRequests',
          `There are ${MOST_WATCHES} watches already. Close one, or wait a minute.`,
        );
      }
      const id = newAccessToken();
      await database.transaction((tx) => insertWatchOn(tx, { exchange, id }, pattern, clock.now()));
      return id;
    },
    readWatch: async (watch, signal) => {
      const take = () => database.transaction((tx) => takeFromWatch(tx, watch, clock.now()));
      const until = clock.monotonic() + LONGEST_WAIT_MS;
      let waking = new AbortController();
      const wake = () => waking.abort();
      signal.addEventListener('abort', wake, { once: true });
      // It stands before the first look, so that nothing comes unseen in between.
      await using _listening = await database.listen(WATCHES_CHANNEL, { onNotification: wake, onInterruption: wake });
      let isIncomplete = false;
      for (;;) {
        const taken = await take();
        if (!taken) throw new ApiError('ResourceNotFound', NO_SUCH_WATCH);
        isIncomplete ||= taken.isIncomplete;
        const left = until - clock.monotonic();
        if (taken.rows.length > 0 || left <= 0 || signal.aborted) return reading(taken.rows, isIncomplete);
        await clock.sleep(Math.min(left, LOOK_EVERY_MS), waking.signal);
        waking = new AbortController();
      }
    },
    closeWatch: (watch) => database.transaction((tx) => removeWatch(tx, watch, clock.now())),
  };
};

const reading = (rows: readonly StoredDelivery[], isIncomplete: boolean): WatchReading => ({
  messages: rows.map(({ exchange, routing_key, message_id, body, accepted }) => ({
    ...{ exchange, routingKey: routing_key, cc: [], messageId: message_id ?? undefined, accepted },
    ...shownBody(Buffer.from(body)),
  })),
  isIncomplete,
});
