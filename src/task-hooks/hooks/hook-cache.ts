// Compiled hooks that were used lately. What is here may be old: storing a fire checks the
// revision, and what a caller is told of an old definition is checked first (firing/fire-call.ts).
import { LRUCache } from 'lru-cache';
import type { Queryable } from '../../database/database.ts';
import type { Hook, HookName } from '../definition.ts';
import type { CompiledHook, Evaluator } from '../evaluation/evaluator.ts';
import type { HookStore } from './hook-store.ts';

export type HookCache = {
  readonly get: (name: HookName) => Promise<CompiledHook | undefined>;
  /** From the database, past the cache. */
  readonly reload: (name: HookName) => Promise<CompiledHook | undefined>;
  /** The same for an incarnation. */
  readonly getByUid: (uid: string) => Promise<CompiledHook | undefined>;
  readonly reloadByUid: (uid: string) => Promise<CompiledHook | undefined>;
  /** As `getByUid`, for many, those that are not cached from `on`. */
  readonly getMany: (uids: readonly string[], on: Queryable) => Promise<ReadonlyMap<string, CompiledHook>>;
  /**
   * This very revision. Where nothing has to go for it, it is cached: 10,000 hooks may be due at
   * once.
   */
  readonly compiled: (hook: Hook) => CompiledHook;
};

const MOST_CACHED = 2_000;

export const createHookCache = (hooks: HookStore, evaluator: Evaluator): HookCache => {
  const names = new Map<string, string>();
  const cached = new LRUCache<string, CompiledHook>({
    max: MOST_CACHED,
    dispose: ({ uid }) => names.delete(uid),
  });
  const keyOf = ({ hookGroupId, hookId }: HookName) => `${hookGroupId}/${hookId}`; // a group's id holds no slash

  const compiled: HookCache['compiled'] = (hook) => {
    const key = keyOf(hook.definition);
    const known = cached.peek(key);
    if (known?.uid === hook.uid && known.revision === hook.revision) return known;
    const fresh = evaluator.compile(hook);
    if (known || cached.size < MOST_CACHED) cache(key, fresh);
    return fresh;
  };

  const cache = (key: string, hook: CompiledHook): void => {
    cached.set(key, hook);
    names.set(hook.uid, key);
  };

  const keep = (hook: Hook): CompiledHook => {
    const key = keyOf(hook.definition);
    const kept = compiled(hook);
    cache(key, kept);
    return kept;
  };

  const reload: HookCache['reload'] = async (name) => {
    const hook = await hooks.find(name);
    if (hook) return keep(hook);
    cached.delete(keyOf(name));
    return undefined;
  };

  const reloadByUid: HookCache['reloadByUid'] = async (uid) => {
    const hook = (await hooks.findMany([uid])).get(uid);
    if (hook) return keep(hook);
    cached.delete(names.get(uid) ?? '');
    return undefined;
  };

  return {
    reload,
    reloadByUid,
    get: async (name) => cached.get(keyOf(name)) ?? reload(name),
    getByUid: async (uid) => cached.get(names.get(uid) ?? '') ?? reloadByUid(uid),
    getMany: async (uids, on) => {
      const known = uids.map((uid) => cached.get(names.get(uid) ?? ''));
      const unknown = uids.filter((_, index) => !known[index]);
      const found = unknown.length > 0 ? await hooks.findMany(unknown, on) : new Map<string, Hook>();
      const all = [...known.filter((hook) => hook !== undefined), ...[...found.values()].map(compiled)];
      return new Map(all.map((hook) => [hook.uid, hook]));
    },
    compiled,
  };
};
