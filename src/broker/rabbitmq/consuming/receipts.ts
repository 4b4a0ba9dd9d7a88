// The table `amqp_receipts`: which messages have had their effect, so that one that RabbitMQ hands
// out again has no second one.
//
// A message with an id is known by its queue, exchange, id and body, for a day. One without an id
// is only looked for when RabbitMQ says that it was delivered before, and each receipt answers for
// one of them: two equal messages are two events. So a receipt must go when RabbitMQ has forgotten
// its message. A receipt is settled when RabbitMQ has processed the acknowledgement, which the
// answer to a later call on the same channel tells. Measured with RabbitMQ 3.10: after kill -9 a
// classic queue brings back what was acknowledged within the last few hundred ms, marked as
// redelivered and in order; never so after it was stopped in order or a connection broke. So
// settled receipts stay for a moment, and answer for redeliveries only after RabbitMQ crashed.
import { createHash } from 'node:crypto';
import type { ConsumeMessage } from 'amqplib';
import { toIso } from '../../../core/clock.ts';
import type { Queryable, Transaction } from '../../../database/database.ts';
import { statement, type WholePiece } from '../../../database/statement.ts';

/** Of the delivery. */
export type ReceiptKey = {
  /** The reading of one queue, by one process, from when it began to consume until it ended. */
  readonly reading: string;
  /** Unique in the reading. */
  readonly number: number;
};

/** What the table needs to know of a delivery. */
export type Received = ReceiptKey & {
  readonly queue: string;
  readonly hash: Buffer;
  readonly isIdentified: boolean;
  readonly isRedelivered: boolean;
};

/** Another reading of the queue has begun, and is handed again what this one has. */
export class SupersededError extends Error {
  override readonly name = 'SupersededError';
  readonly queues: readonly string[];

  constructor(queues: readonly string[]) {
    super('the queue is read by another process or connection now');
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

/**
 * Headers that RabbitMQ itself adds, or counts up with each delivery, do not tell messages apart.
 */
const lasting = (headers: Readonly<Record<string, unknown>> | undefined): unknown =>
  Object.entries(headers ?? {})
    .filter(([name]) => name !== 'x-delivery-count')
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map((entry) => upTo(MOST_LEVELS, entry));

/**
 * Tables may stand in tables, thousands of levels deep; what is deeper than this tells no messages
 * apart.
 */
const MOST_LEVELS = 50;

const upTo = (levels: number, value: unknown): unknown => {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value;
  if (levels === 0) return null;
  if (Array.isArray(value)) return value.map((one) => upTo(levels - 1, one));
  return Object.entries(value).map(([name, one]) => [name, upTo(levels - 1, one)]);
};

// Whoever had the queues is at the end of his transaction when we get their rows.
const takeQueues = statement(
  'receipts.take-queues',
  `insert into amqp_readers as r (queue, reading) select * from unnest($1::text[], $2::uuid[]) as q (queue, reading) order by queue
   on conflict (queue) do update set reading = excluded.reading where r.reading <> excluded.reading`,
);
const locking = (first: number): string =>
  `select r.queue from amqp_readers r
     join unnest($${first}::text[], $${first + 1}::uuid[]) as q (queue, reading) using (queue, reading)
   order by r.queue for no key update of r`;
const lockQueues = statement<{ queue: string }>('receipts.lock-queues', locking(1));

export type HeldQueue = {
  readonly queue: string;
  readonly reading: string;
  /** It has the row of the queue. */
  readonly isTaken: boolean;
};

const heldColumns = (held: readonly HeldQueue[]): unknown[] => [
  held.map(({ queue }) => queue),
  held.map(({ reading }) => reading),
];

/**
 * Until the transaction ends. Throws SupersededError when other readings have taken some of the
 * queues.
 */
export const holdQueues = async (tx: Transaction, held: readonly HeldQueue[]): Promise<void> => {
  const fresh = held.filter(({ isTaken }) => !isTaken);
  if (fresh.length > 0) await tx.query(takeQueues, heldColumns(fresh));
  const locked = new Set((await tx.query(lockQueues, heldColumns(held))).map(({ queue }) => queue));
  const lost = held.filter(({ queue }) => !locked.has(queue)).map(({ queue }) => queue);
  if (lost.length > 0) throw new SupersededError(lost);
};

// One receipt for one redelivery: the nth of equal ones gets the nth.
const absorbRedelivered = statement<ReceiptKey>(
  'receipts.absorb',
  `with come as (
     select *, row_number() over (partition by queue, hash order by number) as nth
     from unnest($1::uuid[], $2::bigint[], $3::text[], $4::bytea[]) as c (reading, number, queue, hash)
     where not exists (select from amqp_receipts own where own.reading = c.reading and own.number = c.number)),
   equal as (select distinct queue, hash, reading from come),
   known as (
     select r.reading, r.number, r.queue, r.hash,
            row_number() over (partition by r.queue, r.hash order by r.stored, r.number) as nth
     from equal e, lateral (
       select * from amqp_receipts k where k.queue = e.queue and k.hash = e.hash and not k.is_identified
         and k.reading <> e.reading and (k.settled is null or k.run <> $5) offset 0) as r)
   update amqp_receipts r set reading = come.reading, number = come.number, run = $5, settled = null
   from come join known using (queue, hash, nth)
   where r.reading = known.reading and r.number = known.number
   returning r.reading, r.number`,
);

const inserting = (first: number): string => {
  const $ = (offset: number) => `$${first + offset}`;
  return `insert into amqp_receipts (reading, number, queue, hash, is_identified, stored, run)
   select reading, number, queue, hash, is_identified, ${$(5)}, ${$(6)}
   from unnest(${$(0)}::uuid[], ${$(1)}::bigint[], ${$(2)}::text[], ${$(3)}::bytea[], ${$(4)}::bool[])
        as c (reading, number, queue, hash, is_identified)
   order by queue, number
   on conflict do nothing returning reading, number`;
};

const insertReceipts = statement<ReceiptKey>('receipts.insert', inserting(1));

const insertValues = (received: readonly Received[], run: string, now: number): unknown[] => [
  ...columnsOf(received),
  received.map(({ isIdentified }) => isIdentified),
  toIso(now),
  run,
];

/**
 * As `holdQueues` and `writeReceipts`, for a larger statement: whole if the readings have their
 * queues and none had had its effect before.
 */
export const receivedPiece: WholePiece = {
  name: 'received',
  parameters: 9,
  text: (first) => `held as materialized (${locking(first)}), receipts as (${inserting(first + 2)})`,
  isWhole: (first) =>
    `(select count(*) from held) = cardinality($${first}::text[])
       and (select count(*) from receipts) = cardinality($${first + 2}::uuid[])`,
};

/** undefined: a queue is not taken yet, or some may be known to others under another identity. */
export const receivedValues = (
  held: readonly HeldQueue[],
  received: readonly Received[],
  run: string,
  now: number,
): unknown[] | undefined => {
  if (!held.every(({ isTaken }) => isTaken) || received.some(isDoubtful)) return undefined;
  return [...heldColumns(held), ...insertValues(received, run, now)];
};

/**
 * Answers those that had had their effect before. The queues are held. `run`: of RabbitMQ; another
 * one after it was restarted, when it may have forgotten acknowledgements that it had processed.
 */
export const writeReceipts = async (
  tx: Transaction,
  received: readonly Received[],
  run: string,
  now: number,
): Promise<ReadonlySet<Received>> => {
  const doubtful = received.filter(isDoubtful);
  const absorbed = new Set<string>();
  if (doubtful.length > 0) {
    for (const key of await tx.query(absorbRedelivered, [...columnsOf(doubtful), run])) absorbed.add(textOf(key));
  }
  const others = received.filter((one) => !absorbed.has(textOf(one)));
  const inserted = await tx.query(insertReceipts, insertValues(others, run, now));
  const fresh = new Set(inserted.map(textOf));
  return new Set(received.filter((one) => !fresh.has(textOf(one))));
};

const isDoubtful = ({ isIdentified, isRedelivered }: Received): boolean => isRedelivered && !isIdentified;

const textOf = ({ reading, number }: ReceiptKey): string => `${reading}/${number}`;

const columnsOf = (received: readonly Received[]): unknown[] => [
  ...keysOf(received),
  received.map(({ queue }) => queue),
  received.map(({ hash }) => hash),
];
const keysOf = (keys: readonly ReceiptKey[]): unknown[] => [
  keys.map(({ reading }) => reading),
  keys.map(({ number }) => number),
];

const settleReceipts = statement(
  'receipts.settle',
  `update amqp_receipts r set settled = $3 from unnest($1::uuid[], $2::bigint[]) as k (reading, number)
   where r.reading = k.reading and r.number = k.number`,
);
const dropReceipts = statement(
  'receipts.drop',
  `delete from amqp_receipts r using unnest($1::uuid[], $2::bigint[]) as k (reading, number)
   where r.reading = k.reading and r.number = k.number`,
);

export const settle = (on: Queryable, keys: readonly ReceiptKey[], now: number): Promise<unknown> =>
  on.query(settleReceipts, [...keysOf(keys), toIso(now)]);

export const drop = (on: Queryable, keys: readonly ReceiptKey[]): Promise<unknown> =>
  on.query(dropReceipts, keysOf(keys));

const dropOld = statement(
  'receipts.drop-old',
  `delete from amqp_receipts where (reading, number) in (
     select reading, number from amqp_receipts where is_identified and stored < $1 order by stored limit $2)`,
);
const MOST_DROPPED = 5_000;
const IDENTIFIED_FOR_MS = 24 * 60 * 60 * 1_000;

export const dropOldReceipts = (on: Queryable, now: number): Promise<unknown> =>
  on.query(dropOld, [toIso(now - IDENTIFIED_FOR_MS), MOST_DROPPED]);

// After RabbitMQ has handed out again all that it had to, nothing can come for the receipts of
// earlier readings. A reading that does not hold the queue any more must leave them: those of the
// reading that came after it look the same.
const dropEarlier = statement(
  'receipts.drop-earlier',
  `with held as materialized (
     select queue, reading from amqp_readers join unnest($1::text[], $2::uuid[]) as k (queue, reading) using (queue, reading)
     order by queue for no key update of amqp_readers)
   delete from amqp_receipts r using held
   where r.queue = held.queue and r.reading <> held.reading and not r.is_identified`,
);

export type Reading = { readonly queue: string; readonly reading: string };

/**
 * Of queues on which only new messages come by now. Readings that do not hold them any more are
 * passed over.
 */
export const dropEarlierReceipts = (on: Queryable, readings: readonly Reading[]): Promise<unknown> =>
  on.query(dropEarlier, [readings.map(({ queue }) => queue), readings.map(({ reading }) => reading)]);
