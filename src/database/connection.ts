// The database as the house sees it, over a pool of pg connections and one more that listens.
import pg from 'pg';
import type { Clock } from '../core/clock.ts';
import { describeError, errorCode } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Database, Transaction } from './database.ts';
import { createListening } from './listening.ts';
import type { Statement } from './statement.ts';
import { boundValue, columnTypes } from './types.ts';
import { createWriteFaults } from './write-faults.ts';

export type ConnectionSettings = {
  readonly connection: pg.PoolConfig;
  /** For messages; holds no password. */
  readonly address: string;
  readonly poolSize: number;
  readonly clock: Clock;
  readonly log: Log;
};

const SESSION_SETTINGS = [
  "timezone = 'UTC'",
  "DateStyle = 'ISO'",
  'client_min_messages = warning',
  "statement_timeout = '30s'",
  // Every statement here finds its rows by a key. The planner sees tables such as `fires` nearly
  // empty whenever statistics are taken, and would then read all of them, dead rows included:
  // measured 4 × the CPU after a minute of load.
  'enable_seqscan = off',
]
  .map((setting) => `set ${setting};`)
  .join(' ');
const TRANSACTION_TRIES = 3;
const SERIALIZATION_FAILURE = '40001';
const DEADLOCK = '40P01';
const ABORTED = '25P02';

/** Connects lazily: whether the database is there and fit is prepare-database.ts's question. */
export const openDatabase = ({ connection, address, poolSize, clock, log }: ConnectionSettings): Database => {
  const config: pg.PoolConfig = {
    application_name: 'hookwright',
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    ...connection,
    types: columnTypes,
  };
  // Pipelined: a statement is sent without waiting for the answers to those before it.
  const pool = new pg.Pool({
    ...config,
    pipeline: true,
    max: poolSize,
    idleTimeoutMillis: 30_000,
    verify: setUpSession,
  });
  // pg reports here what breaks on connections that nobody uses at the moment; the pool drops them
  // by itself.
  let isEnding = false;
  pool.on('error', (error) => {
    // While we end, the embedded server may close connections that are about to close themselves.
    if (!isEnding) log.warn({ err: error }, 'idle database connection broken');
  });
  // The pool listens to a client only while it lies in the pool. A database that breaks off right
  // behind its answer to the first statement (its postmaster was killed) does so when nobody else
  // listens yet, and an error that nobody hears ends the process. Who uses the client next meets
  // the broken connection.
  pool.on('connect', (client) => {
    client.on('error', () => {});
  });
  const listening = createListening({ config, clock, log });
  const faults = createWriteFaults({
    ...{ address, clock, log },
    transaction: (work) => runTransaction(pool, work), // not reported again
  });

  const tryAgain = async <T>(work: () => Promise<T>): Promise<T> => {
    for (let tried = 1; ; tried += 1) {
      try {
        return await work();
      } catch (error) {
        const code = errorCode(error);
        if ((code !== SERIALIZATION_FAILURE && code !== DEADLOCK) || tried === TRANSACTION_TRIES)
          throw faults.report(error);
        log.debug({ code, tried }, 'transaction is tried again');
      }
    }
  };

  return {
    address,
    query: (statement, values) => tryAgain(() => run(pool, statement, values)),
    transaction: (work) => tryAgain(() => runTransaction(pool, work)),
    writeFault: faults.current,
    listen: listening.listen,
    use: () => ({ busy: pool.totalCount - pool.idleCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    [Symbol.asyncDispose]: async () => {
      isEnding = true;
      await faults[Symbol.asyncDispose]();
      await listening[Symbol.asyncDispose]();
      await pool.end();
    },
  };
};

/**
 * By SET and not at the start-up of the connection: poolers that lend a whole session refuse
 * options there.
 */
const setUpSession = (client: pg.PoolClient, done: (error?: Error) => void): void => {
  client.query(SESSION_SETTINGS).then(() => done(), done);
};

/** As `{ name, text, values }`, which pg would copy by its property descriptors: 1.3 µs. */
class NamedQuery extends pg.Query {
  declare readonly text: string;
  readonly name: string;

  constructor({ name, text }: Statement<unknown>, values: readonly unknown[]) {
    super(text, values.map(boundValue));
    this.name = name;
  }
}

const run = async <Row>(
  on: pg.Pool | pg.PoolClient,
  statement: Statement<Row>,
  values: readonly unknown[] = [],
): Promise<Row[]> => {
  const answer = Promise.withResolvers<pg.QueryResult<Row & pg.QueryResultRow>>();
  on.query<Row & pg.QueryResultRow>(new NamedQuery(statement, values), (error, result) =>
    error ? answer.reject(error) : answer.resolve(result),
  );
  try {
    return (await answer.promise).rows;
  } catch (error) {
    Error.captureStackTrace(error as Error); // who asked, and not who read the socket
    throw error;
  }
};

const runTransaction = async <T>(pool: pg.Pool, work: (tx: Transaction) => Promise<T>): Promise<T> => {
  const client = await pool.connect();
  let broken: Error | undefined;
  // Nobody else listens while the client is out of the pool, and an error that nobody hears ends
  // the process. The statement that meets the broken connection rejects by itself.
  const onError = (error: Error) => {
    broken = error;
  };
  client.on('error', onError);
  /** Of statements that were sent together, those behind the one that failed are only aborted. */
  let failed: unknown;
  let isOver = false;
  const ask = async <Row>(statement: Statement<Row>, values?: readonly unknown[]): Promise<Row[]> => {
    // Work side by side may go on when some of it has failed: the client is another's by then.
    if (isOver) throw new Error(`${statement.name}: the transaction is over`);
    try {
      return await run(client, statement, values);
    } catch (error) {
      if (errorCode(error) !== ABORTED) failed = error;
      throw error;
    }
  };
  /** What was sent, without what has succeeded. */
  const sent = new Set<Promise<unknown>>();
  const query: Transaction['query'] = (statement, values) => {
    const answer = ask(statement, values);
    sent.add(answer);
    const forget = () => sent.delete(answer);
    answer.then(forget, () => {}); // one that has failed fails the transaction
    return answer;
  };
  try {
    // It goes out with the first statement, and fails only with its connection.
    const begun = client.query('begin');
    begun.catch(() => {}); // awaited below
    const result = await work({ query });
    isOver = true;
    // Right behind what was sent. When some of that fails nothing is left to commit, and it is no
    // error to ask for it.
    await Promise.all([begun, ...sent, client.query('commit')]);
    return result;
  } catch (error) {
    isOver = true;
    await client.query('rollback').catch((rollbackError: unknown) => {
      // A connection that cannot roll back must not go back to the pool with its transaction open.
      broken ??= rollbackError instanceof Error ? rollbackError : new Error(describeError(rollbackError));
    });
    throw errorCode(error) === ABORTED ? (failed ?? error) : error;
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
};
