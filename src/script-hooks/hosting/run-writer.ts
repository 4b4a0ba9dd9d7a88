// What the ledger keeps of the runs of a turn, and the effects that they asked for.
import type { Turn } from '../../community/turns/turn-hooks.ts';
import type { Event } from '../../community/types/event.ts';
import { newSlugId } from '../../core/ids.ts';
import { outcomeOf, type RunFailure, type RunRow, reasonOf } from '../library/run-rows.ts';
import { eventKindName } from '../sandbox/lazy-event.ts';
import type { Outcome } from '../types.ts';
import type { HostedHook } from './hosted-hooks.ts';
import type { NewJob } from './jobs-store.ts';

/** A run, with the effects that it asked for. */
export type Ran = { readonly row: RunRow; readonly jobs: readonly (Omit<NewJob, 'body'> & { body: EffectOfRun })[] };
type EffectOfRun = Omit<Extract<NewJob['body'], { kind: 'effect' }>, 'run'>;

/** A turn; `origin`: of a run that sees no channel, where it was asked for. */
export type Occasion = Turn & { readonly origin?: string };

/** An effect of an effect of an effect: this many, and no more. */
const DEEPEST_EFFECT = 8;
/**
 * Effects that may come of one event, those included that come of its effects: with 256 of each run
 * a chain of eight would never end. They are shared out evenly.
 */
export const MOST_CAUSED = 10_000;
/** Characters of an event as the ledger keeps it. */
const LARGEST_EVENT = 64 * 1024;

/** Of one turn. */
export const createRunWriter = ({
  nest,
  origin = nest ?? '',
  src,
  now,
  depth,
  effectsLeft = MOST_CAUSED,
}: Occasion) => {
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
    /** All runs of the turn, with what each of their effects may cause in turn. */
    share: (runs: readonly Ran[]): Ran[] => {
      const asked = runs.reduce((sum, { jobs }) => sum + jobs.length, 0);
      const done = Math.min(asked, effectsLeft);
      const left = Math.floor((effectsLeft - done) / Math.max(1, done));
      let room = done;
      return runs.map(({ jobs, row }) => {
        const kept = jobs.slice(0, room).map((job) => ({ ...job, body: { ...job.body, left } }));
        room -= kept.length;
        const reason = `of one event ${MOST_CAUSED} effects may come, and this is beyond its share of them`;
        const beyond = jobs.slice(kept.length).map(({ body }) => ({ pointer: `/effects/${body.index}`, reason }));
        const { result } = row;
        return { jobs: kept, row: { ...row, result: { ...result, dropped: [...result.dropped, ...beyond] } } };
      });
    },
  };
};

const failureOf = ({ kind, line, column, stack, causes }: Extract<Outcome, { outcome: 'failed' }>): RunFailure => ({
  ...{ kind, stack, causes },
  ...(line !== undefined && { line }),
  ...(column !== undefined && { column }),
});
