// The tables of script hooks, as their lifecycle reads and writes them. Ids are digits in here.
import type { Meta } from '../../community/types/group.ts';
import { newUuid } from '../../core/ids.ts';
import type { Queryable, Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import type { Config } from './actions.ts';
import type { CronSchedule } from './cron-schedule.ts';

export type OnError = 'allow' | 'deny';

export type StoredHook = {
  readonly id: string;
  readonly name: string;
  readonly meta: Meta;
  readonly src: string;
  /** Whether a program of it runs, and whether it is that of `src`. */
  readonly running: 'src' | 'earlier' | 'none';
  readonly error: string | null;
  readonly version: number;
  readonly onError: OnError;
  readonly isEnabled: boolean;
  readonly disabledReason: string | null;
  /** ms */
  readonly created: number;
};

export type StoredConfig = { readonly hook: string; readonly nest: string; readonly config: Config };
export type StoredOrder = { readonly nest: string; readonly hooks: readonly string[] };

/** `origin` is a nest, or empty. */
export type StoredCron = {
  readonly hook: string;
  readonly origin: string;
  readonly schedule: CronSchedule;
  readonly config: Config;
};

const HOOK = `id::text, name, meta, error, version, on_error as "onError", is_enabled as "isEnabled",
  disabled_reason as "disabledReason", created,
  case when running_src is null then 'none' when running_src = src then 'src' else 'earlier' end as running`;

export type HookSummary = Omit<StoredHook, 'src'>;

const findHook = statement<StoredHook>('scripts.find', `select ${HOOK}, src from script_hooks where id = $1`);
const findHooks = statement<StoredHook>(
  'scripts.find-all',
  `select ${HOOK}, src from script_hooks where id = any($1::numeric[])`,
);
const listHooks = statement<HookSummary>(
  'scripts.list',
  `select ${HOOK} from script_hooks h where id > $1 order by h.id limit $2`,
);
const allHooks = statement<StoredHook>('scripts.all', `select ${HOOK}, src from script_hooks h order by h.id`);
const OF_CHANNEL = `from script_hooks h
  where id in (select unnest(hooks) from script_orders where nest = $1 union select hook from script_crons where origin = $1)
  order by h.id`;
const hooksOf = statement<StoredHook>('scripts.of-channel', `select ${HOOK}, src ${OF_CHANNEL}`);
const summariesOf = statement<HookSummary>('scripts.summaries-of-channel', `select ${HOOK} ${OF_CHANNEL}`);
const knownOf = statement<{ readonly id: string }>(
  'scripts.known',
  'select id::text from script_hooks where id = any($1::numeric[])',
);

/** Any number will do: the lifecycle of script hooks is one thing at a time. */
const LOCK_KEY = 715_204_318;
const lock = statement<unknown>('scripts.lock', `select pg_advisory_xact_lock(${LOCK_KEY})`);

/** Its state is made with it: runs only change it. */
const insertHook = statement(
  'scripts.insert',
  `with state as (insert into script_states (hook, version, state) values ($1, $8, 'null'))
  insert into script_hooks (id, name, meta, src, running_src, error, on_error, created)
  values ($1, $2, $3, $4::text, case when $5::text is null then $4 end, $5, $6, to_timestamp($7::double precision / 1000))`,
);
const setSource = statement<{ readonly version: number }>(
  'scripts.set-source',
  `update script_hooks set name = $2, meta = $3, src = $4, running_src = $4, error = null,
    version = version + case when name = $2 and running_src is not distinct from $4 then 0 else 1 end
  where id = $1 returning version`,
);
const setBadSource = statement('scripts.set-bad-source', 'update script_hooks set src = $2, error = $3 where id = $1');
const setEnabled = statement(
  'scripts.set-enabled',
  `update script_hooks set is_enabled = $2, disabled_reason = $3, version = version + 1
  where id = $1 and (is_enabled <> $2 or disabled_reason is distinct from $3)`,
);
// One that is to fail closed goes on, and denies.
const stop = statement(
  'scripts.stop',
  `update script_hooks set is_enabled = on_error = 'deny', disabled_reason = $3,
    version = version + case when on_error = 'deny' then 0 else 1 end
  where id = $1 and version = $2`,
);
const setOnError = statement(
  'scripts.set-on-error',
  'update script_hooks set on_error = $2, version = version + 1 where id = $1 and on_error <> $2',
);
const keepSource = statement(
  'scripts.keep-source',
  `insert into script_sources (hook, version, source)
  select id, version, running_src from script_hooks where id = $1 and running_src is not null
    and running_src is distinct from (select source from script_sources where hook = $1 order by version desc limit 1)`,
);
/** Sources that are kept for runs that are to be repeated. */
const MOST_SOURCES = 20;
const forgetSources = statement(
  'scripts.forget-sources',
  `delete from script_sources where hook = $1 and version <=
    (select version from script_sources where hook = $1 order by version desc offset ${MOST_SOURCES} limit 1)`,
);
const deleteHook = statement(
  'scripts.delete',
  `with
    sources as (delete from script_sources where hook = $1),
    states as (delete from script_states where hook = $1),
    configs as (delete from script_configs where hook = $1),
    crons as (delete from script_crons where hook = $1),
    orders as (update script_orders set hooks = array_remove(hooks, $1) where $1 = any(hooks)),
    waits as (delete from script_waits where hook = $1 or asked_by = $1)
  delete from script_hooks where id = $1`,
);

const orderOf = statement<StoredOrder>(
  'scripts.order-of',
  'select nest, hooks::text[] from script_orders where nest = $1',
);
const allOrders = statement<StoredOrder>(
  'scripts.orders',
  'select nest, hooks::text[] from script_orders order by nest',
);
const ordersWith = statement<{ readonly nest: string }>(
  'scripts.orders-with',
  'select nest from script_orders where $1::numeric = any(hooks) order by nest',
);
const putOrder = statement(
  'scripts.put-order',
  `insert into script_orders (nest, hooks) values ($1, $2::numeric[])
  on conflict (nest) do update set hooks = excluded.hooks`,
);
const deleteOrder = statement('scripts.delete-order', 'delete from script_orders where nest = $1');

const CONFIG = 'select hook::text, nest, config from script_configs';
const configsOf = statement<StoredConfig>('scripts.configs-of', `${CONFIG} where hook = $1 order by nest`);
const configsFor = statement<StoredConfig>(
  'scripts.configs-for',
  `${CONFIG} where nest = $1 and hook = any($2::numeric[]) order by hook`,
);
const allConfigs = statement<StoredConfig>('scripts.configs', `${CONFIG} order by hook, nest`);
const putConfig = statement(
  'scripts.put-config',
  `insert into script_configs (hook, nest, config) values ($1, $2, $3)
  on conflict (hook, nest) do update set config = excluded.config`,
);

const CRON = 'select hook::text, origin, schedule, config from script_crons';
const cronsOf = statement<StoredCron>('scripts.crons-of', `${CRON} where hook = $1 order by origin`);
const cronsFor = statement<StoredCron>('scripts.crons-for', `${CRON} where origin = $1 order by hook`);
const allCrons = statement<StoredCron>('scripts.crons', `${CRON} order by hook, origin`);
const putCron = statement(
  'scripts.put-cron',
  `insert into script_crons (hook, origin, schedule, config) values ($1, $2, $3, $4)
  on conflict (hook, origin) do update set schedule = excluded.schedule, config = excluded.config`,
);
const deleteCron = statement<{ readonly hook: string }>(
  'scripts.delete-cron',
  'delete from script_crons where hook = $1 and origin = $2 returning hook::text',
);

/** Bytes, with something for each row: the whole library is told at once. */
const size = statement<{ readonly bytes: number }>(
  'scripts.size',
  `select ((select coalesce(sum(octet_length(src) + 600), 0) from script_hooks)
    + (select coalesce(sum(octet_length(config::text) + 200), 0) from script_configs)
    + (select coalesce(sum(octet_length(config::text) + octet_length(schedule::text) + 200), 0) from script_crons)
    + (select coalesce(sum(50 * cardinality(hooks) + 200), 0) from script_orders))::int8 as bytes`,
);

const one = async <T>(rows: Promise<readonly T[]>): Promise<T | undefined> => (await rows)[0];
const json = (value: unknown): string => JSON.stringify(value);

export const readHook = (on: Queryable, id: string) => one(on.query(findHook, [id]));
export const readHooks = (on: Queryable, ids: readonly string[]) => on.query(findHooks, [ids]);
/** In the order of their ids, those after `after`. */
export const readSummaries = (on: Queryable, after: string, limit: number) => on.query(listHooks, [after, limit]);
/** Those that run on a channel, or have a cron there. */
export const readHooksOf = (on: Queryable, nest: string) => on.query(hooksOf, [nest]);
export const readSummariesOf = (on: Queryable, nest: string) => on.query(summariesOf, [nest]);
export const readAll = async (on: Queryable) => ({
  hooks: await on.query(allHooks),
  configs: await on.query(allConfigs),
  orders: await on.query(allOrders),
  crons: await on.query(allCrons),
});
export const readOrder = async (on: Queryable, nest: string) => (await one(on.query(orderOf, [nest])))?.hooks ?? [];
export const readChannelsOf = async (on: Queryable, id: string) =>
  (await on.query(ordersWith, [id])).map(({ nest }) => nest);
export const readConfigsOf = (on: Queryable, id: string) => on.query(configsOf, [id]);
export const readConfigsFor = (on: Queryable, nest: string, hooks: readonly string[]) =>
  on.query(configsFor, [nest, hooks]);
export const readCronsOf = (on: Queryable, id: string) => on.query(cronsOf, [id]);
export const readCronsFor = (on: Queryable, origin: string) => on.query(cronsFor, [origin]);
export const sizeOf = async (on: Queryable) => (await one(on.query(size)))?.bytes ?? 0;

/** Until the transaction ends nobody else changes the library. */
export const lockLibrary = (tx: Transaction) => tx.query(lock);

/** Those of the ids that exist. */
export const onlyKnown = async (tx: Transaction, ids: readonly string[]) =>
  new Set((await tx.query(knownOf, [ids])).map(({ id }) => id));

export type NewHook = Pick<StoredHook, 'id' | 'name' | 'meta' | 'src' | 'error' | 'onError' | 'created'>;

export const insert = async (tx: Transaction, { id, name, meta, src, error, onError, created }: NewHook) => {
  await tx.query(insertHook, [id, name, json(meta), src, error, onError, created, newUuid()]);
  await tx.query(keepSource, [id]);
};

/** A source that compiles. */
export const replace = async (tx: Transaction, id: string, to: Pick<StoredHook, 'name' | 'meta' | 'src'>) => {
  await tx.query(setSource, [id, to.name, json(to.meta), to.src]);
  await tx.query(keepSource, [id]);
  await tx.query(forgetSources, [id]);
};

/** A source that does not compile: what ran goes on. */
export const replaceBadly = (tx: Transaction, id: string, src: string, error: string) =>
  tx.query(setBadSource, [id, src, error]);
export const enable = (tx: Transaction, id: string) => tx.query(setEnabled, [id, true, null]);
export const disable = (tx: Transaction, id: string, reason: string) => tx.query(setEnabled, [id, false, reason]);
/** It had to be stopped from outside too often, as it was in this version. */
export const stopHook = (on: Queryable, id: string, version: number, reason: string) =>
  on.query(stop, [id, version, reason]);
export const writeOnError = (tx: Transaction, id: string, onError: OnError) => tx.query(setOnError, [id, onError]);
export const remove = (tx: Transaction, id: string) => tx.query(deleteHook, [id]);
export const writeOrder = (tx: Transaction, nest: string, hooks: readonly string[]) =>
  hooks.length === 0 ? tx.query(deleteOrder, [nest]) : tx.query(putOrder, [nest, hooks]);
export const writeConfig = (tx: Transaction, { hook, nest, config }: StoredConfig) =>
  tx.query(putConfig, [hook, nest, json(config)]);
export const writeCron = (tx: Transaction, { hook, origin, schedule, config }: StoredCron) =>
  tx.query(putCron, [hook, origin, json(schedule), json(config)]);
/** Answers whether there was one. */
export const removeCron = async (tx: Transaction, hook: string, origin: string) =>
  (await tx.query(deleteCron, [hook, origin])).length > 0;
