// Many hooks at once, written into the database past the API: what is measured is what the server
// does with them.
import pg from 'pg';
import { databaseOf } from '../../test/support/server.ts';
import { call, type RunningServer } from './server.ts';

/** Of the server's embedded database; close it with `end`. */
export const connect = async ({ data }: Pick<RunningServer, 'data'>): Promise<pg.Client> => {
  const client = new pg.Client(await databaseOf(data));
  await client.connect();
  return client;
};

export type Crowd = {
  readonly count: number;
  /** Hooks are spread over so many groups, named `<name>-<n>`. */
  readonly groups: number;
  readonly name: string;
  /** ms; when they are due. */
  readonly due: number;
};

/** A template as people have them, for events without a payload. */
const TASK = {
  provisionerId: 'proj-bench',
  workerType: 'linux-medium',
  schedulerId: 'hooks-bench',
  priority: 'low',
  created: { $fromNow: '' },
  deadline: { $fromNow: '2 hours' },
  expires: { $fromNow: '30 days' },
  payload: {
    image: 'example/build:latest',
    command: ['/bin/bash', '-cx', 'build.sh --nightly'],
    env: { FIRED_BY: { $eval: 'firedBy' }, AT: '${now}' },
    maxRunTime: 3600,
  },
  metadata: {
    name: 'nightly ${taskId}',
    description: 'a scheduled task of the bench, as large as those that people have',
    owner: 'bench@example.com',
    source: 'https://example.com/bench',
  },
};

const definitionOf = (schedule: readonly string[]) => ({
  metadata: { name: 'bench', description: 'a scheduled hook', owner: 'bench@example.com', emailOnError: false },
  task: TASK,
  bindings: [],
  schedule,
  triggerSchema: { type: 'object', additionalProperties: false },
});

// The definition in the row names its hook, as one that came through the API does.
const INSERT = `
  with made as (
    insert into hooks (hook_group_id, hook_id, uid, revision, definition, created, last_modified)
    select $1 || '-' || (n % $2::int), 'hook-' || n, gen_random_uuid(), 1,
           replace(replace($3, '"@group"', to_json($1 || '-' || (n % $2::int))::text), '"@hook"', to_json('hook-' || n)::text)::json,
           $5::timestamptz, $5::timestamptz
    from generate_series(0, $4::int - 1) as n
    returning uid)
  insert into timers (kind, key, due, not_before, data) select 'hooks.schedule', uid::text, $5, $5, 'null' from made`;

/** They are due once a year after that. */
export const addHooks = async (client: pg.Client, crowd: Crowd): Promise<void> => {
  const { count, groups, name, due } = crowd;
  const definition = { hookGroupId: '@group', hookId: '@hook', ...definitionOf(['0 0 0 1 1 *']) };
  await client.query('begin');
  await client.query(INSERT, [name, groups, JSON.stringify(definition), count, new Date(due).toISOString()]);
  await client.query(`select pg_notify('timers', $1)`, [`hooks.schedule ${due}`]);
  await client.query('commit');
};

export const removeHooks = async (client: pg.Client, name: string): Promise<void> => {
  await client.query(
    `with gone as (delete from hooks where hook_group_id like $1 || '-%' returning uid)
     delete from timers using gone where kind = 'hooks.schedule' and key = gone.uid::text`,
    [name],
  );
};

/** A hook that is due each second, made as its user makes it. */
export const createTickingHook = (server: RunningServer, name: string): Promise<unknown> =>
  call(server, 'PUT', `/api/hooks/v1/hooks/bench/${name}`, definitionOf(['* * * * * *']));

export type Lateness = { readonly fires: number; readonly p50: number; readonly p99: number; readonly max: number };

/**
 * From the time at which fires of the schedule were due to the moment at which the queue began to
 * store their tasks, in ms. That is after the start of `createTask`, so a little too late rather
 * than too early.
 */
export const latenessOf = async (client: pg.Client, group: string, since: number): Promise<Lateness> => {
  const { rows } = await client.query<{ late: string }>(
    `select extract(epoch from (tasks.runs->0->>'scheduled')::timestamptz - ledger.arrived) * 1000 as late
     from ledger join tasks using (task_id)
     where fired_by = 'schedule' and kind = 'fire' and outcome = 'created' and hook_group_id like $1 and ledger.arrived >= $2
     order by late`,
    [group, new Date(since).toISOString()],
  );
  const late = rows.map((row) => Number(row.late));
  const at = (part: number) => late[Math.min(late.length - 1, Math.floor(late.length * part))] ?? Number.NaN;
  return { fires: late.length, p50: at(0.5), p99: at(0.99), max: at(1) };
};
