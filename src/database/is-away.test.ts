import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { freshConnection } from '../../test/support/database.ts';
import { systemClock } from '../core/clock.ts';
import { silentLog } from '../core/log.ts';
import { openDatabase } from './connection.ts';
import { isDatabaseAway } from './is-away.ts';
import { statement } from './statement.ts';

const errorOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => assert.fail('it worked'),
    (error: unknown) => error,
  );
const open = (connection: object) =>
  openDatabase({ connection, address: 'here', poolSize: 2, clock: systemClock, log: silentLog });
const ask = statement('test.ask', 'select 1');

describe('a database is away', () => {
  it('when nothing listens on its port, and when there is no socket', async () => {
    await using noPort = open({ host: '127.0.0.1', port: 1, user: 'a', database: 'a' });
    assert.equal(isDatabaseAway(await errorOf(noPort.query(ask))), true);
    await using noSocket = open({ host: '/nowhere', user: 'a', database: 'a' });
    assert.equal(isDatabaseAway(await errorOf(noSocket.transaction((tx) => tx.query(ask)))), true);
  });

  it('when it ends the connection in the middle of a statement', async (t) => {
    await using database = open(await freshConnection(t));
    const killMe = statement('test.kill-me', 'select pg_terminate_backend(pg_backend_pid())');
    assert.equal(isDatabaseAway(await errorOf(database.query(killMe))), true);
  });

  it('not when it refuses a statement, and not when something else is missing', async (t) => {
    await using database = open(await freshConnection(t));
    assert.equal(isDatabaseAway(await errorOf(database.query(statement('test.wrong', 'select 1/0')))), false);
    assert.equal(isDatabaseAway(Object.assign(new Error('no file'), { code: 'ENOENT', syscall: 'open' })), false);
    assert.equal(isDatabaseAway(new TypeError('undefined is not a function')), false);
  });
});
