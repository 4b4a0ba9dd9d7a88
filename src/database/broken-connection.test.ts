import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { systemClock } from '../core/clock.ts';
import { silentLog } from '../core/log.ts';
import { openDatabase } from './connection.ts';
import { statement } from './statement.ts';

const ask = statement('test.ask', 'select 1');

/** A message of PostgreSQL's protocol: type, length with itself, body. */
const message = (type: string, body: Buffer): Buffer => {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(type), length, body]);
};
const AUTHENTICATED = message('R', Buffer.alloc(4));
const READY = message('Z', Buffer.from('I'));
const DONE = message('C', Buffer.from('SET\0'));
const FATAL = message(
  'E',
  Buffer.from('SFATAL\0VFATAL\0C57P02\0Mterminating connection due to unexpected postmaster exit\0\0'),
);

test('a database that breaks off right behind its answer ends no process: who asked is told, and can ask again', async (t) => {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.on('error', () => {}); // the other end may close first
    socket.once('data', () => {
      socket.write(Buffer.concat([AUTHENTICATED, READY]));
      socket.once('data', () => socket.end(Buffer.concat([DONE, READY, FATAL]))); // in one piece
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => new Promise((resolve) => server.close(resolve)));
  const { port } = server.address() as AddressInfo;
  const connection = { host: '127.0.0.1', port, user: 'u', database: 'd' };
  const settings = { connection, address: 'a test', poolSize: 2, clock: systemClock, log: silentLog };
  await using database = openDatabase(settings);
  for (let time = 1; time <= 3; time += 1) {
    await assert.rejects(database.query(ask));
    await assert.rejects(database.transaction((tx) => tx.query(ask)));
    assert.equal(connections, 2 * time, 'a connection that broke is not used again');
  }
});
