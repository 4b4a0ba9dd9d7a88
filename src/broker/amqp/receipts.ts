// The table `amqp_receipts`: which messages have had their effect, so that one that RabbitMQ hands out again has no second one.
//
// A message with an id is known by its queue, exchange, id and body, for a day. One without an id is only looked for when RabbitMQ says
// that it was delivered before, and each receipt answers for one of them: two equal messages are two events. So a receipt must go when
// RabbitMQ has forgotten its message. A session settles a receipt when RabbitMQ has processed the acknowledgement, which the answer to a
// later call on the same channel tells. Measured with RabbitMQ 3.10: after kill -9 a classic queue brings back what was acknowledged within
// the last few hundred ms, marked as redelivered and in order; never so after it was stopped in order or a connection broke. So settled
// receipts stay for a moment, and answer for redeliveries only after RabbitMQ crashed.
import { createHash } from 'node:crypto';
import type { ConsumeMessage } from 'amqplib';
import { toIso } from '../../core/clock.ts';
import type { Queryable, Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';

/** What the table needs to know of a delivery. */
export type Received = {
  readonly queue: string;
  readonly session: string;
  /** Unique in the session. */
  readonly number: number;
  readonly hash: Buffer;
  readonly isIdentified: boolean;
  readonly isRedelivered: boolean;
};

/** Who writes receipts. */
export type ReceiptSession = {
  readonly id: string;
  /** Of RabbitMQ: another one after it was restarted, when it may have forgotten acknowledgements that it had processed. */
  readonly run: string;
};

/** Another session reads the queue by now, and will hand out again what this one has. */
export class SupersededError extends Error {
  override readonly name = 'SupersededError';
  readonly queues: readonly string[];

  constructor(queues: readonly string[]) {
    super('another process reads the queue now');
    this.queues = queues;
  }
}

export const hashOf = (queue: string, { fields, properties, content }: ConsumeMessage): Buffer => {
  const { contentType, contentEncoding, headers, correlationId, replyTo, type, appId, timestamp } = properties;
  const id: unknown = properties.messageId;
  const isIdentified = typeof id === 'string' && id !== '';
  const hash = createHash('sha256');
  const what = isIdentified
    ? [queue, fields.exchange, id]
    : [
        queue,
        fields.exchange,
        fields.routingKey,
        contentType,
        contentEncoding,
        correlationId,
        replyTo,
        type,
        appId,
        timestamp,
        lasting(headers),
      ];
  hash.update(JSON.stringify(what)).update('\0').update(content);
  return hash.digest().subarray(0, 20);
};

/** Headers that RabbitMQ itself adds, or counts up with each delivery, do not tell messages apart. */
const lasting = (headers: Readonly<Record<string, unknown>> | undefined): unknown =>
  Object.entries(headers ?? {})
    .filter(([name]) => name !== 'x-delivery-count')
    .sort(([a], [b]) => (a < b ? -1 : 1));

// `taken`: queues that this session has not read yet. Whoever had them is at the end of his transaction when we get their rows.
const takeQueues = statement(
  'receipts.take-queues',
  `insert into amqp_readers as r (queue, session) select q, $2 from unnest($1::text[]) as q order by q
   on conflict (queue) do update set session = excluded.session where r.session <> excluded.session`,
);
const lockQueues = statement<{ queue: string }>(
  'receipts.lock-queues',
  'select queue from amqp_readers where queue = any($1) and session = $2 order by queue for no key update',
);

/** Throws SupersededError when another session has taken one of the queues. */
export const holdQueues = async (
  tx: Transaction,
  session: string,
  { taken, fresh }: { readonly taken: readonly string[]; readonly fresh: readonly string[] },
): Promise<void> => {
  if (fresh.length > 0) await tx.query(takeQueues, [fresh, session]);
  const all = [...taken, ...fresh];
  const held = new Set((await tx.query(lockQueues, [all, session])).map(({ queue }) => queue));
  const lost = all.filter((queue) => !held.has(queue));
  if (lost.length > 0) throw new SupersededError(lost);
};

// One receipt for one redelivery: the nth of equal ones gets the nth.
const absorbRedelivered = statement<{ number: number }>(
  'receipts.absorb',
  `with come as (
     select *, row_number() over (partition by queue, hash order by number) as nth
     from unnest($2::bigint[], $3::text[], $4::bytea[]) as c (number, queue, hash)),
   equal as (select distinct queue, hash from come),
   known as (
     select r.session, r.number, r.queue, r.hash,
            row_number() over (partition by r.queue, r.hash order by r.stored, r.number) as nth
     from equal e, lateral (
       select * from amqp_receipts k where k.queue = e.queue and k.hash = e.hash and not k.is_identified
         and k.session <> $1 and (k.settled is null or k.run <> $5) offset 0) as r)
   update amqp_receipts r set session = $1, number = come.number, run = $5, settled = null
   from come join known using (queue, hash, nth)
   where r.session = known.session and r.number = known.number
   returning r.number`,
);

const insertReceipts = statement<{ number: number }>(
  'receipts.insert',
  `insert into amqp_receipts (session, run, number, queue, hash, is_identified, stored)
   select $1, $7, number, queue, hash, is_identified, $6
   from unnest($2::bigint[], $3::text[], $4::bytea[], $5::bool[]) as c (number, queue, hash, is_identified) order by number
   on conflict do nothing returning number`,
);

/** Of one session. Answers the numbers of those that had had their effect before. The queues are held. */
export const writeReceipts = async (
  tx: Transaction,
  { id, run }: ReceiptSession,
  received: readonly Received[],
  now: number,
): Promise<ReadonlySet<number>> => {
  const doubtful = received.filter(({ isIdentified, isRedelivered }) => isRedelivered && !isIdentified);
  const over = new Set<number>();
  if (doubtful.length > 0) {
    const absorbed = await tx.query(absorbRedelivered, [id, ...columnsOf(doubtful), run]);
    for (const { number } of absorbed) over.add(number);
  }
  const others = received.filter(({ number }) => !over.has(number));
  const identified = others.map(({ isIdentified }) => isIdentified);
  const values = [id, ...columnsOf(others), identified, toIso(now), run];
  const inserted = new Set((await tx.query(insertReceipts, values)).map(({ number }) => number));
  for (const { number } of others) if (!inserted.has(number)) over.add(number);
  return over;
};

const columnsOf = (received: readonly Received[]): unknown[] => [
  received.map(({ number }) => number),
  received.map(({ queue }) => queue),
  received.map(({ hash }) => hash),
];

const settleReceipts = statement(
  'receipts.settle',
  `update amqp_receipts set settled = $3
   where session = $1 and number = any($2) and not is_identified`,
);
const dropReceipts = statement('receipts.drop', 'delete from amqp_receipts where session = $1 and number = any($2)');

export const settle = (on: Queryable, session: string, numbers: readonly number[], now: number): Promise<unknown> =>
  on.query(settleReceipts, [session, numbers, toIso(now)]);

export const drop = (on: Queryable, session: string, numbers: readonly number[]): Promise<unknown> =>
  on.query(dropReceipts, [session, numbers]);

const dropOld = statement(
  'receipts.drop-old',
  `delete from amqp_receipts where (session, number) in (
     select session, number from amqp_receipts where is_identified and stored < $1 order by stored limit $2)`,
);
const MOST_DROPPED = 5_000;
const IDENTIFIED_FOR_MS = 24 * 60 * 60 * 1_000;

export const dropOldReceipts = (on: Queryable, now: number): Promise<unknown> =>
  on.query(dropOld, [toIso(now - IDENTIFIED_FOR_MS), MOST_DROPPED]);

// After RabbitMQ has handed out again all that it had to, nothing can come for the receipts of earlier sessions.
const dropEarlier = statement(
  'receipts.drop-earlier',
  'delete from amqp_receipts where queue = any($2) and not is_identified and session <> $1',
);

/** Of queues that this session reads, and on which only new messages come by now. */
export const dropEarlierReceipts = (on: Queryable, session: string, queues: readonly string[]): Promise<unknown> =>
  on.query(dropEarlier, [session, queues]);
