// Carries out operations on hooks with schedules, and has the oracle look after each of them.

import assert from 'node:assert/strict';
import { eventually } from '../../../test/support/wait.ts';
import type { Database } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import { CREATED, type Decision, FORBIDDEN, REFUSED, UNAVAILABLE } from './fake-queue.ts';
import { heavy } from './heavy-template.ts';
import { createInlinePool } from './inline-pool.ts';
import type { Crash, HookChange, Operation, QueueMood } from './schedule-operations.ts';
import { type Cover, createOracle, type Moment } from './schedule-oracle.ts';
import { listTimers, ME, POOL_SIZE, type Server, scheduledHook, type World } from './world.ts';

type CoverRow = {
  hook_uid: string;
  cause: string;
  outcome: string | null;
  task_id: string | null;
  task: string | null;
  unrendered: { template: { mark: string } } | null;
  at: number | null;
  detail: { first: string; last: string; count: number } | null;
};
// In one statement, so that none is seen neither here nor there while it moves.
const listCovers = statement<CoverRow>(
  'test.covers',
  `select hook_uid, cause, null as outcome, task_id, task::text as task, unrendered, null::timestamptz as at, null::json as detail from fires
   union all
   select hook_uid, cause, outcome, task_id, null, null, at, detail from ledger where kind = 'fire'`,
);
const lastDue = statement<{ due: number | null }>('test.last-due', 'select max(due) as due from fires');
const clear = statement('test.clear', 'truncate hooks, hook_state, timers, fires, ledger, audit');
const terminateOthers = statement<unknown>(
  'test.terminate-others',
  'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
);
const terminateOwn = statement<unknown>('test.terminate-own', 'select pg_terminate_backend(pg_backend_pid())');

/** The statement that only turns and changes run, in the middle of what they do. */
const IN_THE_MIDDLE = 'hook-state.advance';
const CLOCKS_AHEAD = [0, 5_000];

export type RunReport = {
  readonly fires: number;
  readonly missedRows: number;
  readonly missed: number;
  readonly attempts: number;
  readonly tasks: number;
  readonly crashes: number;
};

/** Throws when anything was lost, doubled or changed. The world can be used again afterwards. */
export const runSchedules = async (world: World, operations: readonly Operation[]): Promise<RunReport> => {
  const { clock, database, queue } = world;
  await database.query(clear);
  queue.forget();
  const start = clock.now();
  const oracle = createOracle();
  const seen = new Map<string, string>();
  const uids = new Map<string, string>();
  const lives = { isBusy: false, slow: { statements: 0, ms: 0 }, crash: undefined as Crash | undefined, crashes: 0 };
  const servers: (Server | undefined)[] = [undefined, undefined];
  let marks = 0;
  let moods = 0;
  let wasForbidden = false;
  let turnsSince = clock.now();

  /** The database as a process sees it that is slow, or dies in the middle of its turn. */
  const troubled = (onCrash: (() => void) | undefined): Database => ({
    ...database,
    transaction: async (work) => {
      let crash: Crash | undefined;
      const dieOf = (error: unknown): never => {
        lives.crashes += 1;
        onCrash?.();
        throw error;
      };
      const result = await database.transaction(async (tx) => {
        const inside = await work({
          query: async (one, values) => {
            const rows = await tx.query(one, values);
            if (lives.slow.statements > 0) {
              lives.slow.statements -= 1;
              clock.jump(lives.slow.ms);
            }
            if (onCrash && one.name === IN_THE_MIDDLE && lives.crash) {
              [crash, lives.crash] = [lives.crash, undefined];
              if (crash === 'connection terminated') await tx.query(terminateOwn).catch(dieOf);
            }
            return rows;
          },
        });
        if (crash === 'before the commit') dieOf(new Error(crash));
        return inside;
      });
      if (crash === 'after the commit') dieOf(new Error(crash));
      return result;
    },
  });

  const startServer = async (index: number) => {
    if (servers[index]) return;
    let server: Server | undefined;
    let hasDied = false;
    const die = () => {
      hasDied = true; // maybe in its very first turn
      server?.die();
      servers[index] = undefined;
    };
    server = await world.startServer({
      ahead: CLOCKS_AHEAD[index] ?? 0,
      database: troubled(die),
      pool: createInlinePool(() => lives.isBusy),
    });
    if (hasDied) server.die();
    else servers[index] = server;
  };
  const living = () => servers.filter((server) => server !== undefined);
  const editor = await world.startServer({ isIdle: true, database: troubled(undefined) });

  const coverOf = (row: CoverRow): Cover | undefined => {
    const { cause, detail, outcome, at } = row;
    const key = `${row.hook_uid} ${cause} ${row.task_id ?? at}`;
    const isKnown = seen.has(key);
    seen.set(key, outcome ?? 'unfinished');
    if (isKnown) return undefined;
    if (outcome === 'missed' && detail) {
      const [first, last] = [Date.parse(detail.first), Date.parse(detail.last)];
      return { kind: 'missed', first, last, count: detail.count, writtenAt: at ?? 0 };
    }
    const text = row.task ?? queue.asked.things.find(({ taskId }) => taskId === row.task_id)?.task;
    const task = text === undefined ? undefined : (JSON.parse(text) as { mark: string; at: string });
    const mark = task?.mark ?? row.unrendered?.template.mark ?? '';
    return { kind: 'fire', at: Date.parse(cause.slice('schedule:'.length)), mark, now: task && Date.parse(task.at) };
  };

  const look = async () => {
    const handledUntil = await world.handleDue();
    const since = clock.now();
    const covers = new Map<string, Cover[]>();
    for (const row of await database.query(listCovers)) {
      const cover = coverOf(row);
      if (cover) covers.set(row.hook_uid, [...(covers.get(row.hook_uid) ?? []), cover]);
    }
    const now = clock.now(); // what is slow may go on while nothing is due
    oracle.look(covers, { handledUntil, latestClock: now + Math.max(...CLOCKS_AHEAD), turnsSince });
    turnsSince = since;
  };

  const jump = (ms: number) => {
    clock.jump(ms);
    turnsSince = clock.now();
  };

  const useAllConnections = () => Promise.all(Array.from({ length: POOL_SIZE }, () => database.query(listTimers)));

  const during = async (work: () => Promise<unknown>): Promise<Moment> => {
    const earliest = clock.now();
    await work();
    return { earliest, latest: clock.now() };
  };

  const change = async (one: HookChange): Promise<void> => {
    const { hookId } = one;
    const name = { hookGroupId: 'g', hookId };
    const uid = uids.get(hookId);
    if (one.do === 'save') {
      marks += 1;
      const mark = `${hookId}${marks}`;
      const list = one.isHeavy ? heavy([1, 2]) : [];
      const definition = scheduledHook([...one.schedule], { hookId, task: { mark, at: { $eval: 'now' }, list } });
      if (uid !== undefined) {
        const moment = await during(() => editor.changes.update(name, () => definition, ME));
        return oracle.changed(uid, mark, one.schedule, moment);
      }
      const moment = await during(() => editor.changes.create(definition, ME));
      const made = (await editor.hooks.find(name))?.uid ?? assert.fail();
      uids.set(hookId, made);
      return oracle.created(made, mark, one.schedule, moment);
    }
    if (uid === undefined) return;
    if (one.do === 'reset token') return void (await editor.changes.resetToken(name, ME));
    const moment = await during(() => editor.changes.remove(name, ME));
    uids.delete(hookId);
    oracle.removed(uid, moment);
  };

  const behave = (mood: QueueMood) => {
    wasForbidden ||= mood === '403' || mood === 'chance';
    queue.behave(() =>
      mood === 'chance' ? DECISIONS[CHANCES[(moods++ * 7) % CHANCES.length] as QueueMood] : DECISIONS[mood],
    );
  };

  const carryOut = async (one: Operation): Promise<void> => {
    switch (one.do) {
      case 'race': {
        jump(one.ms);
        const woken = clock.advance(1_000);
        await Promise.all([woken, change(one.change)]);
        return;
      }
      case 'pass':
        for (let second = 0; second < one.seconds; second += 1) {
          await clock.advance(1_000);
          if (second + 1 < one.seconds) await look();
        }
        return;
      case 'jump':
        return jump(one.ms);
      case 'start':
        return startServer(one.server);
      case 'stop': {
        const server = servers[one.server];
        servers[one.server] = undefined;
        return server?.stop();
      }
      case 'crash':
        lives.crash = one.how;
        return;
      case 'lose connections':
        await database.query(terminateOthers);
        // The servers have to live with it; what this file asks the database for itself must not
        // meet a broken connection.
        await eventually('the pool has noticed', () =>
          useAllConnections().then(
            () => true,
            () => false,
          ),
        );
        return;
      case 'queue':
        return behave(one.mood);
      case 'busy':
        lives.isBusy = one.isBusy;
        return;
      case 'slow':
        lives.slow = { statements: one.statements, ms: one.ms };
        return;
      default:
        return change(one);
    }
  };

  /** The troubles end; every fire must come to its outcome. */
  const drain = async () => {
    Object.assign(lives, { isBusy: false, crash: undefined, slow: { statements: 0, ms: 0 } });
    behave('works');
    await startServer(0);
    await startServer(1);
    await look();
    for (let tried = 0; [...seen.values()].includes('unfinished'); tried += 1) {
      assert.ok(tried < 100, 'some fires are never finished');
      const due = (await database.query(lastDue))[0]?.due ?? 0;
      if (due > clock.now() + 60_000) jump(due - clock.now()); // a backoff, or the lease of a clock that was far ahead
      for (let second = 0; second < 8; second += 1) await clock.advance(1_000);
      await look();
    }
  };

  try {
    for (const one of [{ do: 'start', server: 0 }, { do: 'start', server: 1 }, ...operations] as const) {
      await carryOut(one);
      await look();
    }
    await drain();
    checkTasks(seen, queue, wasForbidden);
    const { asked, tasks } = queue;
    return { ...oracle.count(), attempts: asked.things.length, tasks: tasks.size, crashes: lives.crashes };
  } finally {
    await Promise.all(living().map((server) => server.stop()));
    clock.jump(start - clock.now());
  }
};

/** By chance, and never for long. */
const CHANCES: readonly QueueMood[] = [
  'works',
  '503',
  'answers get lost',
  'works',
  'hangs',
  'refuses connections',
  '403',
  'works',
  '503',
];

const DECISIONS: Readonly<Record<QueueMood, Decision>> = {
  works: CREATED,
  '503': UNAVAILABLE,
  'refuses connections': REFUSED,
  hangs: 'hang',
  'answers get lost': 'created, unheard',
  '403': FORBIDDEN,
  chance: CREATED,
};

const checkTasks = (
  seen: ReadonlyMap<string, string>,
  { asked, tasks }: World['queue'],
  wasForbidden: boolean,
): void => {
  const texts = new Map<string, string>();
  for (const { taskId, task } of asked.things) {
    assert.equal(texts.get(taskId) ?? task, task, `two tasks were asked for under ${taskId}`);
    texts.set(taskId, task);
  }
  const fires = new Map(
    [...seen].filter(([, outcome]) => outcome !== 'missed').map(([key, outcome]) => [key.split(' ')[2], outcome]),
  );
  for (const [taskId, outcome] of fires) {
    const expected = ['created', 'exhausted', ...(wasForbidden ? ['failed'] : [])];
    assert.ok(expected.includes(outcome), `the fire of ${taskId} ended as ${outcome}`);
    if (outcome === 'created') assert.ok(tasks.has(taskId ?? ''), `there is no task ${taskId}`);
  }
  for (const taskId of texts.keys()) assert.ok(fires.has(taskId), `no fire tells of ${taskId}`);
};
