// Runs hooks for an event, one after the other: each sees what the one before it returned. Those
// that are quick go to a thread together, which runs them for as long as the event stays the same.

import { uvText } from '../../community/schema/uv.ts';
import type { Turn } from '../../community/turns/turn-hooks.ts';
import type { Event } from '../../community/types/event.ts';
import { describeError } from '../../core/errors.ts';
import { newSlugId } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import { runTogether } from '../build-hook.ts';
import { ScriptHookError } from '../errors.ts';
import { type Recording, recordRun } from '../library/replay.ts';
import { outcomeOf, type RunFailure, type RunRow, reasonOf } from '../library/run-rows.ts';
import { eventKindName } from '../sandbox/lazy-event.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { Bowl, Outcome, RunRequest } from '../types.ts';
import { type HookState, nextState, type StateChange } from './hook-states.ts';
import type { HostedHook } from './hosted-hooks.ts';
import type { NewJob } from './jobs-store.ts';
import type { Program, Programs } from './programs.ts';

export type RunsResult = {
  readonly verdict:
    | { readonly kind: 'allowed'; readonly event: Event }
    | { readonly kind: 'denied'; reason: string | null };
  readonly states: readonly StateChange[];
  readonly runs: readonly Ran[];
};

/** A run, with the effects that it asked for. */
export type Ran = { readonly row: RunRow; readonly jobs: readonly (Omit<NewJob, 'body'> & { body: EffectOfRun })[] };
type EffectOfRun = Omit<Extract<NewJob['body'], { kind: 'effect' }>, 'run'>;

export type RunHooksSettings = {
  readonly our: string;
  readonly programs: Programs;
  readonly sandbox: Sandbox;
  readonly log: Log;
  /** The hook has been stopped from outside again and again. */
  readonly onDisabled: (hook: HostedHook, reason: string) => void;
};

/** A turn; `origin`: of a run that sees no channel, where it was asked for. */
export type Occasion = Turn & { readonly origin?: string };

export type RunHooks = (
  hooks: readonly HostedHook[],
  turn: Occasion,
  states: {
    /** Waits for its turn with the hook. undefined: it is gone. */
    readonly take: (hook: string) => Promise<HookState | undefined>;
    /** The hook does not run again in this turn, and is left in this state. */
    readonly done: (change: StateChange) => Promise<void>;
  },
) => Promise<RunsResult>;

/** An effect of an effect of an effect: this many, and no more. */
const DEEPEST_EFFECT = 8;
/** Characters of an event as the ledger keeps it. */
const LARGEST_EVENT = 64 * 1024;

/**
 * CPU time, in ms, that hooks which run together should take at most: each keeps its next turn
 * waiting until all have run.
 */
const QUICK_MS = 5;

export const createRunHooks = ({ our, programs, sandbox, log, onDisabled }: RunHooksSettings): RunHooks => {
  /** The hooks that run next, at least one. */
  const nextOf = (hooks: readonly HostedHook[]): readonly HostedHook[] => {
    const ids = new Set<string>();
    let ms = 0;
    const end = hooks.findIndex((hook) => {
      ms += hook.whyNot === null ? programs.expectedMs(hook) : Number.POSITIVE_INFINITY;
      return ms > QUICK_MS || ids.size === ids.add(hook.id).size;
    });
    return hooks.slice(0, end === -1 ? hooks.length : Math.max(1, end));
  };

  /**
   * Runs them together: see runTogether. Why it did not run, as a text, of one that could not be
   * made to.
   */
  const runAll = async (asked: readonly Asked[]): Promise<readonly (RunOfProgram | string)[]> => {
    const reason = asked[0]?.hook.whyNot ?? null;
    if (reason !== null) return [reason];
    for (let again = false; ; again = true) {
      const built: Program[] = [];
      for (const { hook } of asked) {
        const program = await build(hook);
        if (typeof program !== 'string') built.push(program);
        else if (built.length === 0) return [program];
        else break;
      }
      try {
        const requests = built.map(({ hook }, index) => {
          const { request, hook: hosted } = asked[index] as Asked;
          return { hook, request, passesWhenFailed: hosted.onError === 'allow' };
        });
        const outcomes = await runTogether(sandbox, requests);
        return outcomes.map((outcome, index) => {
          const { hook, version } = built[index] as Program;
          const why = hook.disabled();
          if (why !== null) onDisabled((asked[index] as Asked).hook, why);
          return { outcome, version };
        });
      } catch (error) {
        // Edited meanwhile, the program was replaced; the new one runs.
        const isReplaced = error instanceof ScriptHookError && error.code === 'HW_SCRIPT_CLOSED';
        if (!isReplaced || again) throw error;
      }
    }
  };

  const build = async (hook: HostedHook): Promise<Program | string> => {
    try {
      return (await programs.get(hook)) ?? 'it has been deleted';
    } catch (error) {
      const reason = describeError(error);
      log.warn({ hook: hook.name, reason }, 'script hook could not be built');
      return `it could not be built: ${reason}`;
    }
  };

  return async (hooks, turn, { take, done }) => {
    const changes = new Map<string, StateChange>();
    const handedOn = new Set<string>();
    const runs: Ran[] = [];
    const write = createWriter(turn);
    let event = turn.event;
    const handOn = async (change: StateChange): Promise<void> => {
      handedOn.add(change.hook);
      await done(change);
    };
    const end = async (verdict: RunsResult['verdict']): Promise<RunsResult> => {
      for (const change of changes.values()) if (!handedOn.has(change.hook)) await handOn(change);
      return { verdict, states: [...changes.values()], runs };
    };
    const ask = async (hook: HostedHook): Promise<Asked | undefined> => {
      const state = changes.get(hook.id)?.after ?? (await take(hook.id));
      if (!state) return undefined;
      const recorded = recordRun(bowlOf(our, hook, turn, state));
      return { hook, state, recorded, request: { event, bowl: recorded.bowl, seed: newSlugId(), hasOwnIds: true } };
    };
    /** Answers the verdict when it is the last of this turn. */
    const note = async ({ hook, state, recorded }: Asked, ran: RunOfProgram | string): Promise<Denied | undefined> => {
      if (typeof ran === 'string') {
        runs.push(write.skipped(hook, event, ran));
        // What its owner has disabled guards nothing; what cannot be built was to guard.
        return hook.whyNot === null && hook.onError === 'deny' ? whenFailed(hook) : undefined;
      }
      const { outcome, version } = ran;
      const before = changes.get(hook.id)?.before ?? state;
      const change = { hook: hook.id, before, after: nextState(state, outcome.stateJson) };
      changes.set(hook.id, change);
      if (!left.some(({ id }) => id === hook.id)) await handOn(change);
      runs.push(write.ran({ ...hook, version }, event, outcome, recorded.json(outcome)));
      if (outcome.outcome === 'allowed') event = outcome.event;
      return denialOf(hook, outcome);
    };
    let left = hooks;
    let isAlone = false;
    while (left.length > 0) {
      const next = isAlone ? left.slice(0, 1) : nextOf(left);
      const asked: Asked[] = [];
      for (const hook of next) {
        const one = await ask(hook);
        if (!one) break;
        asked.push(one);
      }
      if (asked.length === 0) {
        left = left.slice(1);
        continue;
      }
      const ran = await runAll(asked);
      // Their thread has ended: the next one that ends is that of a single hook.
      isAlone ||= ran.length === 0;
      for (const [index, run] of ran.entries()) {
        left = left.slice(1);
        const denied = await note(asked[index] as Asked, run);
        if (denied) return end(denied);
      }
    }
    return end({ kind: 'allowed', event });
  };
};

/** A hook whose turn has come. */
type Asked = {
  readonly hook: HostedHook;
  readonly state: HookState;
  readonly recorded: Recording;
  readonly request: RunRequest;
};

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

const bowlOf = (our: string, { id, name, config }: HostedHook, turn: Turn, { json }: HookState): Bowl => {
  const { nest, posts, group, src, now } = turn;
  return {
    ...{ our, src, now, config, hook: { id: uvText(id), name } },
    state: null, // only its text is looked at
    stateJson: json,
    channel: nest === undefined ? null : { nest, posts: posts ?? [] },
    group: group ? { flag: group.flag, fleet: group.group.fleet } : null,
  };
};

/** Makes the rows of one turn. */
const createWriter = ({ nest, origin = nest ?? '', src, now, depth }: Occasion) => {
  let last: { readonly event: Event; readonly text: string | null } | undefined;
  const textOf = (event: Event): string | null => {
    if (last?.event === event) return last.text;
    const text = JSON.stringify(event);
    last = { event, text: text.length > LARGEST_EVENT ? null : text };
    return last.text;
  };
  const common = (hook: HostedHook, event: Event) => ({
    ...{ at: now, hook: hook.id, hookVersion: hook.version, origin, src, depth },
    eventKind: eventKindName(event) ?? '',
    event: textOf(event),
  });

  return {
    skipped: (hook: HostedHook, event: Event, reason: string): Ran => ({
      jobs: [],
      row: {
        ...common(hook, event),
        ...{ outcome: 'skipped', reason, durationMs: 0, seed: '', replay: null },
        result: { effects: [], prints: [], dropped: [] },
      },
    }),
    ran: (hook: HostedHook, event: Event, outcome: Outcome, replay: string | null): Ran => {
      const isTooDeep = depth + 1 > DEEPEST_EFFECT;
      const tooDeep = outcome.effects.map((_effect, index) => ({
        pointer: `/effects/${index}`,
        reason: `${DEEPEST_EFFECT} effects led to this one already, and no more are done`,
      }));
      const jobs = outcome.effects.map((effect, index) => ({
        lane: origin === '' ? `hook/${hook.id}` : origin,
        depth: depth + 1,
        body: {
          ...({ kind: 'effect', effect, index, hook: hook.id, name: hook.name, origin } as const),
          ...('trigger' in effect && { taskId: newSlugId() }),
        },
      }));
      return {
        jobs: isTooDeep ? [] : jobs,
        row: {
          ...common(hook, event),
          ...{ outcome: outcomeOf(outcome), reason: reasonOf(outcome), replay },
          result: {
            effects: outcome.effects,
            prints: outcome.prints,
            dropped: isTooDeep ? [...outcome.dropped, ...tooDeep] : outcome.dropped,
            ...(outcome.outcome === 'failed' && { failure: failureOf(outcome) }),
            ...(outcome.outcome === 'allowed' && outcome.event !== event && { event: outcome.event }),
          },
          durationMs: outcome.durationMs,
          seed: outcome.seed,
        },
      };
    },
  };
};

const failureOf = ({ kind, line, column, stack, causes }: Extract<Outcome, { outcome: 'failed' }>): RunFailure => ({
  ...{ kind, stack, causes },
  ...(line !== undefined && { line }),
  ...(column !== undefined && { column }),
});
