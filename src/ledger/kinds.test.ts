// A database that was in use before bindings stood in the ledger.
import assert from 'node:assert/strict';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freshConnection } from '../../test/support/database.ts';
import { administer } from '../../test/support/test-server.ts';
import { silentLog } from '../core/log.ts';
import { migrate } from '../database/migrate.ts';

const MIGRATIONS = fileURLToPath(new URL('../database/migrations', import.meta.url));

const insert = (kind: string, outcome: string) =>
  `insert into ledger (at, kind, outcome, hook_uid, hook_group_id, hook_id, arrived, attempts, request_id)
   values ('2026-11-20T12:00:00Z', '${kind}', ${outcome}, gen_random_uuid(), 'g', 'h', '2026-11-20T12:00:00Z', 0, 'r')`;

test('months of the ledger that were there before take the kinds of entries that came later, and keep theirs', async (t) => {
  const connection = await freshConnection(t);
  await administer(connection, 'drop schema public cascade', 'create schema public');
  const before = await mkdtemp(join(tmpdir(), 'hookwright-migrations-'));
  t.after(() => rm(before, { recursive: true }));
  for (const name of await readdir(MIGRATIONS)) {
    if (name < '0007') await cp(join(MIGRATIONS, name), join(before, name));
  }
  await migrate(connection, silentLog, before);
  await administer(
    connection,
    'create table ledger_2026_11 (like ledger including defaults including constraints)',
    `alter table ledger attach partition ledger_2026_11 for values from ('2026-11-01Z') to ('2026-12-01Z')`,
    insert('fire', "'created'"),
  );
  await assert.rejects(administer(connection, insert('binding', 'null')), /violates check constraint/);

  await migrate(connection, silentLog);
  await administer(connection, insert('binding', 'null'), insert('attempt', 'null'), insert('fire', "'rejected'"));
  await assert.rejects(administer(connection, insert('binding', "'created'")), /ledger_outcome_or_not/);
  await assert.rejects(administer(connection, insert('fire', 'null')), /ledger_outcome_or_not/);
});
