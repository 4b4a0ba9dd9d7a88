// The hooks that run here, built: each once, until its source changes.
import { LRUCache } from 'lru-cache';
import { type BuiltHook, buildHostedHook } from '../build-hook.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { HostedHook, HostedHooks } from './hosted-hooks.ts';

export type Programs = AsyncDisposable & {
  /** undefined: the hook is gone. Rejects with a ScriptHookError when it cannot be built. */
  readonly get: (hook: Pick<HostedHook, 'id' | 'version'>) => Promise<Program | undefined>;
  /** What a run of it should take, in ms of CPU time; Infinity: not known, or it does not run. */
  readonly expectedMs: (hook: Pick<HostedHook, 'id' | 'version' | 'whyNot'>) => number;
  /** Builds what is in use and not built yet, one after another, so that no run waits for it. */
  readonly prepare: () => Promise<void>;
};

/** `version`: of what was built, which an edit may have made another than the one asked for. */
export type Program = { readonly version: number; readonly hook: BuiltHook };

type Built = {
  readonly version: number;
  readonly program: Promise<Program | undefined>;
  /** When it is built. */
  hook?: BuiltHook | undefined;
};

const MOST = 1_000;

export const createPrograms = (hooks: Pick<HostedHooks, 'sourceOf' | 'inUse'>, sandbox: Sandbox): Programs => {
  const cache = new LRUCache<string, Built>({ max: MOST, dispose: (built) => void end(built) });

  const build = async (id: string): Promise<Program | undefined> => {
    const found = await hooks.sourceOf(id);
    return found && { version: found.version, hook: await buildHostedHook(found.source, { sandbox }) };
  };

  const get: Programs['get'] = ({ id, version }) => {
    const known = cache.get(id);
    if (known?.version === version) return known.program;
    const built: Built = { version, program: build(id) };
    cache.set(id, built);
    void built.program.then(
      (program) => {
        built.hook = program?.hook;
      },
      () => {}, // its runs say why
    );
    // What cannot be built now can be later: the threads may have been busy.
    built.program.catch(() => {
      if (cache.peek(id) === built) cache.delete(id);
    });
    return built.program;
  };

  return {
    get,
    expectedMs: ({ id, version, whyNot }) => {
      const known = whyNot === null ? cache.peek(id) : undefined;
      const ms = known?.version === version ? known.hook?.expectedMs() : undefined;
      return ms ?? Number.POSITIVE_INFINITY;
    },
    prepare: async () => {
      for (const hook of await hooks.inUse(MOST)) await get(hook).catch(() => {}); // its runs say why
    },
    [Symbol.asyncDispose]: async () => {
      const all = [...cache.values()];
      cache.clear();
      await Promise.all(all.map(end));
    },
  };
};

/** Runs that are under way finish. One that was not built is nothing to end. */
const end = async ({ program }: Built): Promise<void> => {
  const built = await program.catch(() => undefined);
  await built?.hook[Symbol.asyncDispose]();
};
