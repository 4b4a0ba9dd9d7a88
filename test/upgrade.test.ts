// While one process after another is replaced by a newer version, as docs/operations.md tells. The
// newer one is played by what it leaves in the database: a migration that this version does not
// know.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import pg from 'pg';
import { ECHO_SCOPES, echoHook, rootClients } from './support/client.ts';
import { type Cleanup, freshDatabaseUrl } from './support/database.ts';
import { newDataFolder, runProgram, serve } from './support/server.ts';
import { lastFirst } from './support/wait.ts';

const migrateFurther = async (t: Cleanup, connectionString: string): Promise<void> => {
  const client = new pg.Client({ connectionString });
  await client.connect();
  t.after(() => client.end());
  await client.query('begin');
  await client.query('alter table hooks add column of_the_future text');
  await client.query('alter table fires add column of_the_future integer');
  await client.query(`insert into migrations (name, run_on) values ('9999_of_the_future', '2026-01-01')`);
  await client.query('commit');
};

test('a server goes on when a newer version has migrated its database, and is not started on it again', async (context) => {
  const t = lastFirst({ after: (undo) => context.after(undo) });
  const DATABASE_URL = await freshDatabaseUrl(t);
  const env = { DATABASE_URL, HOOKWRIGHT_ENCRYPTION_KEY: randomBytes(32).toString('base64') };
  const server = await serve(t, await newDataFolder(t), { env });
  const { auth, hooks } = rootClients(server.credentials);
  await auth.createRole('hook-id:g/*', { description: '', scopes: ECHO_SCOPES });
  await hooks.createHook('g', 'before', echoHook());
  await hooks.triggerHook('g', 'before', {});

  await migrateFurther(t, DATABASE_URL);

  await hooks.triggerHook('g', 'before', { x: 1 });
  await hooks.createHook('g', 'after', echoHook());
  await hooks.updateHook('g', 'before', echoHook({ schedule: ['0 0 3 * * *'] }));
  await hooks.triggerHook('g', 'after', {});
  assert.equal((await hooks.listLastFires('g', 'before')).lastFires.length, 2);
  assert.equal((await hooks.listHooks('g')).hooks.length, 2);

  const next = runProgram(t, ['serve', '--port', '0', '--data', await newDataFolder(t)], { env });
  assert.deepEqual(await next.exit, [1, null]);
  assert.match(next.said(), /HW_SCHEMA_TOO_NEW/);
  await hooks.triggerHook('g', 'after', {});
});
