// Does one job: an effect as the host, or a run whose time has come. Each is deleted in the commit
// of what it does; a task that a script asks for is the same one when it is asked for again.

import { createPostPages } from '../../community/channels/post-pages.ts';
import type { Community } from '../../community/community.ts';
import type { Turn } from '../../community/turns/turn-hooks.ts';
import type { Event } from '../../community/types/event.ts';
import type { Base } from '../../database/base.ts';
import type { Timers } from '../../timers/create-timers.ts';
import { insertRunRows, storeFailedEffect } from '../library/run-rows.ts';
import type { HostedHook, HostedHooks } from './hosted-hooks.ts';
import { type HostedTurns, isHostedBy } from './hosted-turns.ts';
import type { EffectJob, Job } from './jobs-store.ts';
import { setWait } from './waits.ts';

/** Fires a task hook for a script. Answers why it did not; undefined: it did, now or before. */
export type FireTaskHook = (asked: {
  /** Of the script hook: its role is `hook-id:scripts/<name>`. */
  readonly name: string;
  readonly hookGroupId: string;
  readonly hookId: string;
  readonly payload: unknown;
  readonly taskId: string;
}) => Promise<string | undefined>;

export type DoJobSettings = Pick<Base, 'database' | 'clock' | 'log'> & {
  readonly our: string;
  readonly timers: Timers;
  readonly hooks: HostedHooks;
  readonly turns: HostedTurns;
  readonly community: () => Community;
  readonly fireTaskHook: FireTaskHook;
};

export const createDoJob = (settings: DoJobSettings): ((job: Job) => Promise<void>) => {
  const { our, database, timers, hooks, turns, community, fireTaskHook, clock, log } = settings;

  /** Answers why it was refused, which stands beside its run in the same commit. */
  const doEffect = async (id: string, job: EffectJob, depth: number): Promise<string | undefined> => {
    const { effect, hook, origin, name } = job;
    if ('wait' in effect) {
      return database.transaction(async (tx) => {
        if (!(await turns.endEffects(tx, [{ id }])).has(id)) return undefined;
        const refusal = await setWait(tx, timers, {
          ...{ wait: effect.wait, hook, origin, depth },
          ...{ left: job.left, now: clock.now() },
        });
        if (refusal !== undefined) await storeFailedEffect(tx, job.run, job.index, refusal);
        return refusal;
      });
    }
    if ('trigger' in effect) {
      const { hookGroupId, hookId, payload = {} } = effect.trigger;
      // Asked for again after a crash, it makes the same task.
      const refusal = await fireTaskHook({ name, hookGroupId, hookId, payload, taskId: job.taskId as string });
      await database.transaction((tx) => turns.endEffects(tx, [{ id, refusal }]));
      return refusal;
    }
    const result = await community().act(effect, { actor: our, depth, effectsLeft: job.left, effect: id });
    return result.kind === 'done' ? undefined : result.reason;
  };

  const run = async (job: Job, find: () => Promise<HostedHook | undefined>, origin: string, event: Event) => {
    let hook = await find();
    await community().attempts<'done'>({
      nest: undefined,
      begin: async () => {
        hook = await find(); // as it is now: this may not be the first attempt
        return hook && turns.beginAlone(hook, origin);
      },
      beginLocked: async (tx) => hook && turns.beginAlone(hook, origin, tx),
      whenDoneBefore: 'done',
      attempt: async (runs, commit) => {
        if (runs) {
          const seen = await surroundings(origin);
          const effectsLeft = job.body.kind === 'wake' ? job.body.left : undefined;
          await runs.run({ ...seen, event, src: our, now: clock.now(), depth: job.depth, effectsLeft });
        }
        commit({ hooks: runs?.writes(), effect: { id: job.id } });
        return { result: 'done', isKept: true };
      },
    });
  };

  /** What is gone, or is another ship's, is not there for the hook. */
  const surroundings = async (origin: string): Promise<Pick<Turn, 'nest' | 'posts' | 'group'>> => {
    const asked = { nest: origin, actor: our, post: undefined, reply: undefined };
    const view = isHostedBy(origin, our) ? await community().readTurn(database, asked) : undefined;
    if (!view) return { nest: undefined, posts: undefined, group: undefined };
    return { nest: origin, posts: createPostPages(database, origin, view.posts), group: view.group };
  };

  return async ({ id, body, depth, ...job }) => {
    if (body.kind === 'effect') {
      const reason = await doEffect(id, body, depth);
      if (reason === undefined) return;
      const { name, origin, effect } = body;
      log.warn({ hook: name, origin, effect: Object.keys(effect)[0], reason }, 'script effect refused');
      return;
    }
    const { hook, origin } = body;
    const whole = { ...job, id, body, depth };
    if (body.kind === 'cron') await run(whole, () => hooks.forCron(hook, origin), origin, { cron: null });
    else await run(whole, () => hooks.forWake(hook, origin), origin, { wake: body.wake });
  };
};

/** The reason stands in the ledger: beside the run that asked for it, or as a run that failed. */
export const createGiveUpJob =
  ({ database, turns, our, clock }: Pick<DoJobSettings, 'database' | 'turns' | 'our' | 'clock'>) =>
  async ({ id, body, depth }: Job, reason: string): Promise<void> => {
    await database.transaction(async (tx) => {
      const ended = await turns.endEffects(tx, [{ id, refusal: reason }]);
      if (!ended.has(id) || body.kind === 'effect') return;
      const event = JSON.stringify(body.kind === 'cron' ? { cron: null } : { wake: body.wake });
      const nothing = { effects: [], prints: [], dropped: [] };
      await insertRunRows(tx, [
        {
          ...{ at: clock.now(), hook: body.hook, hookVersion: 0, origin: body.origin, src: our, depth, event },
          ...{
            eventKind: body.kind,
            outcome: 'failed',
            reason,
            result: nothing,
            durationMs: 0,
            seed: '',
            replay: null,
          },
        },
      ]);
    });
  };
