// The table `outbox`: messages that were published in transactions of changes, until the relay has
// routed them.
import { toIso } from '../core/clock.ts';
import { stringifyInTurns } from '../core/json.ts';
import type { Queryable, Transaction } from '../database/database.ts';
import { type Piece, statement } from '../database/statement.ts';
import type { OutgoingMessage } from './broker.ts';
import { requireName } from './names.ts';

/** Says that something was published. */
export const OUTBOX_CHANNEL = 'broker_outbox';

const MESSAGE_PARAMETERS = 7;

// In order, so that messages of one call keep theirs. As JSON arrays, because the elements of an
// SQL array would each have to be quoted; the elements keep their text.
const publishing = (first: number, where = ''): string => {
  const [exchange, key, id, subject, cc, body, accepted] = Array.from({ length: 7 }, (_, index) => `$${first + index}`);
  return `published as (
     insert into outbox (exchange, routing_key, message_id, cc, body, accepted)
     select m.exchange, m.routing_key, m.message_id, array(select json_array_elements_text(m.cc)), m.body, ${accepted}::timestamptz
     from rows from (unnest(${exchange}::text[], ${key}::text[], ${id}::text[], ${subject}::text[]),
                     json_array_elements(${cc}::json), json_array_elements(${body}::json))
          with ordinality as m (exchange, routing_key, message_id, subject, cc, body, position)
     ${where} order by m.position
     returning true)`;
};

const NOTIFY = `pg_notify('${OUTBOX_CHANNEL}', '')`;

const publishMessages = statement<unknown>('outbox.publish', `with ${publishing(1)} select ${NOTIFY}`);

export const publish = async (tx: Transaction, messages: readonly OutgoingMessage[], now: number): Promise<void> => {
  if (messages.length > 0) await tx.query(publishMessages, await messageValues(messages, now));
};

/** A message that is published if there is, in the statement that does so, what it is about. */
export type MessageAbout = OutgoingMessage & { readonly subject?: string };

/** The values of `publishing`. */
export const messageValues = async (messages: readonly MessageAbout[], now: number): Promise<unknown[]> => {
  const bodies = await stringifyInTurns(messages.map(bodyOf));
  for (const { exchange, routingKey, cc = [], messageId = '' } of messages) {
    if (exchange === '') throw new RangeError('a message needs an exchange');
    requireName('exchange', exchange);
    requireName('message id', messageId);
    for (const key of [routingKey, ...cc]) requireName('routing key', key);
  }
  return [
    messages.map(({ exchange }) => exchange),
    messages.map(({ routingKey }) => routingKey),
    messages.map(({ messageId }) => messageId ?? null),
    messages.map(({ subject }) => subject ?? null),
    JSON.stringify(messages.map(({ cc = [] }) => cc.map((key) => key.toWellFormed()))),
    bodies,
    toIso(now),
  ];
};

/** For Broker.pieces where nobody can tell what is bound: all is published. */
export const heardAll: Piece = {
  name: 'all',
  parameters: 1,
  text: (first) => `heard as (select exchange from unnest($${first}::text[]) as e (exchange))`,
};

/**
 * `published`: of the messages about one of `subjects` (a query), those to exchanges that are in
 * the relation `heard`. The statement selects PUBLISHED_COUNT.
 */
export const publishedPiece = (subjects: string): Piece => ({
  name: 'published',
  parameters: MESSAGE_PARAMETERS,
  text: (first) => publishing(first, `where m.exchange in (select exchange from heard) and m.subject in (${subjects})`),
});

/** How many were published; whoever waits for them is told. */
export const PUBLISHED_COUNT = `(select count(*) from published, (select ${NOTIFY} from published limit 1) as told)`;

const bodyOf = ({ body, exchange }: OutgoingMessage): unknown => {
  if (body === undefined) throw new TypeError(`the body of a message to ${exchange} is no JSON`);
  return body;
};

export type Waiting = {
  readonly id: number;
  readonly exchange: string;
  readonly routing_key: string;
  readonly cc: readonly string[];
};

const readWaiting = statement<Waiting>(
  'outbox.read',
  'select id, exchange, routing_key, cc from outbox order by id limit $1',
);

/** What waits to be routed, in order, without the bodies, which need not come here. */
export const readOutbox = (tx: Queryable, most: number): Promise<Waiting[]> => tx.query(readWaiting, [most]);

export type Routed = { readonly message: number; readonly queue: string };

// `position`: the deliveries get their numbers in the order in which they stand here.
const moveMessages = statement(
  'outbox.move',
  `with gone as (delete from outbox where id = any($1::bigint[]) returning *),
   kept as (
     insert into broker_messages (id, exchange, routing_key, body, body_bytes, message_id, accepted)
     select id, exchange, routing_key, body, octet_length(body::text), message_id, accepted from gone
     where id = any($2::bigint[]))
   insert into broker_deliveries (message, queue)
   select d.message, d.queue from unnest($3::bigint[], $4::text[]) with ordinality as d (message, queue, position)
   order by d.position`,
);

/**
 * Takes these messages out of the outbox and lays them on their queues. Those without a queue are
 * gone.
 */
export const moveOut = async (
  tx: Transaction,
  messages: readonly Waiting[],
  routed: readonly Routed[],
): Promise<void> => {
  await tx.query(moveMessages, [
    messages.map(({ id }) => id),
    [...new Set(routed.map(({ message }) => message))],
    routed.map(({ message }) => message),
    routed.map(({ queue }) => queue),
  ]);
};

export type Outgoing = Waiting & {
  /** JSON, as it was written. */
  readonly body: string;
  readonly message_id: string | null;
  readonly accepted: number;
};

// The sizes are looked at before the bodies are: what is read at once is bounded in number and in
// bytes, the first one excepted.
const readWhole = statement<Outgoing>(
  'outbox.read-whole',
  `select id, exchange, routing_key, cc, body::text as body, message_id, accepted
   from (select first.*, sum(octet_length(body::text)) over (order by id) - octet_length(body::text) as bytes_before
         from (select * from outbox where exchange <> all($3::text[]) order by id limit $1) as first) as sized
   where bytes_before < $2 order by id`,
);

/** What waits, with the bodies, in order; but nothing of these exchanges. */
export const readOutboxWhole = (
  tx: Queryable,
  most: { readonly messages: number; readonly bytes: number },
  except: readonly string[],
): Promise<Outgoing[]> => tx.query(readWhole, [most.messages, most.bytes, except]);

const removeMessages = statement('outbox.remove', 'delete from outbox where id = any($1::bigint[])');

export const removeFromOutbox = async (tx: Transaction, ids: readonly number[]): Promise<void> => {
  if (ids.length > 0) await tx.query(removeMessages, [ids]);
};

// What lies there is counted up to a bound, so that looking costs little however much it is.
const countPending = statement<{ unrouted: number; undelivered: number }>(
  'outbox.count-pending',
  `select (select count(*) from (select 1 from outbox limit $1) o) as unrouted,
          (select count(*) from (select 1 from broker_deliveries limit $1) d) as undelivered`,
);

export const pendingUpTo = async (
  on: Queryable,
  most: number,
): Promise<{ unrouted: number; undelivered: number } | undefined> => (await on.query(countPending, [most]))[0];
