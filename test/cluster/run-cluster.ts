// Three processes of the server under mixed load while they, PostgreSQL and what else they need are
// struck down again and again.
import { setTimeout as sleep } from 'node:timers/promises';
import { describeError } from '../../src/core/errors.ts';
import { createRandom, type Random } from '../chaos/random.ts';
import type { Cleanup } from '../support/database.ts';
import { send } from '../support/request.ts';
import { eventually } from '../support/wait.ts';
import { type Backend, query, type StartBackend } from './backends/backend.ts';
import { type Api, createApi, hookPath, isBound } from './load/api.ts';
import { type Load, startCallers } from './load/callers.ts';
import { change, startEditors } from './load/editors.ts';
import { BOUND, CALLED, SCHEDULED, scheduledHook, triggeredHook } from './load/hooks.ts';
import { startPublishers } from './load/publishers.ts';
import { type Events, noEvents } from './oracle/events.ts';
import { type Evidence, judge, type Row } from './oracle/oracle.ts';
import { databaseFaults, type Fault, memberFaults, planFaults } from './system/faults.ts';
import { type Member, startMembers } from './system/members.ts';
import { type Postgres, startPostgres } from './system/postgres.ts';

export type ClusterOptions = {
  readonly faults: number;
  readonly seed: number;
  readonly startBackend: StartBackend;
  /** Only faults whose names match. */
  readonly only?: RegExp;
  /** Called with one line now and then. */
  readonly tell: (line: string) => void;
  readonly signal?: AbortSignal;
};

export type ClusterReport = {
  /** Empty when all promises were kept. */
  readonly problems: readonly string[];
  readonly figures: Readonly<Record<string, number>>;
  /** Fault → how often. */
  readonly struck: Readonly<Record<string, number>>;
  /** What was judged, so that a test can do harm to it and have it judged again. */
  readonly evidence: Evidence;
  /** What the members wrote, for who looks for the cause. */
  readonly said: string;
};

/**
 * Between two faults so many answers and confirmations come, or so much time passes, and then a
 * moment more.
 */
const MOST_ACCEPTED_BETWEEN = 60;
const LONGEST_BETWEEN_MS = 1_500;
const LONGEST_MOMENT_MS = 100;
/**
 * A lease of 15 s, backoffs that have grown meanwhile, and the work itself on a machine that is
 * busy.
 */
const QUIET_WITHIN_MS = 90_000;
const READY_WITHIN_MS = 30_000;

export const runCluster = async (t: Cleanup, options: ClusterOptions): Promise<ClusterReport> => {
  const { seed, tell, startBackend } = options;
  const random = createRandom(seed);
  const events = noEvents();
  const postgres = await startPostgres(t);
  const backend = await startBackend(t, { postgres, events });
  const members = await startMembers(t, backend.members);
  const api = createApi(t, members, backend.credentials, seed);
  await backend.prepare(members, api);
  const publish = backend.publish(api);
  const tokens = await makeHooks(api, events);

  const { knowsMessageIds, tasks } = backend;
  const loads = [
    startCallers(api, tokens, events, seed + 100),
    startPublishers(publish, events, { seed: seed + 200, knowsMessageIds }),
    startEditors({ api, publish, events, tasks, seed: seed + 300 }),
  ];
  const all = [...memberFaults(members), ...databaseFaults(postgres), ...backend.faults];
  const faults = all.filter(({ name }) => options.only?.test(name) ?? true);
  if (faults.length === 0)
    throw new Error(`no fault matches ${options.only}: ${all.map(({ name }) => name).join('; ')}`);
  const struck = await strikeAll(faults, events, random, options);
  await live(events, random);
  tell('the faults are over; everybody finishes');
  const problems = await finish(loads, { api, events, postgres, backend });
  const unready = await Promise.all(members.all.map(whyNotReady));
  problems.push(...unready.filter((reason) => reason !== undefined));

  const evidence = { events, tasks: await tasks(), ledger: await readLedger(postgres), tells: backend.tells };
  problems.push(...judge(evidence), ...backend.violations(), ...members.problems());
  return { problems, figures: figuresOf(evidence, members.failedStarts()), struck, evidence, said: members.said() };
};

/** Each with its binding or schedule. Answers the tokens of those that webhooks trigger. */
const makeHooks = async (api: Api, events: Events): Promise<ReadonlyMap<string, string>> => {
  const tokens = new Map<string, string>();
  for (const hookId of CALLED) {
    await change({ api, events }, hookId, 'created', triggeredHook(hookId));
    const { json } = await api.insist({ method: 'GET', path: hookPath(hookId, '/token') });
    tokens.set(hookId, json.token);
  }
  for (const [hookId, pattern] of Object.entries(BOUND)) {
    await change({ api, events }, hookId, 'created', triggeredHook(hookId, pattern));
    await eventually(`the binding of ${hookId} is active`, () => isBound(api, hookId));
  }
  for (const hookId of SCHEDULED) {
    const begun = { from: Date.now(), to: 0 };
    await change({ api, events }, hookId, 'created', scheduledHook(hookId, ['* * * * * *']));
    begun.to = Date.now();
    events.schedules.push({ hookId, begun, ended: { from: 0, to: 0 } });
  }
  return tokens;
};

const accepted = ({ calls, messages }: Events): number =>
  calls.reduce((sum, one) => sum + one.acknowledged.length + one.declined + one.refused, 0) +
  messages.reduce((sum, { confirmed }) => sum + confirmed, 0);

const live = async (events: Events, random: Random): Promise<void> => {
  const enough = accepted(events) + random.between(0, MOST_ACCEPTED_BETWEEN);
  const moment = random.between(0, LONGEST_MOMENT_MS);
  const latest = performance.now() + LONGEST_BETWEEN_MS;
  while (accepted(events) < enough && performance.now() < latest) await sleep(5);
  await sleep(moment);
};

/**
 * One after another, while the last of another kind may still be felt. Resolves when all is whole
 * again.
 */
const strikeAll = async (
  faults: readonly Fault[],
  events: Events,
  random: Random,
  { faults: count, tell, signal }: ClusterOptions,
): Promise<Record<string, number>> => {
  const struck: Record<string, number> = {};
  const healing = new Map<string, Promise<void>>();
  for (const [index, fault] of planFaults(faults, count, random).entries()) {
    await live(events, random);
    await healing.get(fault.target);
    if (signal?.aborted) break;
    tell(`fault ${index + 1} of ${count}: ${fault.name}; ${accepted(events)} events accepted so far`);
    struck[fault.name] = (struck[fault.name] ?? 0) + 1;
    const healed = fault.strike(createRandom(random.between(0, 2 ** 32 - 1)));
    healed.catch(() => {}); // whoever waits for it hears of it
    healing.set(fault.target, healed);
  }
  await Promise.all(healing.values());
  return struck;
};

/** Whatever a member has lost is back by then, and it says so. */
const whyNotReady = async ({ name, url }: Member): Promise<string | undefined> => {
  let last = 'nothing';
  const isReady = async () => {
    const at = url();
    if (at === undefined) {
      last = 'it has not started again';
      return false;
    }
    const reply = await send(at, '/readyz').catch((error: Error) => error);
    last = reply instanceof Error ? reply.message : `${reply.status} ${reply.text}`;
    return !(reply instanceof Error) && reply.status === 200;
  };
  return eventually('it is ready', isReady, READY_WITHIN_MS).then(
    () => undefined,
    () => `the member ${name} is not ready, ${READY_WITHIN_MS} ms after everything else was over: ${last}`,
  );
};

type Finishing = {
  readonly api: Api;
  readonly events: Events;
  readonly postgres: Postgres;
  readonly backend: Backend;
};

/**
 * Ends the load and the schedules, and waits until nothing is under way. Answers what did not end.
 */
const finish = async (loads: readonly Load[], { api, events, postgres, backend }: Finishing): Promise<string[]> => {
  const ends = await Promise.allSettled(loads.map((load) => load.finish()));
  const unmet = ends.flatMap((end) => (end.status === 'rejected' ? [describeError(end.reason)] : []));
  for (const { hookId, ended } of events.schedules) {
    ended.from = Date.now();
    await change({ api, events }, hookId, 'updated', scheduledHook(hookId, []));
    ended.to = Date.now();
  }
  const unfinished = async () => {
    const sql = `select (select count(*) from fires)::int as fires, (select count(*) from outbox)::int as messages`;
    return (await query<{ fires: number; messages: number }>(postgres.connection, sql))[0];
  };
  const isOver = async () => {
    const left = await unfinished();
    return left?.fires === 0 && left.messages === 0 && (await backend.isQuiet());
  };
  return eventually('nothing is under way', isOver, QUIET_WITHIN_MS).then(
    () => unmet,
    async () => {
      const left = JSON.stringify(await unfinished());
      return [...unmet, `${QUIET_WITHIN_MS} ms after the last fault there is still something under way: ${left}`];
    },
  );
};

type LedgerRow = {
  hook_id: string;
  fired_by: string;
  outcome: string;
  task_id: string | null;
  cause: string;
  arrived: Date;
  error: unknown;
  detail: unknown;
};

/**
 * Of each hook and minute the first few that were rejected stand in the ledger; the others are
 * counted elsewhere until the minute is over.
 */
const OF_THEIR_OWN = 5;
const LEDGER = `
  select hook_id, fired_by, outcome, task_id, cause, arrived, error, detail from ledger where kind = 'fire'
  union all
  select hook_id, 'pulseMessage', 'rejected', null, 'counted', last, null, json_build_object('count', seen - ${OF_THEIR_OWN})
  from rejections where seen > ${OF_THEIR_OWN}`;

const readLedger = async ({ connection }: Postgres): Promise<Row[]> => {
  const rows = await query<LedgerRow>(connection, LEDGER);
  return rows.map(({ hook_id, fired_by, task_id, arrived, ...row }) => ({
    ...row,
    hookId: hook_id,
    firedBy: fired_by,
    taskId: task_id,
    arrived: arrived.getTime(),
  }));
};

const figuresOf = ({ events, tasks, ledger }: Evidence, failedStarts: number) => ({
  calls: events.calls.length,
  requests: events.calls.reduce((sum, { requests }) => sum + requests, 0),
  messages: events.messages.reduce((sum, { published }) => sum + published, 0),
  unconfirmed: events.messages.reduce((sum, { published, confirmed }) => sum + published - confirmed, 0),
  accepted: accepted(events),
  changes: events.changes.reduce((sum, { answered }) => sum + answered, 0),
  tasks: tasks.length,
  occurrences: ledger.filter(({ firedBy, outcome }) => firedBy === 'schedule' && outcome !== 'missed').length,
  missed: ledger.filter(({ outcome }) => outcome === 'missed').reduce((sum, { detail }) => sum + detail.count, 0),
  failedStarts,
});
