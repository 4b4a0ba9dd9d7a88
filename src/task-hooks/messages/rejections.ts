// Messages that did not fit the trigger schema, and deliveries that a webhook refused: the first
// few of a minute stand in the ledger each, the others are counted, so that a flood costs little
// and nothing is silent. The count becomes one row of the ledger when its minute is over.
import { type Clock, toIso } from '../../core/clock.ts';
import { newUuid } from '../../core/ids.ts';
import type { Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import type { Timers } from '../../timers/create-timers.ts';
import type { BatchTimerHandler } from '../../timers/types.ts';
import type { BeginFires } from '../firing/begin-fires.ts';
import type { EndedFire } from '../firing/fire.ts';

export const REJECTIONS_TIMER = 'hooks.rejected';

export type RejectionsSettings = {
  readonly timers: Timers;
  readonly beginFires: BeginFires;
  readonly clock: Clock;
};

export type Rejections = {
  /**
   * Counts these fires, whose outcome is `rejected`, in the transaction that ends their deliveries;
   * those of a hook in their order. Answers those that are to have rows of their own.
   */
  readonly count: (tx: Transaction, rejected: readonly EndedFire[]) => Promise<ReadonlySet<EndedFire>>;
  /** For REJECTIONS_TIMER: sums up the minutes that are over. */
  readonly handler: BatchTimerHandler;
};

const MOST_OF_THEIR_OWN = 5;
const MINUTE_MS = 60_000;
/**
 * Others count in a minute for as long as their clocks are behind ours, and their transactions
 * take.
 */
const GRACE_MS = 15_000;
const LONGEST_REASON = 1_000;

const NO_TASKS = { atOnce: false, leaseOf: 'anybody' } as const;

// Minutes in which nothing was counted beyond the first few have nothing to tell, and go when the
// next one begins. The timer's handler takes only those that have.
const countRejected = statement<{ hook_uid: string; seen: number; first: number | null }>(
  'rejections.count',
  `with old as (
     delete from rejections where hook_uid = any($1::uuid[]) and minute < $2 and seen <= ${MOST_OF_THEIR_OWN})
   insert into rejections (hook_uid, minute, hook_group_id, hook_id, seen, last, of_hook, sample)
   select new.hook_uid, $2, new.hook_group_id, new.hook_id, new.seen, new.last, new.of_hook, new.sample
   from rows from (unnest($1::uuid[], $3::text[], $4::text[], $5::int[], $6::timestamptz[], $7::uuid[]),
                   json_array_elements($8::json))
        as new (hook_uid, hook_group_id, hook_id, seen, last, of_hook, sample)
   order by new.hook_uid
   on conflict (hook_uid, minute) do update
     set seen = rejections.seen + excluded.seen, last = excluded.last, sample = excluded.sample
   returning hook_uid, seen, first`,
);

const setFirst = statement(
  'rejections.set-first',
  `update rejections r set first = new.first from unnest($1::uuid[], $3::timestamptz[]) as new (hook_uid, first)
   where r.hook_uid = new.hook_uid and r.minute = $2`,
);

type CountedRow = {
  /** The id of a webhook, where `of_hook` is there. */
  hook_uid: string;
  of_hook: string | null;
  minute: number;
  hook_group_id: string;
  hook_id: string;
  seen: number;
  first: number;
  last: number;
  sample: Sample;
};

const takeCounted = statement<CountedRow>(
  'rejections.take',
  `delete from rejections where hook_uid = any($1::uuid[]) and minute <= $2 and seen > ${MOST_OF_THEIR_OWN} returning *`,
);

const findNext = statement<{ hook_uid: string; minute: number }>(
  'rejections.next',
  `select hook_uid, min(minute) as minute from rejections
   where hook_uid = any($1::uuid[]) and seen > ${MOST_OF_THEIR_OWN} group by hook_uid`,
);

const forget = statement(
  'rejections.forget',
  `delete from rejections where (hook_uid = $1 or of_hook = $1) and seen <= ${MOST_OF_THEIR_OWN}`,
);

/** For a hook or a webhook that is removed; what was counted of it still reaches the ledger. */
export const forgetRejections = async (tx: Transaction, uid: string): Promise<void> => {
  await tx.query(forget, [uid]);
};

type Sample = { readonly reason: string; readonly detail: object };
/** Those of one key: a hook, or one of its webhooks. */
type OfKey = { readonly key: string; readonly fires: EndedFire[] };

export const createRejections = ({ timers, beginFires, clock }: RejectionsSettings): Rejections => ({
  count: async (tx, rejected) => {
    if (rejected.length === 0) return new Set();
    const minute = clock.now() - (clock.now() % MINUTE_MS);
    const keys = byKey(rejected);
    const latest = keys.map(({ fires }) => fires.at(-1) as EndedFire);
    const rows = await tx.query(countRejected, [
      keys.map(({ key }) => key),
      toIso(minute),
      latest.map(({ hookGroupId }) => hookGroupId),
      latest.map(({ hookId }) => hookId),
      keys.map(({ fires }) => fires.length),
      latest.map(({ arrived }) => toIso(arrived)),
      latest.map(({ countedAs, hookUid }) => (countedAs === undefined ? null : hookUid)),
      JSON.stringify(latest.map(sampleOf)),
    ]);
    const rowOf = new Map(rows.map((row) => [row.hook_uid, row]));
    const own = new Set<EndedFire>();
    const began: { readonly key: string; readonly first: number }[] = [];
    for (const { key, fires } of keys) {
      const { seen = fires.length, first = null } = rowOf.get(key) ?? {};
      const places = Math.max(MOST_OF_THEIR_OWN - (seen - fires.length), 0);
      for (const fire of fires.slice(0, places)) own.add(fire);
      const [firstCounted] = fires.slice(places);
      if (firstCounted && first === null) began.push({ key, first: firstCounted.arrived });
    }
    if (began.length > 0) {
      const firsts = [began.map(({ key }) => key), toIso(minute), began.map(({ first }) => toIso(first))];
      await tx.query(setFirst, firsts);
      const due = minute + MINUTE_MS + GRACE_MS;
      await timers.setMany(
        tx,
        began.map(({ key }) => ({ kind: REJECTIONS_TIMER, key, due })),
      );
    }
    return own;
  },

  handler: async (tx, due) => {
    const uids = due.map(({ key }) => key);
    const now = clock.now();
    const counted = await tx.query(takeCounted, [uids, toIso(now - MINUTE_MS - GRACE_MS)]);
    const afterCommit = await beginFires.inTransaction(tx, counted.map(sumUp), NO_TASKS);
    const left = await tx.query(findNext, [uids]);
    const next = new Map(left.map(({ hook_uid, minute }) => [hook_uid, minute + MINUTE_MS + GRACE_MS]));
    return due.map(({ key }, index) => ({
      next: next.get(key) ?? ('never' as const),
      ...(index === 0 && { afterCommit }),
    }));
  },
});

/**
 * In one order, so that two who count for the same hooks wait for each other instead of locking
 * each other out.
 */
const byKey = (rejected: readonly EndedFire[]): OfKey[] => {
  const keys = new Map<string, OfKey>();
  for (const fire of rejected) {
    const key = fire.countedAs ?? fire.hookUid;
    const ofKey = keys.get(key) ?? { key, fires: [] };
    keys.set(key, ofKey);
    ofKey.fires.push(fire);
  }
  return [...keys.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
};

const sampleOf = ({ error, detail }: EndedFire): Sample => {
  const { message = '' } = (error ?? {}) as { message?: string };
  return { reason: message.slice(0, LONGEST_REASON).toWellFormed(), detail: (detail ?? {}) as object };
};

const sumUp = (row: CountedRow): EndedFire => {
  const count = row.seen - MOST_OF_THEIR_OWN;
  const [first, last] = [toIso(row.first), toIso(row.last)];
  const { reason, detail } = row.sample;
  const isOfWebhook = row.of_hook !== null;
  const what = isOfWebhook ? 'deliveries were refused' : 'messages did not fit';
  const { webhook } = detail as { webhook?: string };
  return {
    hookUid: row.of_hook ?? row.hook_uid,
    cause: `rejected:${isOfWebhook ? `${row.hook_uid}:` : ''}${toIso(row.minute)}`,
    hookGroupId: row.hook_group_id,
    hookId: row.hook_id,
    firedBy: isOfWebhook ? 'triggerHookWithToken' : 'pulseMessage',
    clientId: undefined,
    requestId: newUuid(),
    arrived: row.first,
    taskId: null,
    outcome: 'rejected',
    attempts: 0,
    error: { message: `${count} more ${what}, from ${first} to ${last}; the last one: ${reason}` },
    detail: { first, last, count, ...(webhook !== undefined && { webhook }), sample: detail },
    events: 0, // each was counted when it came
  };
};
