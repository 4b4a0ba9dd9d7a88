// Compiled hooks that were used lately. What is here may be old: storing a fire checks the
// revision, and what a caller is told of an old definition is checked first (firing/fire-call.ts).
import type { Hook, HookName } from '../definition.ts';
import type { CompiledHook, Evaluator } from '../evaluation/evaluator.ts';
import type { HookStore } from './hook-store.ts';

export type HookCache = {
  readonly get: (name: HookName) => Promise<CompiledHook | undefined>;
  /** From the database, past what is remembered. */
  readonly reload: (name: HookName) => Promise<CompiledHook | undefined>;
  /** The same for an incarnation. */
  readonly getByUid: (uid: string) => Promise<CompiledHook | undefined>;
  readonly reloadByUid: (uid: string) => Promise<CompiledHook | undefined>;
  /**
   * This very revision: the remembered one, or compiled without being remembered (10,000 hooks may
   * be due at once).
   */
  readonly compiled: (hook: Hook) => CompiledHook;
};

const MOST_REMEMBERED = 2_000;

export const createHookCache = (hooks: HookStore, evaluator: Evaluator): HookCache => {
  const remembered = new Map<string, CompiledHook>();
  const names = new Map<string, string>();
  const keyOf = ({ hookGroupId, hookId }: HookName) => `${hookGroupId}/${hookId}`; // a group's id holds no slash

  const forget = (key: string): CompiledHook | undefined => {
    const known = remembered.get(key);
    if (known) names.delete(known.uid);
    remembered.delete(key);
    return known;
  };

  const remember = (key: string, hook: Hook): CompiledHook => {
    const known = forget(key);
    const compiled = known?.uid === hook.uid && known.revision === hook.revision ? known : evaluator.compile(hook);
    if (remembered.size >= MOST_REMEMBERED) forget(remembered.keys().next().value as string);
    remembered.set(key, compiled);
    names.set(hook.uid, key);
    return compiled;
  };

  /** From memory, as the one that was used last: the map's order is that of use. */
  const recall = (key: string): CompiledHook | undefined => {
    const known = remembered.get(key);
    if (!known) return undefined;
    remembered.delete(key);
    remembered.set(key, known);
    return known;
  };

  const reload: HookCache['reload'] = async (name) => {
    const hook = await hooks.find(name);
    if (hook) return remember(keyOf(name), hook);
    forget(keyOf(name));
    return undefined;
  };

  const reloadByUid: HookCache['reloadByUid'] = async (uid) => {
    const hook = (await hooks.findMany([uid])).get(uid);
    if (hook) return remember(keyOf(hook.definition), hook);
    forget(names.get(uid) ?? '');
    return undefined;
  };

  return {
    reload,
    reloadByUid,
    get: async (name) => recall(keyOf(name)) ?? reload(name),
    getByUid: async (uid) => recall(names.get(uid) ?? '') ?? reloadByUid(uid),
    compiled: (hook) => {
      const known = remembered.get(keyOf(hook.definition));
      return known?.uid === hook.uid && known.revision === hook.revision ? known : evaluator.compile(hook);
    },
  };
};
