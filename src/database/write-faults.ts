// A database that answers and takes no writes: its disk is full, or it is read-only. The first
// write that fails reports it; from then on small writes are tried until one succeeds.
import type { Clock } from '../core/clock.ts';
import { describeError, errorCode, OperatorError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { retry } from '../core/retry.ts';
import type { Queryable } from './database.ts';
import { statement } from './statement.ts';

export type WriteFaults = AsyncDisposable & {
  /** Answers the error to throw: an OperatorError with the original as its cause if it is such. */
  readonly report: (error: unknown) => unknown;
  /** Why nothing can be written now. */
  readonly current: () => OperatorError | undefined;
};

type Settings = {
  readonly address: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Runs in a transaction of its own. */
  readonly transaction: (work: (tx: Queryable) => Promise<void>) => Promise<void>;
};

const PROBE_PAUSES = { firstMs: 500, longestMs: 5_000 };

// Random, so that it is not compressed, and large enough to need new pages.
const probe = statement(
  'database.write-probe',
  `insert into settings (name, value)
   select 'write-probe', to_json(string_agg(gen_random_uuid()::text, '')) from generate_series(1, 20000)
   on conflict (name) do update set value = excluded.value`,
);
const removeProbe = statement('database.remove-write-probe', `delete from settings where name = 'write-probe'`);

export const createWriteFaults = ({ address, clock, log, transaction }: Settings): WriteFaults => {
  const ending = new AbortController();
  let current: OperatorError | undefined;
  let probing: Promise<void> | undefined;

  const probeUntilWritten = async () => {
    await clock.sleep(PROBE_PAUSES.firstMs, ending.signal);
    const write = () =>
      transaction(async (tx) => {
        await tx.query(probe);
        await tx.query(removeProbe);
      });
    await retry(write, {
      ...{ name: 'write probe', clock, log, signal: ending.signal, pauses: PROBE_PAUSES },
      isQuiet: true, // the fault was reported
    });
    current = undefined;
    if (!ending.signal.aborted) log.info({ database: address }, 'database writable again');
  };

  return {
    report: (error) => {
      const code = writeFaultOf(error);
      if (code === undefined) return error;
      const fault = new OperatorError(code, { address, reason: describeError(error) }, error);
      if (!current) {
        log.error({ err: error, code }, fault.message);
        current = fault;
        probing = probeUntilWritten();
      }
      return fault;
    },
    current: () => current,
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      await probing;
    },
  };
};

type WriteFaultCode = 'HW_DATABASE_FULL' | 'HW_DATABASE_READ_ONLY';

/** disk_full; read_only_sql_transaction. */
const SQLSTATES: Readonly<Record<string, WriteFaultCode>> = {
  53100: 'HW_DATABASE_FULL',
  25006: 'HW_DATABASE_READ_ONLY',
};
/** Where PostgreSQL has no code of its own for what the operating system answered. */
const NO_SPACE = /No space left on device|Disk quota exceeded/;
const READ_ONLY = /Read-only file system/;

const writeFaultOf = (error: unknown): WriteFaultCode | undefined => {
  const known = SQLSTATES[errorCode(error) ?? ''];
  if (known) return known;
  if (!(error instanceof Error) || error instanceof OperatorError) return undefined;
  if (NO_SPACE.test(error.message)) return 'HW_DATABASE_FULL';
  return READ_ONLY.test(error.message) ? 'HW_DATABASE_READ_ONLY' : undefined;
};
