// What must be true after all kills, told from what was sent and what can be read. Shares no code
// with the server.
import pg from 'pg';
import type { Clients } from '../support/client.ts';
import { GROUP, HOOK_IDS, type Sent } from './callers.ts';

type Task = { readonly task_id: string; readonly definition: string };
type Row = {
  readonly task_id: string | null;
  readonly outcome: string | null;
  readonly hook_id: string;
  readonly rows: number;
};

type Unlike = { readonly cause: string; readonly fires: number; readonly payloads: number };

/** Each fire has its payload, and no payload is of no fire. */
const FIRES_AND_PAYLOADS = `
  select cause, sum(fire)::int as fires, sum(payload)::int as payloads
  from (select hook_uid, cause, arrived, 1 as fire, 0 as payload from ledger where kind = 'fire'
        union all select hook_uid, cause, at, 0, 1 from payloads) as both_of_them
  group by hook_uid, cause, arrived having sum(fire) <> 1 or sum(payload) <> 1`;

export type Connection = {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
};

export type Verdict = { readonly problems: readonly string[]; readonly tasks: number };

/** How many fires are not finished. */
export const countUnfinished = async (connection: Connection): Promise<number> => {
  const [row] = await query<{ count: number }>(connection, 'select count(*)::int as count from fires');
  return row?.count ?? 0;
};

export const judge = async (sent: readonly Sent[], connection: Connection, clients: Clients): Promise<Verdict> => {
  const tasks = await query<Task>(connection, 'select task_id, definition::text as definition from tasks');
  const ledger = await query<Row>(
    connection,
    `select task_id, outcome, hook_id, count(*)::int as rows from ledger where kind = 'fire' group by 1, 2, 3`,
  );
  const unlike = await query<Unlike>(connection, FIRES_AND_PAYLOADS);
  const problems = [
    ...unlike.map(({ cause, fires, payloads }) => `${cause}: ${fires} rows, and ${payloads} payloads kept`),
    ...judgeAnswers(sent),
    ...judgeTasks(sent, tasks),
    ...judgeLedger(tasks, ledger),
    ...(await judgeReading(sent, tasks, clients)),
  ];
  return { problems, tasks: tasks.length };
};

const query = async <R extends pg.QueryResultRow>(connection: Connection, sql: string): Promise<R[]> => {
  const client = new pg.Client(connection);
  await client.connect();
  try {
    return (await client.query<R>(sql)).rows;
  } finally {
    await client.end();
  }
};

const named = ({ payload, manner }: Sent): string => `the ${manner} trigger ${payload.mark}`;

const judgeAnswers = (sent: readonly Sent[]): string[] =>
  sent.flatMap((one) => {
    const { refused, manner, acknowledged, payload } = one;
    if (refused !== undefined) return [`${named(one)} was answered: ${refused}`];
    if (manner === 'patient' && acknowledged === undefined) return [`${named(one)} was never answered`];
    const isOther = acknowledged !== undefined && payload.taskId !== undefined && payload.taskId !== acknowledged;
    return isOther ? [`${named(one)} chose ${payload.taskId} and got ${acknowledged}`] : [];
  });

/**
 * Each task is what one trigger asked for; each acknowledged trigger has its task; no trigger has
 * two.
 */
const judgeTasks = (sent: readonly Sent[], tasks: readonly Task[]): string[] => {
  const problems: string[] = [];
  const definitions = new Map(tasks.map(({ task_id, definition }) => [task_id, JSON.parse(definition)]));
  const byMark = new Map<string, string[]>();
  for (const [taskId, { payload }] of definitions) {
    byMark.set(payload.said.mark, [...(byMark.get(payload.said.mark) ?? []), taskId]);
  }
  for (const one of sent) {
    const { payload, acknowledged, firstSeen } = one;
    const made = byMark.get(payload.mark) ?? [];
    byMark.delete(payload.mark);
    if (made.length > 1) problems.push(`${named(one)} made ${made.length} tasks: ${made.join(', ')}`);
    if (acknowledged !== undefined && made[0] !== acknowledged) {
      problems.push(`${named(one)} was acknowledged with ${acknowledged}, and its task is ${made[0] ?? 'not there'}`);
    }
    const [taskId] = made;
    if (taskId === undefined) continue;
    if (payload.taskId !== undefined && payload.taskId !== taskId) {
      problems.push(`${named(one)} chose ${payload.taskId} and made ${taskId}`);
    }
    const { payload: told, ...definition } = definitions.get(taskId);
    if (JSON.stringify(told.said) !== JSON.stringify(payload))
      problems.push(`${named(one)} has a task that says something else`);
    if (JSON.stringify(told.list) !== JSON.stringify(payload.list))
      problems.push(`${named(one)} has another list in its task`);
    if (told.taskId !== taskId || definition.taskGroupId !== taskId)
      problems.push(`the template of ${named(one)} knew another taskId`);
    if (firstSeen !== undefined && !sameJson(JSON.parse(firstSeen), definitions.get(taskId))) {
      problems.push(`the task of ${named(one)} changed after the acknowledgement`);
    }
  }
  for (const [mark, made] of byMark) problems.push(`nobody sent what made the tasks ${made.join(', ')} (${mark})`);
  return problems;
};

/** Each task has one row in the ledger, and each row a task. */
const judgeLedger = (tasks: readonly Task[], ledger: readonly Row[]): string[] => {
  const problems: string[] = [];
  const rowsOf = Map.groupBy(ledger, ({ task_id }) => task_id ?? '');
  for (const { task_id } of tasks) {
    const rows = rowsOf.get(task_id) ?? [];
    const count = rows.reduce((sum, row) => sum + row.rows, 0);
    if (count !== 1) problems.push(`the task ${task_id} has ${count} rows of kind "fire" in the ledger`);
    rowsOf.delete(task_id);
  }
  for (const [taskId, rows] of rowsOf)
    problems.push(`the ledger has ${rows[0]?.outcome} for ${taskId}, which is no task`);
  for (const { outcome, task_id } of ledger) {
    if (outcome !== 'created') problems.push(`the outcome of ${task_id} is ${outcome}`);
  }
  return problems;
};

const MOST_READ = 200;

/**
 * Through the API with the real client: the last fires are all there, and tasks read as they are
 * stored.
 */
const judgeReading = async (
  sent: readonly Sent[],
  tasks: readonly Task[],
  { hooks, queue }: Clients,
): Promise<string[]> => {
  const problems: string[] = [];
  const listed = new Map<string, number>();
  for (const hookId of HOOK_IDS) {
    let continuationToken: string | undefined;
    do {
      const page = await hooks.listLastFires(GROUP, hookId, {
        limit: 1000,
        ...(continuationToken && { continuationToken }),
      });
      for (const { taskId, result } of page.lastFires) {
        if (result === 'success') listed.set(taskId, (listed.get(taskId) ?? 0) + 1);
        else problems.push(`the last fires say ${result} of ${taskId}`);
      }
      ({ continuationToken } = page);
    } while (continuationToken);
  }
  for (const { task_id } of tasks) {
    if (listed.get(task_id) !== 1)
      problems.push(`${task_id} is ${listed.get(task_id) ?? 0} times among the last fires`);
  }
  if (listed.size !== tasks.length) problems.push(`${listed.size} last fires of ${tasks.length} tasks`);

  // A sample, spread over the whole run: reading each one takes longer than all the kills.
  const acknowledged = sent.filter((one) => one.acknowledged !== undefined);
  const step = Math.max(Math.ceil(acknowledged.length / MOST_READ), 1);
  for (let i = 0; i < acknowledged.length; i += step) {
    const one = acknowledged[i] as Sent;
    const task = await queue.task(one.acknowledged).catch((error: Error) => error.message);
    const said = task.payload?.said;
    if (JSON.stringify(said) !== JSON.stringify(one.payload))
      problems.push(`${named(one)} reads as ${JSON.stringify(said ?? task)}`);
  }
  return problems;
};

/** Whatever the order of keys. */
const sameJson = (left: unknown, right: unknown): boolean => sorted(left) === sorted(right);

const sorted = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
