// A database of its own for each test that wants one, cloned from a migrated template.
import { Socket } from 'node:net';
import pg from 'pg';
import { systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import { openDatabase } from '../../src/database/connection.ts';
import type { Database } from '../../src/database/database.ts';
import {
  connectionTo,
  newDatabaseName,
  type ServerConnection,
  startTestServer,
  TEST_SERVER_VARIABLE,
  type TestServer,
  untilItPasses,
} from './test-server.ts';

/**
 * Where to leave what is to be undone: the context of a test, or `{ after }` of node:test for the
 * whole file.
 */
export type Cleanup = { readonly after: (undo: () => Promise<void>) => void };

/**
 * An open, migrated, empty database. Closed and dropped after the test.
 *
 * @example test('…', async (t) => { const database = await freshDatabase(t); … });
 * @example const database = await freshDatabase({ after });   // one for the file, at its top
 */
export const freshDatabase = async (t: Cleanup, options: { poolSize?: number } = {}): Promise<Database> => {
  const { connection, undo } = await clone(t);
  const { poolSize = 4 } = options;
  const address = 'the test database';
  return undo.use(openDatabase({ connection, address, poolSize, clock: systemClock, log: silentLog }));
};

/** The same as something to hand to `pg`, for a test that opens connections itself. */
export const freshConnection = async (t: Cleanup): Promise<ServerConnection> => (await clone(t)).connection;

/** The same as a DATABASE_URL, for a test that starts a server as a process. */
export const freshDatabaseUrl = async (t: Cleanup): Promise<string> => {
  const connection = await freshConnection(t);
  if ('connectionString' in connection) return connection.connectionString;
  const { host, port, user, database } = connection;
  return `postgres:///${database}?${new URLSearchParams({ host, port: String(port), user })}`;
};

type Clone = { readonly connection: ServerConnection; readonly undo: AsyncDisposableStack };

/** Dropped after the test, whoever is connected to it still. */
const clone = async (t: Cleanup): Promise<Clone> => {
  const { connection, template, strategy } = await server();
  const name = newDatabaseName('clone');
  // One hook for all: node:test runs hooks in the order in which they were given, and closing comes
  // before dropping.
  const undo = new AsyncDisposableStack();
  t.after(() => undo.disposeAsync());
  undo.defer(() => administer(connection, `drop database if exists ${name} with (force)`));
  await administer(connection, `create database ${name} template ${template} ${strategy}`);
  return { connection: connectionTo(connection, name), undo };
};

type Administrator = { readonly client: pg.Client; readonly socket: Socket };

let administrator: Promise<Administrator> | undefined;
let underWay = 0;

/**
 * On one connection for all databases of this process: a new one costs as much as half a clone. It
 * keeps the process alive only while it is at work.
 */
const administer = async (connection: ServerConnection, text: string): Promise<void> => {
  administrator ??= connectOnce(connection);
  const { client, socket } = await administrator;
  underWay += 1;
  socket.ref();
  try {
    await untilItPasses(() => client.query(text));
  } finally {
    underWay -= 1;
    if (underWay === 0) socket.unref();
  }
};

const connectOnce = async (connection: ServerConnection): Promise<Administrator> => {
  const socket = new Socket();
  const client = new pg.Client({ ...connection, stream: () => socket });
  // The statement that meets the broken connection reports it; the next one has another.
  client.on('error', () => {});
  socket.once('close', () => {
    administrator = undefined;
  });
  await client.connect();
  return { client, socket };
};

let known: Promise<TestServer> | undefined;

/**
 * The server of the run, or one of this process when its file is run alone. That one stops when
 * this process has ended.
 */
const server = (): Promise<TestServer> => {
  const given = process.env[TEST_SERVER_VARIABLE];
  known ??= given ? Promise.resolve(JSON.parse(given) as TestServer) : startTestServer(process.env.DATABASE_URL);
  return known;
};
