// Inserts into the table `fires`, with what is kept of the payloads: one fire, many in a
// transaction, or once for a cause that may come again.
import { toIso } from '../../core/clock.ts';
import { createBatch } from '../../database/batch.ts';
import type { Database, Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import type { Partitions } from '../../ledger/partitions.ts';
import { hasPayload, PAYLOAD_COLUMNS, payloadColumns, payloadUnnest } from '../../ledger/payloads/columns.ts';
import type { HookRevision } from '../definition.ts';
import { type Fire, isRendered, keyOf, type StoredFire, type UnrenderedFire } from './fire.ts';
import { isToRemember, rememberEvents } from './repeats/remember-events.ts';

export type FireInserts = {
  /**
   * Stores a fire of this very revision of the hook, leased until `leaseEnds`. false: the hook was
   * changed or removed meanwhile, or a fire of this cause is there already.
   */
  readonly store: (hook: HookRevision, fire: Fire, leaseEnds: number) => Promise<boolean>;
  /**
   * As `store`, for many fires of any kind, in the caller's transaction, whatever the revisions of
   * their hooks. Answers those that were stored, in order.
   */
  readonly storeAll: (tx: Transaction, fires: readonly StoredFire[], leaseEnds: number) => Promise<StoredFire[]>;
  /**
   * As `store`, for causes that may come again after their fire is finished; false also when the
   * ledger has it, or the event is known already.
   */
  readonly storeOnce: (hook: HookRevision, fire: Fire, leaseEnds: number) => Promise<boolean>;
};

type KeyRow = { readonly hook_uid: string; readonly cause: string };

/** Of those that were stored, in the same statement. */
const storingPayloads = (store: string, first: number): string =>
  `with stored as (${store}),
        kept as (
          insert into payloads (${PAYLOAD_COLUMNS})
          select payload.* from ${payloadUnnest(first)} join stored using (hook_uid, cause))
   select hook_uid, cause from stored`;

const storeFires = statement<KeyRow>(
  'fires.store',
  storingPayloads(
    `insert into fires (hook_uid, cause, hook_group_id, hook_id, hook_revision, fired_by, task_id, task, payload_hash, client_id, request_id,
                      arrived, gives_up, due, attempts, detail)
   select hook.uid, fire.cause, hook.hook_group_id, hook.hook_id, hook.revision, fire.fired_by, fire.task_id, fire.task,
          fire.payload_hash, fire.client_id, fire.request_id, fire.arrived, fire.gives_up, fire.due, 0, fire.detail
   from rows from (
          unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::text[], $8::text[],
                 $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::json[]),
          json_array_elements($13::json))
        as fire(hook_uid, revision, cause, fired_by, task_id, payload_hash, client_id, request_id, arrived, gives_up, due, detail,
                task)
   join hooks hook on hook.uid = fire.hook_uid and hook.revision = coalesce(fire.revision, hook.revision)
   on conflict (hook_uid, cause) do nothing
   returning hook_uid, cause`,
    14,
  ),
);

const storeUnrendered = statement<KeyRow>(
  'fires.store-unrendered',
  storingPayloads(
    `insert into fires (hook_uid, cause, hook_group_id, hook_id, hook_revision, fired_by, task_id, unrendered, client_id, request_id,
                      arrived, gives_up, due, attempts)
   select hook.uid, fire.cause, hook.hook_group_id, hook.hook_id, hook.revision, fire.fired_by, fire.task_id, fire.unrendered,
          fire.client_id, fire.request_id, fire.arrived, fire.gives_up, fire.due, 0
   from unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[],
               $9::timestamptz[], $10::timestamptz[], $11::json[])
        as fire(hook_uid, revision, cause, fired_by, task_id, client_id, request_id, arrived, gives_up, due, unrendered)
   join hooks hook on hook.uid = fire.hook_uid and hook.revision = coalesce(fire.revision, hook.revision)
   on conflict (hook_uid, cause) do nothing
   returning hook_uid, cause`,
    12,
  ),
);

const findInLedger = statement<{ found: number }>(
  'fires.find-in-ledger',
  `select 1 as found from ledger where task_id = $3 and payload_hash is not null and hook_uid = $1 and cause = $2 and kind = 'fire' limit 1`,
);

const dropFire = statement(
  'fires.drop',
  `with dropped as (delete from fires where hook_uid = $1 and cause = $2 returning arrived)
   delete from payloads using dropped where at = arrived and hook_uid = $1 and cause = $2 and payloads.xmin = pg_current_xact_id()::xid`,
);

/** Of one statement. */
export const MOST_AT_ONCE = 200;

type ToStore<Kind extends StoredFire> = {
  readonly fire: Kind;
  /** undefined: any, because the caller has looked, or keeps others from changing the hook. */
  readonly revision?: number;
  readonly leaseEnds: number;
};

const storeValues = (fires: readonly ToStore<Fire>[]): unknown[] => [
  fires.map(({ fire }) => fire.hookUid),
  fires.map(({ revision }) => revision ?? null),
  fires.map(({ fire }) => fire.cause),
  fires.map(({ fire }) => fire.firedBy),
  fires.map(({ fire }) => fire.taskId),
  fires.map(({ fire }) => fire.payloadHash ?? null),
  fires.map(({ fire }) => fire.clientId ?? null),
  fires.map(({ fire }) => fire.requestId),
  fires.map(({ fire }) => toIso(fire.arrived)),
  fires.map(({ fire }) => toIso(fire.givesUp)),
  fires.map(({ leaseEnds }) => toIso(leaseEnds)),
  fires.map(({ fire }) => (fire.detail === undefined ? null : JSON.stringify(fire.detail))),
  // One JSON array, because the elements of an SQL array would each have to be quoted and escaped.
  `[${fires.map(({ fire }) => fire.task).join(',')}]`,
  ...payloadColumns(fires.map(({ fire }) => fire)),
];

const unrenderedValues = (fires: readonly ToStore<UnrenderedFire>[]): unknown[] => [
  fires.map(({ fire }) => fire.hookUid),
  fires.map(({ revision }) => revision ?? null),
  fires.map(({ fire }) => fire.cause),
  fires.map(({ fire }) => fire.firedBy),
  fires.map(({ fire }) => fire.taskId),
  fires.map(({ fire }) => fire.clientId ?? null),
  fires.map(({ fire }) => fire.requestId),
  fires.map(({ fire }) => toIso(fire.arrived)),
  fires.map(({ fire }) => toIso(fire.givesUp)),
  fires.map(({ leaseEnds }) => toIso(leaseEnds)),
  fires.map(({ fire }) => JSON.stringify(fire.unrendered)),
  ...payloadColumns(fires.map(({ fire }) => fire)),
];

const arrivalsOf = (fires: readonly StoredFire[]): number[] => fires.filter(hasPayload).map(({ arrived }) => arrived);

/** Of what is written with it. */
export const sizeOfFire = ({ task, payload }: Fire): number => task.length + (payload?.length ?? 0);

export const createFireInserts = (database: Database, payloadMonths: Partitions): FireInserts => {
  const storeTogether = createBatch<ToStore<Fire>, boolean>({
    maxItems: MOST_AT_ONCE,
    concurrency: 2,
    sizeOf: ({ fire }) => sizeOfFire(fire),
    run: async (fires) => {
      const store = () => database.query(storeFires, storeValues(fires));
      const rows = await payloadMonths.withMonths(arrivalsOf(fires.map(({ fire }) => fire)), store);
      const stored = new Set(rows.map(keyOfRow));
      return fires.map(({ fire }) => stored.delete(keyOf(fire)));
    },
  });

  return {
    store: ({ revision }, fire, leaseEnds) => storeTogether({ fire, revision, leaseEnds }),
    storeAll: async (tx, fires, leaseEnds) => {
      const toStore = fires.map((fire) => ({ fire, leaseEnds }));
      const rendered = toStore.filter((one): one is ToStore<Fire> => isRendered(one.fire));
      const unrendered = toStore.filter((one): one is ToStore<UnrenderedFire> => !isRendered(one.fire));
      await payloadMonths.ensureMonths(arrivalsOf(fires), tx);
      const rows = [
        ...(rendered.length > 0 ? await tx.query(storeFires, storeValues(rendered)) : []),
        ...(unrendered.length > 0 ? await tx.query(storeUnrendered, unrenderedValues(unrendered)) : []),
      ];
      const stored = new Set(rows.map(keyOfRow));
      return fires.filter((fire) => stored.delete(keyOf(fire)));
    },
    storeOnce: async (hook, fire, leaseEnds) => {
      // Before: making a month takes a second connection, and all may be in such transactions.
      await payloadMonths.ensureMonths(arrivalsOf([fire]));
      return database.transaction(async (tx) => {
        const stored = await tx.query(storeFires, storeValues([{ fire, revision: hook.revision, leaseEnds }]));
        if (stored.length === 0) return false;
        // Looked up after the insert: a fire that was being finished made the insert wait, and is
        // in the ledger by now.
        const [finished] = await tx.query(findInLedger, [fire.hookUid, fire.cause, fire.taskId]);
        const item = { hook, fire };
        const isKnown = isToRemember(item) && (await rememberEvents(tx, [item])).length === 0;
        if (!finished && !isKnown) return true;
        await tx.query(dropFire, [fire.hookUid, fire.cause]);
        return false;
      });
    },
  };
};

const keyOfRow = ({ hook_uid, cause }: KeyRow): string => keyOf({ hookUid: hook_uid, cause });
