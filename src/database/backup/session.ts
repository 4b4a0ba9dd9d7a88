// A connection for a backup or a restore: one session that takes as long as it takes, and writes
// values in one form on every server.
import pg from 'pg';

/**
 * What each value looks like in a backup must not depend on how the server, the database or the
 * user is set.
 */
const SETTINGS = [
  "set client_encoding = 'UTF8'",
  "set timezone = 'UTC'",
  "set datestyle = 'ISO, YMD'",
  "set intervalstyle = 'postgres'",
  "set bytea_output = 'hex'",
  'set extra_float_digits = 1',
  'set client_min_messages = warning',
].join('; ');

/** Whatever ends what takes long, on those versions that have it. */
const NO_TIMEOUTS = `
  select set_config(name, '0', false) from pg_settings
  where name in ('statement_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout', 'lock_timeout')`;

export type Session = AsyncDisposable & { readonly client: pg.Client };

/** When `signal` aborts the connection is cut, and the server undoes what it was at. */
export const openSession = async (
  connection: pg.ClientConfig,
  applicationName: string,
  signal: AbortSignal,
): Promise<Session> => {
  const client = new pg.Client({ application_name: applicationName, keepAlive: true, ...connection });
  client.on('error', () => {}); // the statement that meets the broken connection reports it
  const cut = () => client.connection.stream.destroy();
  signal.addEventListener('abort', cut, { once: true });
  const end = async () => {
    signal.removeEventListener('abort', cut);
    await client.end().catch(() => {}); // one that is broken has ended
  };
  try {
    signal.throwIfAborted();
    await client.connect();
    await client.query(SETTINGS);
    await client.query(NO_TIMEOUTS);
  } catch (error) {
    await end();
    throw error;
  }
  return { client, [Symbol.asyncDispose]: end };
};

/** A name as SQL writes it. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
