// Millions of entries of a year, written into the ledger past the server: months are filled first
// and attached then, so that their indexes are built at once.
import type pg from 'pg';

const HOOKS = 200;
const MONTHS = 11;

/** What a search can look for. */
export const FILLED = {
  hook: 'group-17/hook-17',
  /** Its entries are all a year old. */
  rareHook: 'rare/hook',
  client: 'client-3',
  taskId: 'task-of-the-bench-here',
  requestId: 'request-of-the-bench',
};

const HOOK_ROWS = `
  insert into hooks (hook_group_id, hook_id, uid, revision, definition, created, last_modified)
  select case when n < 0 then 'rare' else 'group-' || n end, case when n < 0 then 'hook' else 'hook-' || n end,
         md5('hook' || n)::uuid, 1, '{}', $1, $1
  from generate_series(-1, ${HOOKS - 1}) as n`;

/** Of 21: sixteen tasks, two that declined, one each that failed, was rejected, is a binding. */
const entries = (table: string) => `
  insert into ${table} (at, kind, outcome, hook_uid, hook_group_id, hook_id, cause, fired_by, task_id, arrived, attempts, client_id,
                        request_id, error, detail, hook_revision)
  select at, case when kind = 19 then 'binding' else 'fire' end,
         case when kind < 16 then 'created' when kind < 18 then 'declined' when kind = 18 then 'failed' when kind = 19 then null else 'rejected' end,
         md5('hook' || hook)::uuid, 'group-' || hook, 'hook-' || hook, id,
         case n % 3 when 0 then 'schedule' when 1 then 'triggerHook' else 'pulseMessage' end, id, at, 1,
         case when n % 3 = 1 then 'client-' || n % 20 end, md5('request' || n)::uuid::text,
         case when kind >= 16 then json_build_object('message', 'the payload of ' || n || ' does not fit: data/ref must be string') end,
         case when kind = 19 then json_build_object('exchange', 'exchange/e', 'state', 'active') end, 1
  from (select n, $1::timestamptz + ((n - $3)::float8 / $4) * ($2::timestamptz - $1::timestamptz) as at, n % 21 as kind, n % ${HOOKS} as hook,
               left(replace(replace(encode(decode(md5(n::text), 'hex'), 'base64'), '+', '-'), '/', '_'), 22) as id
        from generate_series($3::bigint, $3::bigint + $4::bigint - 1) as n) as made`;

const ODD_ONES = `
  insert into ledger (at, kind, outcome, hook_uid, hook_group_id, hook_id, cause, fired_by, task_id, arrived, attempts, request_id)
  select $1::timestamptz + n * interval '1 hour', 'fire', 'created', md5('hook-1')::uuid, 'rare', 'hook',
         case when n = 5 then '${FILLED.taskId}' else 'c' || n end, 'schedule', case when n = 5 then '${FILLED.taskId}' else 'none' end,
         $1, 1, '${FILLED.requestId}'
  from generate_series(1, 20) as n`;

const monthOf = (ms: number, back: number): Date => {
  const date = new Date(ms);
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - back));
};

/** In full months before this one; the server has made those since. */
export const fillLedger = async (client: pg.Client, rows: number, now: number): Promise<void> => {
  await client.query("set synchronous_commit = off; set maintenance_work_mem = '256MB'; set statement_timeout = 0");
  await client.query(HOOK_ROWS, [new Date(now)]);
  const each = Math.ceil(rows / MONTHS);
  for (let back = MONTHS; back > 0; back -= 1) {
    const [from, to] = [monthOf(now, back), monthOf(now, back - 1)];
    const table = `ledger_${from.getUTCFullYear()}_${String(from.getUTCMonth() + 1).padStart(2, '0')}`;
    await client.query(`create table ${table} (like ledger including defaults including constraints)`);
    // Without the last milliseconds, whose entries would be of the next month.
    await client.query(entries(table), [from, new Date(to.getTime() - 1_000), (MONTHS - back) * each, each]);
    await client.query(
      `alter table ledger attach partition ${table} for values from ('${from.toISOString()}') to ('${to.toISOString()}')`,
    );
  }
  await client.query(ODD_ONES, [monthOf(now, MONTHS)]);
  await client.query('vacuum analyze ledger');
};
