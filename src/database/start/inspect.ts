// Is the database that DATABASE_URL names there, new enough, and ours for a whole session?
import pg from 'pg';
import { describeError, errorCode, OperatorError } from '../../core/errors.ts';

const OLDEST_VERSION_NUM = 150_000;
const PROBE_TIMEOUT_MS = 5_000;

/** Throws the OperatorError that says what to change, when this database cannot serve. */
export const inspectDatabase = async (connection: pg.ClientConfig, address: string): Promise<void> => {
  const first = await connect(connection, address);
  const second = await connect(connection, address).catch(async (error: unknown) => {
    await first.end();
    throw error;
  });
  try {
    await checkVersion(first, address);
    await checkForPooler(first, second, address);
  } finally {
    await Promise.all([first.end(), second.end()].map((ended) => ended.catch(() => {}))); // a probe that broke has ended
  }
};

const connect = async (connection: pg.ClientConfig, address: string): Promise<pg.Client> => {
  const client = new pg.Client({ connectionTimeoutMillis: PROBE_TIMEOUT_MS, ...connection });
  client.on('error', () => {}); // the query that meets the broken connection reports it
  try {
    await client.connect();
    return client;
  } catch (error) {
    // PgBouncer names itself by what it refuses.
    const reason = describeError(error);
    if (/unsupported startup parameter/i.test(reason)) {
      throw new OperatorError('HW_DATABASE_IS_POOLED', { address, evidence: `it says "${reason}"` }, error);
    }
    throw new OperatorError('HW_DATABASE_UNREACHABLE', { address, reason }, error);
  }
};

const checkVersion = async (client: pg.Client, address: string) => {
  const { rows } = await client.query<{ server_version: string }>('show server_version');
  const { rows: numbers } = await client.query<{ server_version_num: string }>('show server_version_num');
  if (Number(numbers[0]?.server_version_num) >= OLDEST_VERSION_NUM) return;
  throw new OperatorError('HW_DATABASE_TOO_OLD', { address, version: rows[0]?.server_version ?? 'of unknown version' });
};

/**
 * A transaction pooler lends a server process for one transaction. So while the second connection
 * keeps a transaction open, the first one meets another server process than before (or, where there
 * is only one, waits for ever).
 */
const checkForPooler = async (first: pg.Client, second: pg.Client, address: string) => {
  const pooled = (evidence: string) => new OperatorError('HW_DATABASE_IS_POOLED', { address, evidence });
  const before = await backendPid(first);
  await second.query('begin');
  if ((await backendPid(second)) === before) throw pooled('two connections share one server process');
  await first.query(`set statement_timeout = ${PROBE_TIMEOUT_MS}`);
  const after = await backendPid(first).catch((error: unknown) => {
    if (errorCode(error) === '57014') throw pooled('a second connection has to wait for the first');
    throw error;
  });
  if (after !== before) throw pooled('one connection changes its server process');
  await second.query('rollback');
};

const backendPid = async (client: pg.Client): Promise<number | undefined> =>
  (await client.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid;
