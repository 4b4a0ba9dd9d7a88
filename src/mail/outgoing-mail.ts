// Mail that is sent for sure: stored in the transaction of what it tells of, sent after it, and
// tried again for a day.
import { backoff } from '../core/backoff.ts';
import { withDeadline } from '../core/clock.ts';
import { describeError } from '../core/errors.ts';
import { newUuid } from '../core/ids.ts';
import type { Base } from '../database/base.ts';
import type { Transaction } from '../database/database.ts';
import { statement } from '../database/statement.ts';
import type { Timers } from '../timers/create-timers.ts';
import type { BatchTimerHandler } from '../timers/types.ts';
import { type Mail, type Mailer, MailRefused } from './mailer.ts';

export type OutgoingMailSettings = Base & {
  readonly timers: Timers;
  /** undefined: mail is not configured, and none is sent. */
  readonly mailer: Mailer | undefined;
};

/**
 * Disposing waits for what is being sent, then cuts it off; what was cut off is tried again later,
 * by whoever runs then.
 */
export type OutgoingMail = AsyncDisposable & {
  /**
   * The mail is sent, at least once, when the caller's transaction commits. `key` is its identity:
   * while a mail of that key waits or is being sent, another one is the same mail, and the first
   * one counts.
   */
  readonly enqueue: (tx: Transaction, one: { readonly key: string; readonly mail: Mail }) => Promise<void>;
};

/** What a timer carries. */
type Pending = {
  readonly mail: Mail & { readonly id: string };
  /** When it was enqueued. */
  readonly since: number;
  /** How many tries have begun. */
  readonly tries: number;
};

type Fate =
  | { readonly kind: 'sent' }
  | { readonly kind: 'failed'; readonly why: string; readonly again: number }
  | { readonly kind: 'given-up'; readonly why: string };

const KIND = 'mail';
/**
 * The process that sends a mail has it for this long; when it dies, another one may have it then.
 * Longer than a try, and than clocks differ.
 */
const LEASE_MS = 300_000;
const TRY_MS = 120_000;
const TRY_AGAIN = { firstMs: 60_000, longestMs: 3_600_000 };
const GIVE_UP_MS = 24 * 3_600_000;
const MOST_UNDER_WAY = 100;
/**
 * What comes while so many are under way waits, at a distance that a slow mail server can keep up
 * with.
 */
const BUSY_MS = 2_000;
const SPACING_MS = 20;
const SHUTDOWN_MS = 10_000;
/** For writing down what became of the tries that were cut off. */
const LAST_WORDS_MS = 2_000;
/**
 * Any number will do, as the first of two: advisory locks of one number are a space of their own.
 */
const LOCK_SPACE = 0x6d61696c;

// The table is that of timers/, which alone writes it. Two who enqueue a new key at once wait for
// each other; without the lock the second one would not see the first one's, and would replace it
// while it is being sent.
const lockKey = statement<unknown>('mail.lock-key', `select pg_advisory_xact_lock(${LOCK_SPACE}, hashtext($1))`);
const findPending = statement<{ data: Pending }>(
  'mail.find-pending',
  `select data from timers where kind = '${KIND}' and key = $1`,
);
const holdPending = statement<{ data: Pending }>(
  'mail.hold-pending',
  `select data from timers where kind = '${KIND}' and key = $1 for update`,
);

/**
 * Timers of kind `mail` are handled by this one, so it is made before `timers.run`.
 *
 * @example
 * await using outgoingMail = createOutgoingMail({ timers, mailer, database, clock, log, metrics });
 * await database.transaction((tx) => outgoingMail.enqueue(tx, { key: 'fire:1', mail: { to, subject,
 * text } }));
 */
export const createOutgoingMail = (settings: OutgoingMailSettings): OutgoingMail => {
  const { timers, mailer, database, clock, log, metrics } = settings;
  const help = 'Mails by outcome; failed: a try that is made again';
  const mails = metrics.counter('hookwright_mails_total', help, ['outcome']);
  const underWay = new Set<Promise<void>>();
  const cutOff = new AbortController();
  let isStopping = false;
  let laterTurn = 0;

  const handler =
    (sender: Mailer): BatchTimerHandler =>
    async (_tx, due) => {
      const now = clock.now();
      const free = MOST_UNDER_WAY - underWay.size;
      return due.map(({ key, data }, index) => {
        if (index >= free) {
          laterTurn = Math.min(Math.max(laterTurn, now + BUSY_MS) + SPACING_MS, now + LEASE_MS); // the wall clock may jump
          return { next: laterTurn };
        }
        const pending = { ...(data as Pending), tries: (data as Pending).tries + 1 };
        return { next: now + LEASE_MS, data: pending, afterCommit: () => start(sender, key, pending) };
      });
    };

  const start = (sender: Mailer, key: string, pending: Pending) => {
    if (isStopping) return; // its lease runs out, and whoever runs then sends it
    const work = deliver(sender, key, pending).finally(() => underWay.delete(work));
    underWay.add(work);
  };

  /** Never rejects. */
  const deliver = async (sender: Mailer, key: string, pending: Pending): Promise<void> => {
    const fate = await trySending(sender, pending);
    mails.inc({ outcome: fate.kind });
    report(key, pending, fate);
    try {
      await writeDown(key, pending, fate);
    } catch (error) {
      log.warn({ err: error, key, fate: fate.kind }, 'mail outcome not stored; it is sent again');
    }
  };

  const trySending = async (sender: Mailer, { mail, since, tries }: Pending): Promise<Fate> => {
    const tooLate = () => new Error(`nobody had taken it after ${TRY_MS / 1000} s`);
    const send = (timeIsUp: AbortSignal) => sender.send(mail, AbortSignal.any([timeIsUp, cutOff.signal]));
    try {
      await withDeadline(clock, TRY_MS, send, tooLate);
      return { kind: 'sent' };
    } catch (error) {
      const why = describeError(error);
      const now = clock.now();
      const last = since + GIVE_UP_MS;
      if (error instanceof MailRefused || now >= last) return { kind: 'given-up', why };
      return { kind: 'failed', why, again: Math.min(now + backoff(tries - 1, TRY_AGAIN), last) };
    }
  };

  const report = (key: string, { mail: { to }, tries }: Pending, fate: Fate) => {
    if (fate.kind === 'sent') log.debug({ key, tries }, 'mail sent');
    else if (fate.kind === 'given-up') log.warn({ key, to, tries, why: fate.why }, 'mail given up');
    else {
      const { why, again } = fate;
      // Once a mail where an operator looks; the tries after it say the same.
      log[tries === 1 ? 'warn' : 'info']({ key, to, tries, why, again }, 'mail not sent; it is tried again');
    }
  };

  const writeDown = (key: string, pending: Pending, fate: Fate): Promise<void> =>
    database.transaction(async (tx) => {
      // When this process was held up for longer than its lease, another one may be trying by now,
      // or the key may be a newer mail's.
      const current = (await tx.query(holdPending, [key]))[0]?.data;
      if (current?.mail.id !== pending.mail.id) return;
      if (fate.kind !== 'failed') await timers.cancel(tx, { kind: KIND, key });
      else if (current.tries === pending.tries)
        await timers.set(tx, { kind: KIND, key, due: fate.again, data: pending });
    });

  const waitForSends = async (ms: number) => {
    const enough = new AbortController();
    await Promise.race([Promise.all(underWay), clock.sleep(ms, enough.signal)]);
    enough.abort();
  };

  if (mailer) timers.handleBatch(KIND, handler(mailer));
  return {
    enqueue: async (tx, { key, mail }) => {
      if (!mailer) {
        mails.inc({ outcome: 'not-configured' });
        log.debug({ key }, 'mail not sent: no mail server is configured');
        return;
      }
      await tx.query(lockKey, [key]);
      if ((await tx.query(findPending, [key])).length > 0) return;
      const data: Pending = { mail: { ...mail, id: mail.id ?? newUuid() }, since: clock.now(), tries: 0 };
      await timers.set(tx, { kind: KIND, key, due: data.since, data });
    },
    [Symbol.asyncDispose]: async () => {
      isStopping = true;
      await waitForSends(SHUTDOWN_MS);
      if (underWay.size === 0) return;
      cutOff.abort(new Error('the server ended'));
      await waitForSends(LAST_WORDS_MS);
      if (underWay.size > 0) log.warn({ mails: underWay.size }, 'mails under way at the end; they are sent again');
    },
  };
};
