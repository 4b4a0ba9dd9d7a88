// Compiled hooks that were used lately. What is here may be old: storing a fire checks the revision, and what a caller is
// told of an old definition is checked first (fire.ts).
import type { HookName } from './definition.ts';
import type { CompiledHook, Evaluator } from './evaluator.ts';
import type { HookStore } from './hook-store.ts';

export type HookMemory = {
  readonly get: (name: HookName) => Promise<CompiledHook | undefined>;
  /** From the database, past what is remembered. */
  readonly reload: (name: HookName) => Promise<CompiledHook | undefined>;
};

const MOST_REMEMBERED = 2_000;

export const createHookMemory = (hooks: HookStore, evaluator: Evaluator): HookMemory => {
  const remembered = new Map<string, CompiledHook>();
  const keyOf = ({ hookGroupId, hookId }: HookName) => `${hookGroupId}/${hookId}`; // a group's id holds no slash

  const reload: HookMemory['reload'] = async (name) => {
    const key = keyOf(name);
    const hook = await hooks.find(name);
    const known = remembered.get(key);
    remembered.delete(key);
    if (!hook) return undefined;
    const compiled = known?.uid === hook.uid && known.revision === hook.revision ? known : evaluator.compile(hook);
    if (remembered.size >= MOST_REMEMBERED) remembered.delete(remembered.keys().next().value as string);
    remembered.set(key, compiled);
    return compiled;
  };

  return {
    reload,
    get: async (name) => {
      const key = keyOf(name);
      const known = remembered.get(key);
      if (!known) return reload(name);
      remembered.delete(key); // to the end: the map's order is that of use
      remembered.set(key, known);
      return known;
    },
  };
};
