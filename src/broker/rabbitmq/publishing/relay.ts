// The relay of RabbitMQ: takes what was published out of the outbox and publishes it there, one
// transaction a turn. A message leaves the outbox when RabbitMQ has confirmed it, so that a crash
// in between makes a copy, with the same message id, and never a gap.
//
// One process at a time does so. What one exchange has to wait for, the others do not.
import { backoff } from '../../../core/backoff.ts';
import { withDeadline } from '../../../core/clock.ts';
import { createLoop } from '../../../core/loop.ts';
import type { Base } from '../../../database/base.ts';
import type { Transaction } from '../../../database/database.ts';
import { keepListening, wakes } from '../../../database/keep-listening.ts';
import { sweepWatches } from '../../in-database/watches.ts';
import { type BrokerMetrics, MOST_COUNTED } from '../../metrics.ts';
import { OUTBOX_CHANNEL, type Outgoing, pendingUpTo, readOutboxWhole, removeFromOutbox } from '../../outbox.ts';
import { HELD_BY_ANOTHER, tryToRelay } from '../../relay-lock.ts';
import type { AmqpConnection, AmqpSession } from '../connection/connection.ts';
import { createPublisher, type Publisher } from './publisher.ts';
import { createRestingExchanges } from './resting-exchanges.ts';

export type AmqpRelaySettings = Base & {
  readonly connection: AmqpConnection;
  /**
   * The server's own exchanges, which are there from the first session on, so that others can bind
   * to them.
   */
  readonly exchanges?: readonly string[];
  /** Told now and then what waits, each counted up to MOST_COUNTED. */
  readonly onPending?: BrokerMetrics['pending'];
};

const MOST_AT_ONCE = { messages: 500, bytes: 8 * 1024 * 1024 };
/** Less than the 15 s after which PostgreSQL ends a transaction in which nothing happens. */
const CONFIRM_WITHIN_MS = 10_000;
const TAKES_NOTHING_MS = 1_000;
const CLEAN_UP_EVERY_MS = 15_000;

type Turn = 'held by another' | 'empty' | 'more' | 'stalled' | 'done';

/** @example await createAmqpRelay({ database, connection, clock, log, metrics }).run(signal); */
export const createAmqpRelay = (
  settings: AmqpRelaySettings,
): { readonly run: (signal: AbortSignal) => Promise<void> } => {
  const { database, connection, clock, log, metrics, exchanges = [], onPending } = settings;
  const relayed = metrics.counter('hookwright_messages_relayed_total', 'Messages that RabbitMQ has confirmed');
  const restingExchanges = createRestingExchanges({ clock, log, metrics });
  let session: AmqpSession | undefined;
  let publisher: Publisher | undefined;
  let heldByAnother = 0;
  let isStalled = false;

  /** Confirmed ids. Whatever fails, those that were confirmed by then are in it. */
  const send = async (
    by: Publisher,
    messages: readonly Outgoing[],
  ): Promise<{ sent: Set<number>; isLate: boolean }> => {
    const sent = new Set<number>();
    let isLate = false;
    const late = () => {
      isLate = true;
      return new Error('RabbitMQ has not confirmed in time');
    };
    await withDeadline(clock, CONFIRM_WITHIN_MS, () => by.publish(messages, sent), late).catch((error: unknown) => {
      log.debug({ err: error }, 'messages not confirmed');
    });
    if (isLate) by.discard();
    return { sent, isLate };
  };

  const takeTurn = async (tx: Transaction, by: Publisher): Promise<Turn> => {
    if (!(await tryToRelay(tx))) return 'held by another';
    // A statement after the lock: it sees all that the turn before has done.
    const messages = await readOutboxWhole(tx, MOST_AT_ONCE, restingExchanges.resting());
    if (messages.length === 0) return 'empty';
    const { sent, isLate } = await send(by, messages);
    await removeFromOutbox(tx, [...sent]);
    relayed.inc(sent.size);
    if (isLate) return 'stalled';
    const bytes = messages.reduce((sum, { body }) => sum + Buffer.byteLength(body), 0);
    return messages.length === MOST_AT_ONCE.messages || bytes >= MOST_AT_ONCE.bytes ? 'more' : 'done';
  };

  const turn = async (): Promise<number | undefined> => {
    if (!session || session.ended.aborted || !publisher) return undefined; // the next session wakes the loop
    const isTaking = await connection.checkHealth().then(
      () => true,
      () => false, // it has said so
    );
    if (!isTaking) return TAKES_NOTHING_MS;
    const by = publisher;
    await by.prepare(exchanges);
    const outcome = await database.transaction((tx) => takeTurn(tx, by));
    heldByAnother = outcome === 'held by another' ? heldByAnother + 1 : 0;
    sayStalled(outcome === 'stalled');
    if (outcome === 'empty') restingExchanges.forgetOthers();
    switch (outcome) {
      case 'held by another':
        return backoff(heldByAnother - 1, HELD_BY_ANOTHER);
      case 'more':
        return 0;
      case 'stalled':
        return TAKES_NOTHING_MS;
      case 'empty':
      case 'done':
        return restingExchanges.nextTry();
    }
  };

  const sayStalled = (value: boolean) => {
    if (value && !isStalled) log.warn('messages not confirmed by RabbitMQ; they stay in the database');
    if (!value && isStalled) log.info('messages confirmed by RabbitMQ again');
    isStalled = value;
  };

  const loop = createLoop({ name: 'relay', clock, log, turn });
  connection.onSession((fresh) => {
    session = fresh;
    publisher = createPublisher({ session: fresh, restingExchanges });
    restingExchanges.tryAllAgain();
    loop.wake();
  });

  const cleaning = createLoop({
    ...{ name: 'broker cleanup', clock, log, everyMs: CLEAN_UP_EVERY_MS },
    turn: async () => {
      await sweepWatches(database, clock.now()); // of the broker in the database, from before this server had a RabbitMQ
      const pending = onPending && (await pendingUpTo(database, MOST_COUNTED));
      if (pending) onPending?.(pending);
    },
  });

  return {
    run: async (signal) => {
      // Listening stands before the first question to the database, so that nothing is published
      // unseen in between.
      await using _listening = await keepListening(settings, OUTBOX_CHANNEL, wakes(loop), signal);
      await Promise.all([loop.run(signal), cleaning.run(signal)]);
    },
  };
};
