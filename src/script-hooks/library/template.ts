// Templates: the hooks of a channel with their order, settings and crons, to be set up on another
// one; and previews, which say to visitors what runs.
import { Type } from 'typebox';
import { decoder } from '../../community/schema/decode.ts';
import { Nest, Text, Uv } from '../../community/schema/scalars.ts';
import { maybe, recordOf } from '../../community/schema/schema.ts';
import { uvText } from '../../community/schema/uv.ts';
import { Meta } from '../../community/types/group.ts';
import type { Queryable, Transaction } from '../../database/database.ts';
import type { Timers } from '../../timers/create-timers.ts';
import { Config, NO_META, Refusal, type ScriptResponse } from './actions.ts';
import { checkConfig, checkMeta, checkName, checkOrder, digitsOf } from './bounds.ts';
import { nextOccurrence, readSchedule, saySchedule } from './cron-schedule.ts';
import { startCron } from './crons.ts';
import { type DumpedCron, type DumpedHook, dumpedCron, dumpedHook } from './dump.ts';
import * as store from './store.ts';

export type Template = {
  readonly from: string;
  readonly hooks: Readonly<Record<string, DumpedHook>>;
  readonly order: readonly string[];
  readonly crons: readonly (readonly [string, DumpedCron])[];
};

export type Preview = readonly { readonly name: string; readonly meta: Meta }[];

/** Hooks of the channel's order, and those that have a cron there; with its settings alone. */
export const exportTemplate = async (on: Queryable, nest: string, now: number): Promise<Template> => {
  const hooks = await store.readHooksOf(on, nest);
  const configs = await store.readConfigsFor(
    on,
    nest,
    hooks.map(({ id }) => id),
  );
  const crons = await store.readCronsFor(on, nest);
  return {
    from: nest,
    hooks: Object.fromEntries(
      hooks.map((hook) => [
        uvText(hook.id),
        dumpedHook(
          hook,
          configs.filter(({ hook: id }) => id === hook.id),
        ),
      ]),
    ),
    order: (await store.readOrder(on, nest)).map(uvText),
    crons: crons.map((cron) => [uvText(cron.hook), dumpedCron(cron, now)]),
  };
};

/** In the order in which they run; those that only have a cron come last. */
export const previewOf = async (on: Queryable, nest: string): Promise<Preview> => {
  const order = await store.readOrder(on, nest);
  const placeOf = ({ id }: store.HookSummary) => (order.includes(id) ? order.indexOf(id) : order.length);
  const hooks = await store.readSummariesOf(on, nest);
  return [...hooks].sort((a, b) => placeOf(a) - placeOf(b)).map(({ name, meta }) => ({ name, meta }));
};

const Given = Type.Object({
  from: Nest,
  hooks: recordOf(
    'uv',
    Type.Object({ name: Text, meta: maybe(Meta), src: Text, config: maybe(recordOf('nest', Config)) }),
  ),
  order: Type.Array(Uv),
  crons: Type.Array(Type.Unsafe<unknown>({})),
});
const GivenCron = Type.Object({ schedule: Type.Unsafe<unknown>({}), config: maybe(Config) });

const decodeTemplate = decoder(Given);
const decodeCron = decoder(GivenCron);

/** A template that fits; ids in digits. */
export type CheckedTemplate = {
  readonly hooks: readonly {
    readonly id: string;
    readonly name: string;
    readonly meta: Meta;
    readonly src: string;
    readonly config: Config | undefined;
  }[];
  readonly order: readonly string[];
  readonly crons: readonly { readonly hook: string; readonly schedule: unknown; readonly config: Config }[];
};

/** Throws a Refusal. */
export const readTemplate = (given: unknown): CheckedTemplate => {
  const decoded = decodeTemplate(given);
  if (!decoded.ok) throw new Refusal(`The template is wrong at ${decoded.pointer || 'its root'}: ${decoded.reason}`);
  const { from, hooks, order, crons } = decoded.value;
  for (const list of [order, Object.keys(hooks), crons]) checkOrder(list);
  return {
    hooks: Object.entries(hooks).map(([id, { name, meta, src, config }]) => {
      checkName(name);
      checkMeta(meta ?? NO_META);
      const own = config?.[from];
      return { id: digitsOf(id), name, meta: meta ?? NO_META, src, config: own && checkConfig(own) };
    }),
    order: order.map(digitsOf),
    crons: crons.map((cron, index) => readCron(cron, `/crons/${index}`)),
  };
};

const readCron = (given: unknown, pointer: string): CheckedTemplate['crons'][number] => {
  const [id, job] = Array.isArray(given) ? given : [];
  const decoded = decodeCron(job);
  if (!decoded.ok) throw new Refusal(`The template is wrong at ${pointer}/1${decoded.pointer}: ${decoded.reason}`);
  return { hook: digitsOf(id), schedule: decoded.value.schedule, config: checkConfig(decoded.value.config ?? {}) };
};

/** `ids`: of the template → here. `responses`: what was done, as the actions tell it. */
export type SetUp = {
  readonly kind: 'done';
  readonly ids: Readonly<Record<string, string>>;
  readonly responses: readonly ScriptResponse[];
};

export type SettingUp = {
  readonly tx: Transaction;
  readonly timers: Pick<Timers, 'set'>;
  readonly template: CheckedTemplate;
  /** Id → why its source does not compile. */
  readonly errors: ReadonlyMap<string, string | null>;
  readonly nest: string;
  readonly now: number;
  readonly newId: (tx: Transaction) => Promise<string>;
};

/**
 * A hook that is here already with the same source is used as it is; one with another source is
 * made anew beside it.
 */
export const setUpTemplate = async (settings: SettingUp): Promise<SetUp> => {
  const { tx, timers, template, nest, now } = settings;
  const ids = new Map<string, string>();
  const responses: ScriptResponse[] = [];
  for (const hook of template.hooks) {
    const { id, isNew } = await placeFor(settings, hook);
    ids.set(hook.id, id);
    const { name, meta, src } = hook;
    const error = settings.errors.get(hook.id) ?? null;
    if (isNew) {
      await store.insert(tx, { id, name, meta, src, error, onError: 'allow', created: now });
      responses.push({ set: { id: uvText(id), name, src, meta, error } });
    }
    if (hook.config !== undefined) {
      await store.writeConfig(tx, { hook: id, nest, config: hook.config });
      responses.push({ config: { id: uvText(id), nest, config: hook.config } });
    }
  }
  const hereOf = (id: string): string[] => [ids.get(id) ?? []].flat();
  const order = template.order.flatMap(hereOf);
  await store.writeOrder(tx, nest, order);
  responses.push({ order: { nest, seq: order.map(uvText) } });
  for (const { hook, schedule: given, config } of template.crons) {
    const read = readSchedule(given, now);
    if (!read.ok) throw new Refusal(`The template has a cron that cannot be: ${read.reason}`);
    const { schedule } = read;
    for (const id of hereOf(hook)) {
      // Not at once: it goes on, and does not begin.
      await startCron(timers, tx, { hook: id, origin: nest, schedule, config }, nextOccurrence(schedule, now, now));
      responses.push({ cron: { id: uvText(id), origin: nest, schedule: saySchedule(schedule, now), config } });
    }
  }
  return {
    kind: 'done',
    ids: Object.fromEntries([...ids].map(([there, here]) => [uvText(there), uvText(here)])),
    responses,
  };
};

const placeFor = async ({ tx, newId }: SettingUp, { id, src }: CheckedTemplate['hooks'][number]) => {
  const known = await store.readHook(tx, id);
  if (known === undefined) return { id, isNew: true };
  return known.src === src ? { id, isNew: false } : { id: await newId(tx), isNew: true };
};
