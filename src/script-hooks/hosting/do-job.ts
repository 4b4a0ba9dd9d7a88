// Does one job: an effect as the host, or a run whose time has come. Each is deleted in the commit
// of what it does.

import { createPostPages } from '../../community/channels/post-pages.ts';
import type { Community } from '../../community/community.ts';
import type { Event } from '../../community/types/event.ts';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { Database } from '../../database/database.ts';
import type { Timers } from '../../timers/create-timers.ts';
import type { HostedHook, HostedHooks } from './hosted-hooks.ts';
import type { HostedTurns } from './hosted-turns.ts';
import { type EffectJob, endJobs, type Job } from './jobs-store.ts';
import { storeFailedEffect } from './run-rows.ts';
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

export type DoJobSettings = {
  readonly our: string;
  readonly database: Database;
  readonly timers: Timers;
  readonly hooks: HostedHooks;
  readonly turns: HostedTurns;
  readonly community: () => Community;
  readonly fireTaskHook: FireTaskHook;
  readonly clock: Clock;
  readonly log: Log;
};

/** A cron of no channel, or of one that is gone. */
const NOWHERE = { nest: undefined, posts: undefined };

/** A run that others come in between of again and again is tried this often at once. */
const MOST_ATTEMPTS = 10;

export const createDoJob = (settings: DoJobSettings): ((job: Job) => Promise<void>) => {
  const { our, database, timers, hooks, turns, community, fireTaskHook, clock, log } = settings;

  const doEffect = async (id: string, job: EffectJob, depth: number): Promise<string | undefined> => {
    const { effect, hook, origin, name } = job;
    if ('wait' in effect) {
      return database.transaction(async (tx) => {
        if (!(await endJobs(tx, [id])).has(id)) return undefined;
        return setWait(tx, timers, { wait: effect.wait, hook, origin });
      });
    }
    if ('trigger' in effect) {
      const { hookGroupId, hookId, payload = {} } = effect.trigger;
      const reason = await fireTaskHook({ name, hookGroupId, hookId, payload, taskId: job.taskId as string });
      await endJobs(database, [id]); // asked for again, it makes the same task
      return reason;
    }
    const result = await community().act(effect, { actor: our, depth, effect: id });
    return result.kind === 'done' ? undefined : result.reason;
  };

  const runAlone = async (job: Job, hook: HostedHook, origin: string, event: Event): Promise<boolean> => {
    const nest = origin === '' ? undefined : origin;
    const runs = turns.beginAlone(hook);
    let committing: ReturnType<Community['commits']['commit']> | undefined;
    try {
      const read = (there: string) =>
        community().readTurn(database, { nest: there, actor: our, post: undefined, reply: undefined });
      const view = nest === undefined ? undefined : await read(nest);
      const where = nest && view ? { nest, posts: createPostPages(database, nest, view.posts) } : NOWHERE;
      await runs.run({ ...where, group: view?.group, event, src: our, now: clock.now(), depth: job.depth });
      committing = community().commits.commit({ hooks: runs.writes(), effect: job.id });
    } finally {
      runs.release(committing !== undefined);
    }
    return (await committing) !== 'again';
  };

  const run = async (job: Job, find: () => Promise<HostedHook | undefined>, origin: string, event: Event) => {
    for (let attempts = 0; attempts < MOST_ATTEMPTS; attempts += 1) {
      const hook = await find();
      if (!hook) return void (await endJobs(database, [job.id]));
      if (await runAlone(job, hook, origin, event)) return;
    }
    throw new Error('the state of the hook is changed by others all the time');
  };

  return async (job) => {
    const { body, depth } = job;
    if (body.kind === 'effect') {
      const reason = await doEffect(job.id, body, depth);
      if (reason === undefined) return;
      const { name, origin, index } = body;
      log.warn({ hook: name, origin, effect: Object.keys(body.effect)[0], reason }, 'script effect refused');
      await storeFailedEffect(database, body.run, index, reason);
      return;
    }
    const { hook, origin } = body;
    if (body.kind === 'cron') await run(job, () => hooks.forCron(hook, origin), origin, { cron: null });
    else await run(job, () => hooks.forWake(hook, origin), origin, { wake: body.wake });
  };
};
