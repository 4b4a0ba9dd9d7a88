import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Cleanup, freshConnection } from '../../test/support/database.ts';
import { administer, type ServerConnection } from '../../test/support/test-server.ts';
import { eventually, lastFirst } from '../../test/support/wait.ts';
import { systemClock } from '../core/clock.ts';
import { createLog } from '../core/log.ts';
import { openDatabase } from './connection.ts';
import { whyUnavailable } from './is-away.ts';
import { statement } from './statement.ts';

const write = statement('test.write', `insert into settings (name, value) values ('x', '1') on conflict do nothing`);
const read = statement('test.read', 'select * from settings');

const open = async (t: Cleanup) => {
  const connection = await freshConnection(t);
  const entries: { level: number; msg: string; code?: string }[] = [];
  const destination = { write: (line: string) => entries.push(JSON.parse(line)) } as unknown as NodeJS.WritableStream;
  const log = createLog({ level: 'info', destination });
  const database = openDatabase({ connection, address: 'here', poolSize: 2, clock: systemClock, log });
  t.after(async () => database[Symbol.asyncDispose]());
  return { connection, database, entries };
};

/** PostgreSQL raises what it raises on such a disk, at each write. */
const failWritesWith = (sqlstate: string, message: string) => (connection: ServerConnection) =>
  administer(
    connection,
    `create function fail() returns trigger language plpgsql as $$ begin raise exception '${message}' using errcode = '${sqlstate}'; end $$`,
    'create trigger fail before insert on settings for each row execute function fail()',
  );
const allowWrites = (connection: ServerConnection) => administer(connection, 'drop function fail cascade');

const FAULTS = [
  { what: 'disk is full', code: 'HW_DATABASE_FULL', fail: failWritesWith('53100', 'could not extend file') },
  { what: 'disk quota is used up', code: 'HW_DATABASE_FULL', fail: failWritesWith('XX000', 'Disk quota exceeded') },
  {
    what: 'file system is read-only',
    code: 'HW_DATABASE_READ_ONLY',
    fail: failWritesWith('42501', 'Read-only file system'),
  },
  {
    what: 'server is read-only',
    code: 'HW_DATABASE_READ_ONLY',
    fail: failWritesWith('25006', 'cannot execute INSERT'),
  },
];

describe('a database', () => {
  for (const { what, code, fail } of FAULTS) {
    it(`whose ${what} says so once, and is writable again by itself`, async (context) => {
      const t = lastFirst(context);
      const { connection, database, entries } = await open(t);
      assert.equal(database.writeFault(), undefined);
      await fail(connection);
      await assert.rejects(database.query(write), { code });
      await assert.rejects(
        database.transaction((tx) => tx.query(write)),
        { code },
      );
      await database.query(read);
      assert.equal(database.writeFault()?.code, code);
      assert.match(whyUnavailable(database.writeFault()) ?? '', new RegExp(code));
      assert.deepEqual(
        entries.map((entry) => entry.code),
        [code],
      );
      await allowWrites(connection);
      await eventually('it is writable again', () => database.writeFault() === undefined);
      await database.query(write);
      assert.deepEqual(entries.map(({ msg }) => msg).slice(1), ['database writable again']);
    });
  }

  it('is not blamed for an error of the statement', async (context) => {
    const { database, entries } = await open(lastFirst(context));
    await assert.rejects(database.query(statement('test.nonsense', 'select 1 / 0')), { code: '22012' });
    assert.equal(database.writeFault(), undefined);
    assert.deepEqual(entries, []);
  });

  it('ends while nothing can be written', async (context) => {
    const t = lastFirst(context);
    const { connection, database } = await open(t);
    await failWritesWith('53100', 'full')(connection);
    await assert.rejects(database.query(write));
  });
});
