// Runs hooks for an event, one after the other: each sees what the one before it returned.

import { uvText } from '../../community/schema/uv.ts';
import type { Turn } from '../../community/turns/turn-hooks.ts';
import type { Event } from '../../community/types/event.ts';
import { describeError } from '../../core/errors.ts';
import { newSlugId } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import { ScriptHookError } from '../errors.ts';
import { recordRun } from '../library/replay.ts';
import { outcomeOf, type RunFailure, type RunRow, reasonOf } from '../library/run-rows.ts';
import { eventKindName } from '../sandbox/lazy-event.ts';
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

export const createRunHooks = ({ our, programs, log, onDisabled }: RunHooksSettings): RunHooks => {
  /** Why it did not run, as a text, when it could not be made to. */
  const runOne = async (hook: HostedHook, request: RunRequest): Promise<RunOfProgram | string> => {
    if (hook.whyNot !== null) return hook.whyNot;
    for (let again = false; ; again = true) {
      const program = await build(hook);
      if (typeof program === 'string') return program;
      try {
        const outcome = await program.hook.run(request);
        const reason = program.hook.disabled();
        if (reason !== null) onDisabled(hook, reason);
        return { outcome, version: program.version };
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
    for (const [place, hook] of hooks.entries()) {
      const state = changes.get(hook.id)?.after ?? (await take(hook.id));
      if (!state) continue;
      const recorded = recordRun(bowlOf(our, hook, turn, state));
      const ran = await runOne(hook, { event, bowl: recorded.bowl, seed: newSlugId(), hasOwnIds: true });
      if (typeof ran === 'string') {
        runs.push(write.skipped(hook, event, ran));
        // What its owner has disabled guards nothing; what cannot be built was to guard.
        if (hook.whyNot === null && hook.onError === 'deny') return end(whenFailed(hook));
        continue;
      }
      const { outcome, version } = ran;
      const before = changes.get(hook.id)?.before ?? state;
      const change = { hook: hook.id, before, after: nextState(state, outcome.stateJson) };
      changes.set(hook.id, change);
      if (!hooks.slice(place + 1).some(({ id }) => id === hook.id)) await handOn(change);
      runs.push(write.ran({ ...hook, version }, event, outcome, recorded.json(outcome)));
      const denied = denialOf(hook, outcome);
      if (denied) return end(denied);
      if (outcome.outcome === 'allowed') event = outcome.event;
    }
    return end({ kind: 'allowed', event });
  };
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
