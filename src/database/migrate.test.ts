import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import pg from 'pg';
import { freshConnection } from '../../test/support/database.ts';
import { administer, type ServerConnection } from '../../test/support/test-server.ts';
import { silentLog } from '../core/log.ts';
import { migrate, migrateDown } from './migrate.ts';

/** A database with nothing in it. */
const emptyDatabase = async (t: TestContext): Promise<ServerConnection> => {
  const connection = await freshConnection(t);
  await administer(connection, 'drop schema public cascade', 'create schema public');
  return connection;
};

const folderOf = async (t: TestContext, files: Readonly<Record<string, string>>): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'hookwright-migrations-'));
  t.after(() => rm(folder, { recursive: true }));
  for (const [name, sql] of Object.entries(files)) await writeFile(join(folder, name), sql);
  return folder;
};

const ask = async <Row extends pg.QueryResultRow>(connection: ServerConnection, text: string): Promise<Row[]> => {
  const client = new pg.Client(connection);
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
};
const tablesOf = async (connection: ServerConnection): Promise<string[]> =>
  (
    await ask<{ name: string }>(
      connection,
      `select tablename as name from pg_tables where schemaname = 'public' order by 1`,
    )
  ).map(({ name }) => name);

const ONE = { '0001_one.sql': '-- Up Migration\ncreate table one (n integer);' };
const TWO = { ...ONE, '0002_two.sql': '-- Up Migration\nalter table one add m integer; create table two ();' };

describe('migrating', () => {
  it('makes an empty database ready, and does nothing the second time', async (t) => {
    const connection = await emptyDatabase(t);
    await migrate(connection, silentLog);
    const tables = await tablesOf(connection);
    for (const table of ['hooks', 'fires', 'ledger', 'timers', 'tasks', 'clients', 'roles', 'settings']) {
      assert.ok(tables.includes(table), table);
    }
    await migrate(connection, silentLog);
    assert.deepEqual(await tablesOf(connection), tables);
  });

  it('runs what is new, and what ran before is not run again', async (t) => {
    const connection = await emptyDatabase(t);
    await migrate(connection, silentLog, await folderOf(t, ONE));
    await administer(connection, 'insert into one values (1)');
    await migrate(connection, silentLog, await folderOf(t, TWO));
    assert.deepEqual(await ask(connection, 'select * from one'), [{ n: 1, m: null }]);
  });

  it('by several processes at once happens once', async (t) => {
    const connection = await emptyDatabase(t);
    const folder = await folderOf(t, TWO);
    await Promise.all(Array.from({ length: 5 }, () => migrate(connection, silentLog, folder)));
    assert.deepEqual(await tablesOf(connection), ['migrations', 'one', 'two']);
    assert.equal((await ask(connection, 'select * from migrations')).length, 2);
  });

  it('that fails is undone as a whole, and names the migration and the reason', async (t) => {
    const connection = await emptyDatabase(t);
    const bad = await folderOf(t, { ...TWO, '0003_bad.sql': '-- Up Migration\ncreate table three (); select 1/0;' });
    await assert.rejects(migrate(connection, silentLog, bad), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'HW_MIGRATION_FAILED');
      assert.match(error.message, /Migration "0003_bad" failed and was undone: .*division by zero/);
      return true;
    });
    assert.deepEqual(await tablesOf(connection), []);
    // And it does not keep anybody from trying again.
    await migrate(connection, silentLog, await folderOf(t, TWO));
    assert.deepEqual(await tablesOf(connection), ['migrations', 'one', 'two']);
  });

  it('goes on where an earlier version of Hookwright stopped, which ran its migrations with node-pg-migrate', async (t) => {
    const connection = await emptyDatabase(t);
    await administer(
      connection,
      'create table "public"."migrations" ( id SERIAL PRIMARY KEY, name varchar(255) NOT NULL, run_on timestamp NOT NULL)',
      'create table one (n integer)',
      'insert into one values (1)',
      `insert into "public"."migrations" (name, run_on) values ('0001_one', now())`,
    );
    await migrate(connection, silentLog, await folderOf(t, TWO));
    assert.deepEqual(await ask(connection, 'select * from one'), [{ n: 1, m: null }]);
    assert.deepEqual(await ask(connection, 'select id, name from migrations order by id'), [
      { id: 1, name: '0001_one' },
      { id: 2, name: '0002_two' },
    ]);
  });

  it('of an empty folder or of files that are no migrations changes nothing', async (t) => {
    const connection = await emptyDatabase(t);
    await migrate(connection, silentLog, await folderOf(t, { 'README.md': 'create table one ()' }));
    assert.deepEqual(await tablesOf(connection), []);
  });

  it('refuses a database that a newer version has migrated, and leaves it as it is', async (t) => {
    const connection = await emptyDatabase(t);
    await migrate(connection, silentLog, await folderOf(t, TWO));
    await assert.rejects(migrate(connection, silentLog, await folderOf(t, ONE)), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'HW_SCHEMA_TOO_NEW');
      assert.match(error.message, /"0002_two"/);
      return true;
    });
    assert.deepEqual(await tablesOf(connection), ['migrations', 'one', 'two']);
  });
});

describe('the way down', () => {
  const inTransaction = async (connection: ServerConnection, folder: string): Promise<void> => {
    const client = new pg.Client(connection);
    await client.connect();
    try {
      await client.query('begin');
      await migrateDown(client, folder);
      await client.query('commit');
    } finally {
      await client.end();
    }
  };

  it('undoes what was applied, the last migration first', async (t) => {
    const connection = await emptyDatabase(t);
    const folder = await folderOf(t, {
      '0001_one.sql': `${ONE['0001_one.sql']}\n-- Down Migration\ndrop table one;`,
      '0002_two.sql': '-- Up Migration\nalter table one add m integer;\n-- Down Migration\nalter table one drop m;',
    });
    await migrate(connection, silentLog, folder);
    await inTransaction(connection, folder);
    assert.deepEqual(await tablesOf(connection), ['migrations']);
    assert.deepEqual(await ask(connection, 'select * from migrations'), []);
    await migrate(connection, silentLog, folder);
    assert.deepEqual(await tablesOf(connection), ['migrations', 'one']);
  });

  it('that is missing is an error that names the migration, and undoes nothing', async (t) => {
    const connection = await emptyDatabase(t);
    const folder = await folderOf(t, ONE);
    await migrate(connection, silentLog, folder);
    await assert.rejects(inTransaction(connection, folder), {
      code: 'HW_MIGRATION_FAILED',
      message: /Migration "0001_one" failed and was undone: it has no way down/,
    });
    assert.deepEqual(await tablesOf(connection), ['migrations', 'one']);
  });
});
