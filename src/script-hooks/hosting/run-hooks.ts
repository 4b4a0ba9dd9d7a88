// Runs hooks for an event, one after the other: each sees what the one before it returned. Those
// that are quick go to a thread together, which runs them for as long as the event stays the same;
// turns that have the same quick hooks go there together, too.
import { uvText } from '../../community/schema/uv.ts';
import type { Turn } from '../../community/turns/turn-hooks.ts';
import type { Event } from '../../community/types/event.ts';
import { describeError } from '../../core/errors.ts';
import { newSlugId } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import { runTogether } from '../build-hook.ts';
import { ScriptHookError } from '../errors.ts';
import { type Recording, recordRun } from '../library/replay.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { Bowl, Outcome, RunRequest } from '../types.ts';
import { type HookState, nextState, type StateChange } from './hook-states.ts';
import type { HostedHook } from './hosted-hooks.ts';
import type { Program, Programs } from './programs.ts';
import { createRunWriter, type Occasion, type Ran } from './run-writer.ts';

export type RunsResult = {
  readonly verdict:
    | { readonly kind: 'allowed'; readonly event: Event }
    | { readonly kind: 'denied'; reason: string | null };
  readonly states: readonly StateChange[];
  readonly runs: readonly Ran[];
};

export type RunHooksSettings = {
  readonly our: string;
  readonly programs: Programs;
  readonly sandbox: Sandbox;
  readonly log: Log;
  /** The hook has been stopped from outside again and again. */
  readonly onDisabled: (hook: HostedHook, reason: string) => void;
};

export type TurnOfHooks = { readonly hooks: readonly HostedHook[]; readonly turn: Occasion };

type TurnStates = {
  /** Waits for its turn with the hook. undefined: it is gone. */
  readonly take: (hook: string) => Promise<HookState | undefined>;
  /** The hook does not run again in this turn, and is left in this state. */
  readonly done: (change: StateChange) => Promise<void>;
};

/** Several turns have the same hooks, all of them quick. Answers for each, in their order. */
export type RunHooks = (turns: readonly TurnOfHooks[], states: TurnStates) => Promise<RunsResult[]>;

/**
 * CPU time, in ms, that runs which go to a thread together should take at most: each hook keeps its
 * next turn waiting until all have run.
 */
export const QUICK_MS = 8;

export const createRunHooks = ({ our, programs, sandbox, log, onDisabled }: RunHooksSettings): RunHooks => {
  /** The hooks that run next, at least one. */
  const nextOf = (hooks: readonly HostedHook[]): readonly HostedHook[] => {
    const ids = new Set<string>();
    let ms = 0;
    const end = hooks.findIndex((hook) => {
      ms += programs.expectedMs(hook);
      return ms > QUICK_MS || ids.size === ids.add(hook.id).size;
    });
    return hooks.slice(0, end === -1 ? hooks.length : Math.max(1, end));
  };

  /**
   * Runs them together, for each turn what it asks for: see runTogether. Why it did not run, as a
   * text, of one that could not be made to.
   */
  const runAll = async (turns: readonly (readonly Asked[])[]): Promise<RunOrReason[][]> => {
    const reason = turns[0]?.[0]?.hook.whyNot ?? null;
    if (reason !== null) return [[reason]];
    for (let again = false; ; again = true) {
      const built = await buildAll(turns);
      if (typeof built === 'string') return [[built]];
      try {
        const requests = built.map((list) =>
          list.map(({ program, hook, request }) => ({
            hook: program.hook,
            request,
            passesWhenFailed: hook.onError === 'allow',
          })),
        );
        const outcomes = await runTogether(sandbox, requests);
        return outcomes.map((list, turn) =>
          list.map((outcome, index) => {
            const { program, hook } = (built[turn] as Built[])[index] as Built;
            const why = program.hook.disabled();
            if (why !== null) onDisabled(hook, why);
            return { outcome, version: program.version };
          }),
        );
      } catch (error) {
        // Edited meanwhile, the program was replaced; the new one runs.
        const isReplaced = error instanceof ScriptHookError && error.code === 'HW_SCRIPT_CLOSED';
        if (!isReplaced || again) throw error;
      }
    }
  };

  /** Up to the first one that cannot be built; if that is the first of all, the reason. */
  const buildAll = async (turns: readonly (readonly Asked[])[]): Promise<Built[][] | string> => {
    const all: Built[][] = [];
    for (const asked of turns) {
      const list: Built[] = [];
      all.push(list);
      for (const one of asked) {
        const program = await build(one.hook);
        if (typeof program === 'string') return all.length + list.length === 1 ? program : all;
        list.push({ ...one, program });
      }
    }
    return all;
  };

  const build = async (hook: HostedHook): Promise<Program | string> => {
    try {
      return (await programs.get(hook)) ?? 'it has been deleted';
    } catch (error) {
      const reason = describeError(error);
      log.warn({ hook: hook.name, reason }, 'script hook not built');
      return `it could not be built: ${reason}`;
    }
  };

  /** `latest`: states that earlier turns of the same message have left. */
  const open = ({ hooks, turn }: TurnOfHooks, { take, done }: TurnStates, latest: Map<string, HookState>) => {
    const changes = new Map<string, StateChange>();
    const handedOn = new Set<string>();
    const runs: Ran[] = [];
    const write = createRunWriter(turn);
    let event = turn.event;
    let left = hooks;
    const handOn = async (change: StateChange): Promise<void> => {
      handedOn.add(change.hook);
      await done(change);
    };
    const end = async (verdict: RunsResult['verdict']): Promise<RunsResult> => {
      for (const change of changes.values()) if (!handedOn.has(change.hook)) await handOn(change);
      return { verdict, states: [...changes.values()], runs: write.share(runs) };
    };
    /** Of these hooks those before the first that is gone. */
    const ask = async (next: readonly HostedHook[], stateOf = take): Promise<Asked[]> => {
      const all: Asked[] = [];
      for (const hook of next) {
        const state = changes.get(hook.id)?.after ?? (await stateOf(hook.id));
        if (!state) break;
        const seen = { state };
        const recorded = recordRun(bowlOf(our, hook, turn, seen));
        const request = { event, bowl: recorded.bowl, seed: newSlugId(), hasOwnIds: true };
        all.push({ hook, seen, recorded, request });
      }
      return all;
    };
    /** Answers the verdict when it is the last of this turn. */
    const note = async ({ hook, seen, recorded }: Asked, ran: RunOrReason): Promise<Denied | undefined> => {
      left = left.slice(1);
      if (typeof ran === 'string') {
        runs.push(write.skipped(hook, event, ran));
        // What its owner has disabled guards nothing; what cannot be built was to guard.
        return hook.whyNot === null && hook.onError === 'deny' ? whenFailed(hook) : undefined;
      }
      const { outcome, version } = ran;
      const before = changes.get(hook.id)?.before ?? seen.state;
      const change = { hook: hook.id, before, after: nextState(seen.state, outcome.stateJson) };
      changes.set(hook.id, change);
      if (!left.some(({ id }) => id === hook.id)) await handOn(change);
      runs.push(write.ran({ ...hook, version }, event, outcome, recorded.json(outcome)));
      if (outcome.outcome === 'allowed') event = outcome.event;
      return denialOf(hook, outcome);
    };
    return {
      askAll: (first: TurnStates['take']) => ask(hooks, first),
      /** `ran` is what the first of `asked` came to, together with other turns. */
      finish: async (asked: readonly Asked[], ran: readonly RunOrReason[]): Promise<RunsResult> => {
        for (const [index, run] of ran.entries()) {
          const one = asked[index] as Asked;
          const { id } = one.hook;
          one.seen.state = latest.get(id) ?? one.seen.state;
          const denied = await note(one, run);
          const after = changes.get(id)?.after;
          if (after) latest.set(id, after);
          if (denied) return end(denied);
        }
        let isAlone = false;
        while (left.length > 0) {
          const next = await ask(isAlone ? left.slice(0, 1) : nextOf(left));
          if (next.length === 0) {
            left = left.slice(1);
            continue;
          }
          const [more = []] = await runAll([next]);
          // Their thread has ended: the next one that ends is that of a single hook.
          isAlone ||= more.length === 0;
          for (const [index, run] of more.entries()) {
            const denied = await note(next[index] as Asked, run);
            if (denied) return end(denied);
          }
        }
        return end({ kind: 'allowed', event });
      },
    };
  };

  return async (turns, states) => {
    const latest = new Map<string, HookState>();
    const opened = turns.map((turn) => open(turn, states, latest));
    const asked: Asked[][] = [];
    const first = new Map<string, Promise<HookState | undefined>>();
    /** All turns begin with the same one: what is in memory may be forgotten meanwhile. */
    const takeOnce = (hook: string): Promise<HookState | undefined> => {
      const taken = first.get(hook) ?? states.take(hook);
      first.set(hook, taken);
      return taken;
    };
    for (const [index, one] of turns.length > 1 ? opened.entries() : []) {
      const all = await one.askAll(takeOnce);
      if (all.length < (turns[index] as TurnOfHooks).hooks.length) break;
      asked.push(all);
    }
    const ran = asked.length > 1 ? await runAll(asked) : [];
    const results: RunsResult[] = [];
    for (const [index, one] of opened.entries()) results.push(await one.finish(asked[index] ?? [], ran[index] ?? []));
    return results;
  };
};

/** A hook whose turn has come. */
type Asked = {
  readonly hook: HostedHook;
  /** What it runs on; what it is asked with may be older. */
  readonly seen: { state: HookState };
  readonly recorded: Recording;
  readonly request: RunRequest;
};

type Built = Asked & { readonly program: Program };

/** A text says why it did not run. */
type RunOrReason = RunOfProgram | string;

type RunOfProgram = { readonly outcome: Outcome; readonly version: number };

type Denied = Extract<RunsResult['verdict'], { kind: 'denied' }>;

const denialOf = (hook: HostedHook, outcome: Outcome): Denied | undefined => {
  if (outcome.outcome === 'denied') return { kind: 'denied', reason: outcome.reason };
  if (outcome.outcome === 'allowed' || hook.onError === 'allow') return undefined;
  return whenFailed(hook);
};

const whenFailed = ({ name }: HostedHook): Denied => ({
  kind: 'denied',
  reason: `The hook "${name}" failed, and without it nothing passes.`,
});

const bowlOf = (our: string, { id, name, config }: HostedHook, turn: Turn, seen: Asked['seen']): Bowl => {
  const { nest, posts, group, src, now } = turn;
  return {
    ...{ our, src, now, config, hook: { id: uvText(id), name } },
    state: null, // only its text is looked at
    stateJson: () => seen.state.json,
    channel: nest === undefined ? null : { nest, posts: posts ?? [] },
    group: group ? { flag: group.flag, fleet: group.group.fleet } : null,
  };
};
