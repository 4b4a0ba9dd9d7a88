// The whole hooks API in this process, behind real HTTP: a database of its own, time and the queue
// in the hands of the test, and servers as if each were a process. Who calls is not its affair:
// everybody holds everything, or what the test says. (walk.test.ts has callers, with servers as
// users start them.)
import { hash } from 'node:crypto';
import { Writable } from 'node:stream';
import { normalForm, satisfies } from '../../../src/auth/scopes.ts';
import { createBrokerApi } from '../../../src/broker/api.ts';
import { createDatabaseBroker } from '../../../src/broker/in-database/database-broker.ts';
import { type Clock, systemClock } from '../../../src/core/clock.ts';
import { newUuid } from '../../../src/core/ids.ts';
import { createLog } from '../../../src/core/log.ts';
import { createMetrics, type Metrics } from '../../../src/core/metrics.ts';
import { createSecretBox } from '../../../src/core/secret-box.ts';
import type { Database, Transaction } from '../../../src/database/database.ts';
import { type Statement, statement } from '../../../src/database/statement.ts';
import { ApiError } from '../../../src/http/api-error.ts';
import { withCommonMethods } from '../../../src/http/common-methods.ts';
import { serveApis } from '../../../src/http/serve-api.ts';
import { createHttpServer } from '../../../src/http/server.ts';
import { createLedger } from '../../../src/ledger/create-ledger.ts';
import type { Mail } from '../../../src/mail/mailer.ts';
import type { Queue } from '../../../src/queue/queue.ts';
import { createTaskHooks } from '../../../src/task-hooks/task-hooks.ts';
import { createTimers } from '../../../src/timers/create-timers.ts';
import { clientsOf } from '../../support/client.ts';
import { type Cleanup, freshDatabase } from '../../support/database.ts';
import { type Reply, type RequestOptions, send } from '../../support/request.ts';
import { createFakeQueue, type FakeQueue } from './fake-queue.ts';

// biome-ignore lint/suspicious/noExplicitAny: the client package has no types, and rows are what the test says they are.
type Untyped = any;

export type ServerOptions = {
  readonly queue?: Queue;
  /** Called before each statement by its name; what it throws is the answer. */
  readonly onStatement?: (name: string) => void;
  /** Neither schedules nor messages nor fires of others are taken up. */
  readonly isIdle?: boolean;
  /** What every caller holds; everything unless given. */
  readonly scopes?: () => readonly string[];
};

export type Server = {
  readonly url: string;
  /** The unmodified client. */
  readonly hooks: Untyped;
  readonly send: (path: string, options?: RequestOptions) => Promise<Reply>;
  /** All that it logged, at every level. */
  readonly logged: () => string;
  readonly metrics: Metrics;
  /** Ends as a process does that is told to. */
  readonly stop: () => Promise<void>;
  /** From now on it is as good as dead: nothing of what it is about to do reaches the database. */
  readonly kill: () => void;
};

export type Message = { readonly exchange: string; readonly routingKey: string; readonly body: unknown };

export type World = {
  readonly clock: Clock;
  readonly database: Database;
  readonly queue: FakeQueue;
  /** Those whose transaction was committed, and others. */
  readonly mails: readonly Mail[];
  readonly start: (options?: ServerOptions) => Promise<Server>;
  readonly publish: (exchange: string, routingKey: string, ...bodies: readonly unknown[]) => Promise<void>;
  /**
   * What comes to a queue that is bound so, as it comes. While no server runs but idle ones: any
   * other would read it too.
   */
  readonly read: (exchange: string, routingKeyPattern: string) => Promise<readonly Message[]>;
  /** Asks the database. */
  readonly rows: (sql: string, values?: readonly unknown[]) => Promise<Untyped[]>;
};

const KEY = Buffer.alloc(32, 7);
const JSON_TYPE = { 'content-type': 'application/json' };

export const createWorld = async (t: Cleanup, options: { readonly clock?: Clock } = {}): Promise<World> => {
  const { clock = systemClock } = options;
  const running = new AsyncDisposableStack();
  t.after(() => running.disposeAsync()); // node:test runs such hooks in order, and servers stop before the database goes
  const database = await freshDatabase(t, { poolSize: 12 });
  const queue = createFakeQueue(clock);
  const mails: Mail[] = [];
  const outside = createDatabaseBroker({
    database,
    clock,
    log: createLog({ level: 'silent' }),
    metrics: createMetrics(),
  });

  return {
    clock,
    database,
    queue,
    mails,
    start: async (serverOptions = {}) => {
      const server = await startServer({ clock, database, queue, mails, ...serverOptions });
      running.defer(server.stop);
      return server;
    },
    publish: (exchange, routingKey, ...bodies) =>
      database.transaction((tx) =>
        outside.publish(
          tx,
          bodies.map((body) => ({ exchange, routingKey, body })),
        ),
      ),
    read: async (exchange, routingKeyPattern) => {
      const read: Message[] = [];
      outside.consume(async (deliveries) => {
        await database.transaction((tx) => outside.acknowledge(tx, deliveries));
        for (const { exchange, routingKey, body } of deliveries) {
          read.push({ exchange, routingKey, body: JSON.parse(body.toString()) });
        }
      });
      const queue = { id: newUuid(), name: 'outside' };
      await database.transaction((tx) => outside.setBindings(tx, queue, [{ exchange, routingKeyPattern }]));
      const ending = new AbortController();
      const run = outside.run(ending.signal);
      running.defer(async () => {
        ending.abort();
        await run;
      });
      return read;
    },
    rows: (sql, values) => database.query(statement<Untyped>(`test.${hash('md5', sql)}`, sql), values),
  };
};

type StartSettings = ServerOptions & {
  readonly clock: Clock;
  readonly database: Database;
  readonly queue: Queue;
  readonly mails: Mail[];
};

const startServer = async (settings: StartSettings): Promise<Server> => {
  const { clock, queue, mails, onStatement = () => {}, isIdle = false, scopes = () => ['*'] } = settings;
  let isDead = false;
  const database = observed(settings.database, (name) => {
    if (isDead) throw new Error('this process was killed');
    onStatement(name);
  });
  let logged = '';
  const destination = new Writable({
    write: (chunk, _encoding, done) => {
      logged += String(chunk);
      done();
    },
  });
  const log = createLog({ level: 'trace', destination });
  const metrics = createMetrics();
  const ledger = createLedger(database);
  const timers = createTimers({ database, clock, log, metrics });
  const broker = createDatabaseBroker({ database, clock, log, metrics });
  let url = '';
  const streaming = new AbortController();
  const taskHooks = createTaskHooks({
    ...{ database, ledger, timers, broker, queue, clock, log, metrics },
    secretBox: createSecretBox(KEY),
    enqueueMail: async (_tx, { mail }) => void mails.push(mail),
    deniedExchanges: ['exchange/taskcluster-queue/v1/task-created', 'exchange/taskcluster-hooks/.*'],
    rootUrl: () => url,
    ending: streaming.signal,
  });
  const checkHealth = async () => {
    await database.query(ask).catch(() => {
      throw new ApiError('ServiceUnavailable', 'the database does not answer');
    });
  };
  const http = createHttpServer({ clock, log, metrics, checkReadiness: checkHealth });
  const apis = [taskHooks.api, createBrokerApi({ tools: broker.tools, ending: new AbortController().signal })];
  serveApis(
    http,
    apis.map((api) => withCommonMethods(api, { clock, checkHealth })),
    {
      authenticate: async () => ({ clientId: 'tester', scopes: normalForm(scopes()) }),
      satisfies,
      forgive: () => {},
      rootUrl: () => url,
      ...{ clock, log, metrics },
    },
  );
  taskHooks.serve(http);
  await http.listen({ host: '127.0.0.1', port: 0 });
  const address = http.server.address();
  url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;

  const ending = new AbortController();
  const loops = isIdle ? [] : [timers.run(ending.signal), broker.run(ending.signal), taskHooks.run(ending.signal)];
  let stopped: Promise<void> | undefined;
  const stop = async () => {
    ending.abort();
    streaming.abort();
    try {
      await taskHooks[Symbol.asyncDispose]();
    } catch (error) {
      if (!isDead) throw error;
    }
    await http.close();
    await Promise.all(loops);
  };
  return {
    url,
    hooks: clientsOf(url, { clientId: 'tester', accessToken: 'none' }).hooks,
    send: (path, request = {}) => {
      const headers = { ...(request.body !== undefined && JSON_TYPE), ...request.headers };
      return send(url, path, { ...request, headers });
    },
    logged: () => logged,
    metrics,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
    kill: () => {
      isDead = true;
      ending.abort();
    },
  };
};

const ask = statement('test.is-there', 'select 1');

const observed = (database: Database, onStatement: (name: string) => void): Database => ({
  ...database,
  query: async (one, values) => {
    onStatement(one.name);
    return database.query(one, values);
  },
  transaction: (work) =>
    database.transaction(async (tx) => {
      const query: Transaction['query'] = async <Row>(one: Statement<Row>, values?: readonly unknown[]) => {
        onStatement(one.name);
        return tx.query(one, values);
      };
      const result = await work({ query });
      onStatement('commit');
      return result;
    }),
});
