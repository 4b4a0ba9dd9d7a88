// The library of script hooks: which there are, where they run and with which settings.
import type { Acting } from '../../community/acting.ts';
import type { Change } from '../../community/changes/change.ts';
import { recordChanges } from '../../community/changes/record-changes.ts';
import { decoder } from '../../community/schema/decode.ts';
import { parseUv, uvText } from '../../community/schema/uv.ts';
import { newBits128 } from '../../core/ids.ts';
import type { Base } from '../../database/base.ts';
import type { Transaction } from '../../database/database.ts';
import type { Timers } from '../../timers/create-timers.ts';
import { compileScript } from '../build-hook.ts';
import { ScriptHookError } from '../errors.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import {
  type ActionOf,
  NO_META,
  orRefused,
  Refusal,
  type Refused,
  refused,
  ScriptAction,
  type ScriptActResult,
  type ScriptResponse,
  type SetResponse,
} from './actions.ts';
import { checkConfig, checkMeta, checkName, checkOrder, checkSource, digitsOf, LARGEST_LIBRARY } from './bounds.ts';
import { saySchedule } from './cron-schedule.ts';
import { cancelCrons, setCron } from './crons.ts';
import { type Dump, type HookRecord, readDump, recordOf } from './dump.ts';
import * as store from './store.ts';
import {
  exportTemplate,
  type Preview,
  previewOf,
  readTemplate,
  type SetUp,
  setUpTemplate,
  type Template,
} from './template.ts';

export type ScriptLibrarySettings = Base & {
  readonly timers: Pick<Timers, 'set' | 'cancel'>;
  readonly sandbox: Sandbox;
  /** The host's ship: only its owner changes the library. */
  readonly our: string;
  /** Something was changed, and is committed. */
  readonly onChange?: () => void;
};

export type ScriptLibrary = {
  /** Does one action, in the JSON of %hooks: `{"add": {"name", "src"}}`. */
  readonly act: (action: unknown, acting: Acting) => Promise<ScriptActResult>;
  /** Everything but states and waits. */
  readonly dump: () => Promise<Dump>;
  /** How these hooks are, by their ids; without those that are not there. */
  readonly responsesOf: (ids: readonly string[]) => Promise<ReadonlyMap<string, SetResponse>>;
  readonly template: (nest: string) => Promise<Template>;
  /** Merges: what hooks have elsewhere stays as it is. */
  readonly setUp: (template: unknown, nest: string, acting: Acting) => Promise<SetUp | Refused>;
  /** For those who can read the channel. */
  readonly preview: (nest: string) => Promise<Preview>;
  /** These three answer undefined when there is no such hook. */
  readonly enable: (id: string) => Promise<HookRecord | undefined>;
  readonly disable: (id: string, reason: string) => Promise<HookRecord | undefined>;
  readonly setOnError: (id: string, onError: store.OnError) => Promise<HookRecord | undefined>;
  readonly hookOf: (id: string) => Promise<HookRecord | undefined>;
  /** A page in the order of ids; `after` is the id of the last one before it. */
  readonly list: (after: string | undefined, limit: number) => Promise<readonly store.HookSummary[]>;
};

const GOES_ON = '. The source that compiled before goes on running';

const decodeAction = decoder(ScriptAction);

export const createScriptLibrary = (settings: ScriptLibrarySettings): ScriptLibrary => {
  const { database, timers, sandbox, our, onChange } = settings;

  /** One change of the library at a time. Throws a Refusal, and is undone. */
  const changeAs = async <T>(
    work: (tx: Transaction) => Promise<T>,
    responsesOf: (result: T) => readonly ScriptResponse[],
    grows = true,
  ): Promise<T> => {
    const changed = await database.transaction(async (tx) => {
      await store.lockLibrary(tx);
      const result = await work(tx);
      if (grows && (await store.sizeOf(tx)) > LARGEST_LIBRARY) {
        throw new Refusal(`All script hooks together may have ${LARGEST_LIBRARY} bytes: remove some that are not used`);
      }
      await recordChanges(tx, responsesOf(result).map(changeOf));
      return result;
    });
    onChange?.();
    return changed;
  };
  const change = (work: (tx: Transaction) => Promise<ScriptResponse>, grows = true) =>
    changeAs(work, (response) => [response], grows);

  const actions: { readonly [Kind in ActionKind]: (asked: ActionOf<Kind>, acting: Acting) => Promise<ScriptResponse> } =
    {
      add: async ({ name, src }, { now }) => {
        checkName(name);
        const error = await whyNotCompiled(sandbox, src);
        return change(async (tx) => {
          const id = await newId(tx);
          await store.insert(tx, { id, name, meta: NO_META, src, error, onError: 'allow', created: now });
          return { set: setResponse({ id, name, src, meta: NO_META, error }) };
        });
      },
      edit: async ({ id: asked, name, src, meta }) => {
        if (typeof name === 'string') checkName(name);
        if (meta) checkMeta(meta);
        const newError = typeof src === 'string' ? await whyNotCompiled(sandbox, src) : undefined;
        return change(async (tx) => {
          const hook = await found(tx, asked);
          const wanted = { name: name ?? hook.name, meta: meta ?? hook.meta, src: src ?? hook.src };
          const error = newError === undefined ? hook.error : said(newError, hook);
          if (error === null) await store.replace(tx, hook.id, wanted);
          else await store.replaceBadly(tx, hook.id, wanted.src, error);
          // Of an edit that does not compile only the source counts.
          const is = error === null ? wanted : { ...wanted, name: hook.name, meta: hook.meta };
          return { set: setResponse({ ...is, id: hook.id, error }) };
        });
      },
      del: (asked) =>
        change(async (tx) => {
          const { id } = await found(tx, asked);
          await cancelCrons(timers, tx, await store.readCronsOf(tx, id));
          await store.remove(tx, id); // timers of its waits come due and find nothing
          return { gone: uvText(id) };
        }, false),
      order: async ({ nest, seq }) => {
        checkOrder(seq);
        return change(async (tx) => {
          const ids = seq.map(digitsOf);
          const known = await store.onlyKnown(tx, ids);
          const hooks = ids.filter((id) => known.has(id));
          await store.writeOrder(tx, nest, hooks);
          return { order: { nest, seq: hooks.map(uvText) } };
        });
      },
      config: async ({ id: asked, nest, config: given }) => {
        const config = checkConfig(given);
        return change(async (tx) => {
          const { id } = await found(tx, asked);
          await store.writeConfig(tx, { hook: id, nest, config });
          return { config: { id: uvText(id), nest, config } };
        });
      },
      cron: async ({ id: asked, origin, schedule: given, config: settingsGiven }, { now }) => {
        const config = checkConfig(settingsGiven ?? {});
        return change(async (tx) => {
          const { id } = await found(tx, asked);
          const schedule = await setCron(timers, tx, { hook: id, origin: origin ?? '', given, config, now });
          return { cron: { id: uvText(id), origin: origin ?? 'global', schedule: saySchedule(schedule, now), config } };
        });
      },
      rest: ({ id: asked, origin: nest }) =>
        change(async (tx) => {
          const { id } = await found(tx, asked);
          const origin = nest ?? '';
          await cancelCrons(timers, tx, [{ hook: id, origin }]);
          if (!(await store.removeCron(tx, id, origin))) {
            throw new Refusal(
              `The script hook ${uvText(id)} has no cron ${nest === null ? 'without a channel' : `at ${nest}`}`,
              true,
            );
          }
          return { rest: { id: uvText(id), origin: nest ?? 'global' } };
        }, false),
    };

  const act: ScriptLibrary['act'] = async (asked, acting) => {
    if (acting.actor !== our) return refused(`Only ${our}, whose hooks these are, may change them`);
    const action = decodeAction(asked);
    if (!action.ok) return refused(`The action is wrong at ${action.pointer || 'its root'}: ${action.reason}`);
    const [kind, details] = Object.entries(action.value)[0] as [ActionKind, never];
    return orRefused(async () => ({ kind: 'done', response: await actions[kind](details, acting) }));
  };

  const changeHook = async (asked: string, work: (tx: Transaction, id: string) => Promise<unknown>) => {
    const id = parseUv(asked);
    if (id === null) return undefined;
    await database.transaction((tx) => work(tx, String(id)));
    onChange?.();
    return hookOf(asked);
  };

  const hookOf: ScriptLibrary['hookOf'] = async (asked) => {
    const id = parseUv(asked);
    return id === null ? undefined : recordOf(database, String(id), settings.clock.now());
  };

  return {
    act,
    dump: () => readDump(database, settings.clock.now()),
    responsesOf: async (ids) => {
      const hooks = await store.readHooks(database, ids.map(digitsOf));
      return new Map(hooks.map((hook) => [uvText(hook.id), setResponse(hook)]));
    },
    template: (nest) => exportTemplate(database, nest, settings.clock.now()),
    setUp: async (given, nest, acting) => {
      if (acting.actor !== our) return refused(`Only ${our}, whose hooks these are, may change them`);
      return orRefused(async () => {
        const template = readTemplate(given);
        const errors = new Map<string, string | null>();
        for (const { id, src } of template.hooks) errors.set(id, await whyNotCompiled(sandbox, src));
        return changeAs(
          (tx) => setUpTemplate({ tx, timers, template, errors, nest, now: acting.now, newId }),
          ({ responses }) => responses,
        );
      });
    },
    preview: (nest) => previewOf(database, nest),
    enable: (id) => changeHook(id, store.enable),
    disable: (id, reason) => changeHook(id, (tx, one) => store.disable(tx, one, reason)),
    setOnError: (id, onError) => changeHook(id, (tx, one) => store.writeOnError(tx, one, onError)),
    hookOf,
    list: async (after, limit) =>
      (await store.readSummaries(database, after === undefined ? '-1' : digitsOf(after), limit)).map((hook) => ({
        ...hook,
        id: uvText(hook.id),
      })),
  };
};

const changeOf = (response: ScriptResponse): Change => {
  if (!('set' in response)) return { kind: 'script-hooks', response };
  const { src: _, ...hook } = response.set;
  return { kind: 'script-hook', hook };
};

type ActionKind = ScriptAction extends infer A ? (A extends A ? keyof A & string : never) : never;

/** The timer of a wait; it fires into nothing when the wait is not there any more. */
export const WAIT_TIMER = 'script-wait';
export const waitTimerKey = (askedBy: string, id: string): string => `${askedBy}/${id}`;

const found = async (tx: Transaction, asked: string | number): Promise<store.StoredHook> => {
  const id = digitsOf(asked);
  const hook = await store.readHook(tx, id);
  if (hook === undefined) throw new Refusal(`There is no script hook ${uvText(id)}`, true);
  return hook;
};

const setResponse = ({
  id,
  name,
  src,
  meta,
  error,
}: Omit<SetResponse, 'id'> & { readonly id: string }): SetResponse => ({
  id: uvText(id),
  name,
  src,
  meta,
  error,
});

const newId = async (tx: Transaction): Promise<string> => {
  let id = newBits128();
  while ((await store.readHook(tx, String(id))) !== undefined) id = (id + 1n) % 2n ** 128n;
  return String(id);
};

const said = (error: string | null, { running }: store.StoredHook): string | null =>
  error === null || running === 'none' ? error : error + GOES_ON;

/** null: it compiles. Throws a Refusal for what cannot even be stored. */
const whyNotCompiled = async (sandbox: Sandbox, src: string): Promise<string | null> => {
  checkSource(src, sandbox.limits.source);
  try {
    await compileScript(sandbox, src);
    return null;
  } catch (error) {
    if (!(error instanceof ScriptHookError) || error.code === 'HW_SCRIPT_CLOSED') throw error;
    const { message, line, column } = error;
    return line === undefined ? message : `${message} (line ${line}, column ${column})`;
  }
};
