import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import pg from 'pg';
import { readSchema } from '../../scripts/generating/schema-text.ts';
import { type Cleanup, freshConnection } from '../../test/support/database.ts';
import { lastFirst } from '../../test/support/wait.ts';

const connect = async (t: Cleanup): Promise<pg.Client> => {
  const client = new pg.Client(await freshConnection(t));
  await client.connect();
  t.after(() => client.end());
  return client;
};

test('schema.sql is the schema that the migrations make; otherwise: npm run schema', async (t) => {
  const client = await connect(lastFirst(t));
  assert.equal(readFileSync(new URL('./schema.sql', import.meta.url), 'utf8'), await readSchema(client));
});

test('a change of the schema shows in its text', async (t) => {
  const client = await connect(lastFirst(t));
  const before = await readSchema(client);
  const changes = [
    'alter table hooks add column further text',
    'alter table hooks alter column further type text collate "C"',
    "alter table hooks alter column further set default 'x'",
    'alter table hooks alter column further set not null',
    "alter table hooks add constraint further_or_not check (further <> '')",
    'create index hooks_further on hooks (further)',
    'alter table hooks set (fillfactor = 70)',
    'create sequence further_sequence cache 5',
    "create function further() returns int language sql as 'select 1'",
    'create view further_view as select 1 as one',
    'create unlogged table further_table (n integer generated always as identity)',
  ];
  let last = before;
  for (const change of changes) {
    await client.query(change);
    const next = await readSchema(client);
    assert.notEqual(next, last, change);
    last = next;
  }
});
