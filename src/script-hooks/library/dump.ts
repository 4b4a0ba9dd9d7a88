// What the library tells of itself: everything at once, and one hook.
import { uvText } from '../../community/schema/uv.ts';
import type { Meta } from '../../community/types/group.ts';
import type { Queryable } from '../../database/database.ts';
import type { Config } from './actions.ts';
import { type SaidSchedule, saySchedule } from './cron-schedule.ts';
import * as store from './store.ts';

/** Every key of the dump that is no name is what clients of %hooks expect there. */
export type Dump = {
  readonly hooks: Readonly<Record<string, DumpedHook>>;
  readonly order: Readonly<Record<string, readonly string[]>>;
  readonly crons: Readonly<Record<string, Readonly<Record<string, DumpedCron>>>>;
};

export type DumpedHook = {
  readonly id: string;
  /** Of the format; always empty. */
  readonly version: '';
  readonly name: string;
  readonly meta: Meta;
  readonly src: string;
  /** Whether something of it runs. */
  readonly compiled: boolean;
  readonly config: Readonly<Record<string, Config>>;
};

export type DumpedCron = { readonly hook: string; readonly schedule: SaidSchedule; readonly config: Config };

export const dumpedHook = (hook: store.StoredHook, configs: readonly store.StoredConfig[]): DumpedHook => ({
  id: uvText(hook.id),
  version: '',
  name: hook.name,
  meta: hook.meta,
  src: hook.src,
  compiled: hook.running !== 'none',
  config: Object.fromEntries(configs.map(({ nest, config }) => [nest, config])),
});

export const dumpedCron = ({ hook, schedule, config }: store.StoredCron, now: number): DumpedCron => ({
  hook: uvText(hook),
  schedule: saySchedule(schedule, now),
  config,
});

export const readDump = async (on: Queryable, now: number): Promise<Dump> => {
  const { hooks, configs, orders, crons } = await store.readAll(on);
  const configsOf = Map.groupBy(configs, ({ hook }) => hook);
  return {
    hooks: Object.fromEntries(hooks.map((hook) => [uvText(hook.id), dumpedHook(hook, configsOf.get(hook.id) ?? [])])),
    order: Object.fromEntries(orders.map(({ nest, hooks: ids }) => [nest, ids.map(uvText)])),
    crons: Object.fromEntries(
      [...Map.groupBy(crons, ({ hook }) => hook)].map(([hook, own]) => [uvText(hook), byOrigin(own, now)]),
    ),
  };
};

const byOrigin = (crons: readonly store.StoredCron[], now: number): Readonly<Record<string, DumpedCron>> =>
  Object.fromEntries(crons.map((cron) => [cron.origin || 'global', dumpedCron(cron, now)]));

export type HookRecord = store.StoredHook & {
  /** The channels on which it runs. */
  readonly channels: readonly string[];
  readonly config: Readonly<Record<string, Config>>;
  readonly crons: Readonly<Record<string, DumpedCron>>;
};

export const recordOf = async (on: Queryable, id: string, now: number): Promise<HookRecord | undefined> => {
  const hook = await store.readHook(on, id);
  if (hook === undefined) return undefined;
  const { config } = dumpedHook(hook, await store.readConfigsOf(on, id));
  return {
    ...hook,
    id: uvText(id),
    channels: await store.readChannelsOf(on, id),
    config,
    crons: byOrigin(await store.readCronsOf(on, id), now),
  };
};
