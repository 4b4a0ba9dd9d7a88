// What is backed up comes back, row for row, into an empty database, into one that held something
// else, and from an older schema.
import assert from 'node:assert/strict';
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { silentLog } from '../../src/core/log.ts';
import type { BackupSummary } from '../../src/database/backup/make-backup.ts';
import { migrate } from '../../src/database/migrate.ts';
import { freshConnection } from '../support/database.ts';
import { administer, type ServerConnection } from '../support/test-server.ts';
import { fillAllTables } from './fill.ts';
import { ask, backUp, contentOf, emptyConnection, restoreInto } from './world.ts';

const MIGRATIONS = fileURLToPath(new URL('../../src/database/migrations', import.meta.url));

const addMonths = (connection: ServerConnection): Promise<void> =>
  administer(
    connection,
    `create table ledger_2024_02 partition of ledger for values from ('2024-02-01') to ('2024-03-01')`,
    `create table ledger_2026_10 partition of ledger for values from ('2026-10-01') to ('2026-11-01')`,
    `create table ledger_2026_11 partition of ledger for values from ('2026-11-01') to ('2026-12-01')`,
    `create table payloads_2026_10 partition of payloads for values from ('2026-10-01') to ('2026-11-01')`,
    `create table payloads_2026_11 partition of payloads for values from ('2026-11-01') to ('2026-12-01')`,
  );

const filled = async (t: TestContext, seed: number, count = 12): Promise<ServerConnection> => {
  const connection = await freshConnection(t);
  await addMonths(connection);
  await fillAllTables(connection, { seed, count });
  return connection;
};

const migrationsUpTo = async (t: TestContext, last: number, more: Record<string, string> = {}): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'hookwright-migrations-'));
  t.after(() => rm(folder, { recursive: true }));
  for (const name of await readdir(MIGRATIONS)) {
    if (Number(name.slice(0, 4)) <= last) await cp(join(MIGRATIONS, name), join(folder, name));
  }
  for (const [name, text] of Object.entries(more)) await writeFile(join(folder, name), text);
  return folder;
};

const summaryOf = async (connection: ServerConnection): Promise<BackupSummary> => {
  let summary: BackupSummary | undefined;
  await backUp(connection, {
    onDone: (what) => {
      summary = what;
    },
  });
  return summary ?? assert.fail();
};

/** A line for each column, index and check; of a partitioned table as a whole. */
const shapeOf = async (connection: ServerConnection): Promise<string[]> => {
  const rows = await ask<{ line: string }>(
    connection,
    `select concat_ws(' ', table_name, column_name, data_type, column_default, is_nullable, is_identity) as line
     from information_schema.columns where table_schema = 'public' and table_name !~ '_\\d{4}_\\d\\d$'
     union all select indexdef from pg_indexes where schemaname = 'public' and tablename !~ '_\\d{4}_\\d\\d$'
     union all select concat_ws(' ', conrelid::regclass, pg_get_constraintdef(oid)) from pg_constraint
       where connamespace = 'public'::regnamespace and conrelid::regclass::text !~ '_\\d{4}_\\d\\d$' order by 1`,
  );
  return rows.map(({ line }) => line);
};

describe('a backup', () => {
  for (const seed of [1, 2, 3]) {
    it(`brings back every row of every table and every sequence, whatever is in them (seed ${seed})`, async (t) => {
      const source = await filled(t, seed);
      const target = await emptyConnection(t);
      const file = await backUp(source);
      await restoreInto(target, file);
      const [before, after] = [await contentOf(source), await contentOf(target)];
      for (const [name, rows] of Object.entries(before)) {
        assert.ok(rows.length > 0, `${name} was filled`);
        assert.deepEqual(after[name], rows, name);
      }
      assert.deepEqual(Object.keys(after), Object.keys(before));
      assert.deepEqual(await shapeOf(target), await shapeOf(source));
    });
  }

  it('of what was restored has the same rows once more', async (t) => {
    const source = await filled(t, 4);
    const [first, second] = [await emptyConnection(t), await emptyConnection(t)];
    await restoreInto(first, await backUp(source));
    await restoreInto(second, await backUp(first));
    assert.deepEqual(await contentOf(second), await contentOf(source));
  });

  it('holds what was there at one moment, whatever is written meanwhile', async (t) => {
    const source = await filled(t, 5, 3);
    const before = await contentOf(source);
    const file = await backUp(source, {}, () =>
      administer(source, 'delete from roles', 'delete from ledger', `insert into settings values ('new', '1')`),
    );
    const target = await emptyConnection(t);
    await restoreInto(target, file);
    assert.deepEqual(await contentOf(target), before);
  });

  it('leaves out unlogged tables, and what is another program’s', async (t) => {
    const source = await freshConnection(t);
    await administer(
      source,
      'create table of_others (id integer generated always as identity primary key)',
      'create sequence of_others_too',
      `insert into queue_waiters values ('a/b', '00000000-0000-4000-8000-000000000000', '2100-01-01')`,
    );
    const frames = (await backUp(source)).toString('latin1');
    assert.ok(frames.includes('"roles"') && !frames.includes('of_others') && !frames.includes('queue_waiters'));
  });

  it('knows every table and sequence that the migrations make', async (t) => {
    const source = await freshConnection(t);
    const { header } = await summaryOf(source);
    const rows = await ask<{ name: string }>(
      source,
      `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'S')
         and relpersistence = 'p' and relname !~ '^migrations' order by 1`,
    );
    assert.deepEqual(
      [...header.tables, ...header.sequences].map(({ name }) => name).toSorted(),
      rows.map(({ name }) => name).toSorted(),
    );
  });
});

describe('a restore', () => {
  it('goes on with the numbers of the sequences', async (t) => {
    const source = await freshConnection(t);
    await administer(source, `select nextval('tasks_pending_order') from generate_series(1, 41)`);
    const target = await emptyConnection(t);
    await restoreInto(target, await backUp(source));
    const [row] = await ask<{ next: string }>(target, `select nextval('tasks_pending_order') as next`);
    assert.equal(Number(row?.next), 42);
  });

  it('of an older schema restores it as it was, and brings it up to date', async (t) => {
    const source = await emptyConnection(t);
    await migrate(source, silentLog, await migrationsUpTo(t, 4));
    const at = '2026-11-01 12:00:00+00';
    const run = '[{"runId":0,"state":"pending"}]';
    const definition = `{"provisionerId":"a","workerType":"b","taskQueueId":"a/b","schedulerId":"-","taskGroupId":"g","dependencies":[],"requires":"all-completed","priority":"lowest"}`;
    await administer(
      source,
      `insert into tasks (task_id, definition, retries_left, runs, created, deadline, expires) values ('t', '${definition}', 5, '${run}', '${at}', '${at}', '${at}')`,
      `insert into roles values ('r', '{a,b}', 'd', '${at}', '${at}')`,
    );
    const target = await emptyConnection(t);
    const { migrated } = await restoreInto(target, await backUp(source));
    assert.ok(migrated[0]?.startsWith('0005'), `${migrated}`);
    const [task] = await ask(target, 'select task_queue_id, task_group_id, priority from tasks');
    assert.deepEqual(task, { task_queue_id: 'a/b', task_group_id: 'g', priority: 6 });
    assert.deepEqual(await ask(target, 'select role_id, scopes from roles'), [{ role_id: 'r', scopes: ['a', 'b'] }]);
    assert.deepEqual(await shapeOf(target), await shapeOf(await freshConnection(t)));
    await migrate(target, silentLog); // and nothing is left to do
  });

  it('keeps to the order in which tables refer to each other', async (t) => {
    const more = {
      '0900_more.sql': `-- Up Migration
        create table z_parent (id integer primary key, above integer references z_parent);
        create table a_child (id integer primary key, parent integer not null references z_parent);
        -- Down Migration
        drop table a_child, z_parent;`,
    };
    const migrations = await migrationsUpTo(t, 899, more);
    const source = await emptyConnection(t);
    await migrate(source, silentLog, migrations);
    await administer(source, 'insert into z_parent values (1, null), (2, 1)', 'insert into a_child values (1, 2)');
    const target = await emptyConnection(t);
    await restoreInto(target, await backUp(source, { migrations }), { migrations });
    assert.deepEqual(await contentOf(target), await contentOf(source));
  });

  it('with the order to replace removes all that was there, and says what', async (t) => {
    const [source, target] = [await filled(t, 6), await filled(t, 7, 2)];
    await administer(target, 'create table of_others (n integer); insert into of_others values (1)');
    const { removed } = await restoreInto(target, await backUp(source), { replace: true });
    assert.equal(removed.get('hooks'), 2);
    assert.ok(!removed.has('of_others'));
    const after = await contentOf(target);
    assert.deepEqual(after.of_others, ['(1)']);
    delete after.of_others;
    assert.deepEqual(after, await contentOf(source));
    await administer(target, 'drop table of_others');
    assert.deepEqual(await shapeOf(target), await shapeOf(source));
  });

  it('lets anyone take up a queue whose reader is not there any more', async (t) => {
    const source = await freshConnection(t);
    await administer(
      source,
      `insert into broker_queues (queue, due, holder, changed) values
         ('held', '2100-01-01', '00000000-0000-4000-8000-000000000000', '9000000000000'), ('idle', null, null, '1'), ('postponed', '2026-11-01 00:00+00', null, '1')`,
    );
    const target = await emptyConnection(t);
    await restoreInto(target, await backUp(source));
    const rows = await ask(
      target,
      `select queue, holder, due < '2100-01-01' as due, changed < pg_snapshot_xmax(pg_current_snapshot()) as changed from broker_queues order by 1`,
    );
    assert.deepEqual(rows, [
      { queue: 'held', holder: null, due: true, changed: true },
      { queue: 'idle', holder: null, due: null, changed: true },
      { queue: 'postponed', holder: null, due: true, changed: true },
    ]);
  });
});
