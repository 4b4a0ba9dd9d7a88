// The months of the ledger and of the kept payloads: a partition each, made before it is needed and
// dropped when its retention is over.
import { toIso } from '../core/clock.ts';
import { errorCode } from '../core/errors.ts';
import type { Database, Queryable } from '../database/database.ts';
import { statement } from '../database/statement.ts';

export type Partitions = {
  /**
   * Makes sure that the months of these times have their partitions. Cached, but for the first
   * time. Who is in a transaction gives it, so that looking needs no second connection: all of the
   * pool's may be in such transactions.
   */
  readonly ensureMonths: (times: readonly number[], tx?: Queryable) => Promise<void>;
  /**
   * Runs `write`, which writes entries of these times. When it fails for want of a partition
   * (somebody dropped it), makes the partition and runs `write` once more.
   */
  readonly withMonths: <T>(times: readonly number[], write: () => Promise<T>) => Promise<T>;
  /**
   * For who writes in a transaction, which cannot go on after such a failure: has the next
   * `ensureMonths` look again.
   */
  readonly forgetIfMissing: (error: unknown, times: readonly number[]) => boolean;
  /** Drops the months that ended at `ms` or before; answers their tables' names. */
  readonly dropMonthsBefore: (ms: number) => Promise<string[]>;
};

/** What has a partition a month. */
export type Partitioned = 'ledger' | 'payloads';

/** Serializes the making of partitions among processes: an arbitrary number that only this uses. */
const LOCK_KEY = 4_665_776_503;

const lock = statement<unknown>('ledger.lock-partitions', `select pg_advisory_xact_lock(${LOCK_KEY})`);

const isAttached = statement<{ attached: boolean }>(
  'ledger.is-attached',
  `select exists (
     select from pg_inherits where inhparent = $2::text::regclass and inhrelid = to_regclass($1)
   ) as attached`,
);

type MonthRow = { readonly name: string; readonly attached: boolean; readonly detaching: boolean };

const listMonths = statement<MonthRow>(
  'ledger.months',
  `select c.relname as name, i.inhrelid is not null as attached, coalesce(i.inhdetachpending, false) as detaching
   from pg_class c left join pg_inherits i on i.inhrelid = c.oid and i.inhparent = $1::text::regclass
   where c.relnamespace = (select relnamespace from pg_class where oid = $1::text::regclass)
     and c.relkind = 'r' and c.relname ~ ('^' || $1::text || '_[0-9]{4}_[0-9]{2}$')
   order by c.relname`,
);

/** How often dropping looks whether anything is left. */
const MOST_PASSES = 10;

export const createPartitions = (database: Database, of: Partitioned): Partitions => {
  const known = new Map<string, Month>();
  const beingMade = new Map<string, Promise<void>>();

  const isThere = async (on: Queryable, { table }: Month) =>
    (await on.query(isAttached, [table, of]))[0]?.attached === true;

  const make = (month: Month) =>
    database.transaction(async (tx) => {
      await tx.query(lock);
      if (await isThere(tx, month)) return;
      // Made beside the ledger and then attached: unlike "create table … partition of", that stops
      // neither readers nor writers.
      await tx.query(createTable(month, of));
      await tx.query(attach(month, of));
    });

  const isKnown = (ms: number): boolean => {
    for (const { from, to } of known.values()) if (ms >= from && ms < to) return true;
    return false;
  };

  const ensureMonths: Partitions['ensureMonths'] = async (times, tx = database) => {
    for (const ms of times) {
      if (isKnown(ms)) continue;
      const month = monthOf(of, ms);
      if (!(await isThere(tx, month))) {
        const making = beingMade.get(month.table) ?? make(month).finally(() => beingMade.delete(month.table));
        beingMade.set(month.table, making);
        await making;
      }
      known.set(month.table, month);
    }
  };

  const forgetIfMissing: Partitions['forgetIfMissing'] = (error, times) => {
    if (!isMissingPartition(error)) return false;
    for (const ms of times) known.delete(monthOf(of, ms).table);
    return true;
  };

  const drop = async ({ name, attached, detaching }: MonthRow) => {
    known.delete(name);
    // Concurrently: a plain detach waits for all who read the ledger while all others wait for it.
    // One that was interrupted is "pending" and must be finalized; one that was detached and not
    // dropped is only dropped.
    if (detaching) await database.query(finishDetach(name, of));
    else if (attached) await database.query(detach(name, of));
    await database.query(dropTable(name));
  };

  return {
    ensureMonths,
    forgetIfMissing,
    withMonths: async (times, write) => {
      await ensureMonths(times);
      try {
        return await write();
      } catch (error) {
        if (!forgetIfMissing(error, times)) throw error;
        await ensureMonths(times);
        return write();
      }
    },
    dropMonthsBefore: async (ms) => {
      // The month that holds `ms` is still within retention, and so is every later one.
      const first = monthOf(of, ms).table;
      const dropped = new Set<string>();
      // Again, because two processes that drop the same month at once may each take the other's
      // failure for its success.
      for (let pass = 0; pass < MOST_PASSES; pass += 1) {
        const over = (await database.query(listMonths, [of])).filter(({ name }) => name < first);
        if (over.length === 0) break;
        for (const month of over) {
          dropped.add(month.name);
          await drop(month).catch((error: unknown) => {
            if (!isAnothersWork(error)) throw error;
          });
        }
      }
      return [...dropped];
    },
  };
};

/** `from` and `to`: milliseconds since the epoch; `to` is the next one's. */
type Month = { readonly table: string; readonly from: number; readonly to: number };

const monthOf = (of: Partitioned, ms: number): Month => {
  const date = new Date(ms);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  // Also guards what is put into SQL text below.
  if (!(year >= 1970 && year <= 9998)) throw new RangeError(`${of}: there is no month for the time ${ms}`);
  const table = `${of}_${year}_${String(month + 1).padStart(2, '0')}`;
  return { table, from: Date.UTC(year, month), to: Date.UTC(year, month + 1) };
};

// Names cannot be parameters, so these are made for a month each. A process meets few of them.
const createTable = ({ table }: Month, of: Partitioned) =>
  statement(
    `ledger.create.${table}`,
    `create table if not exists ${table} (like ${of} including defaults including constraints including storage)`,
  );
const attach = ({ table, from, to }: Month, of: Partitioned) =>
  statement(
    `ledger.attach.${table}`,
    `alter table ${of} attach partition ${table} for values from ('${toIso(from)}') to ('${toIso(to)}')`,
  );
const detach = (table: string, of: Partitioned) =>
  statement(`ledger.detach.${table}`, `alter table ${of} detach partition ${table} concurrently`);
const finishDetach = (table: string, of: Partitioned) =>
  statement(`ledger.finish-detach.${table}`, `alter table ${of} detach partition ${table} finalize`);
const dropTable = (table: string) => statement(`ledger.drop.${table}`, `drop table if exists ${table}`);

/** "no partition of relation found for row" is a check violation without a constraint. */
const isMissingPartition = (error: unknown): boolean =>
  errorCode(error) === '23514' && (error as { constraint?: string }).constraint === undefined;

/**
 * Undefined table; not in the state for that (already detached, or being detached); the victim of a
 * deadlock with somebody who does the same. The next pass sees what is left.
 */
const isAnothersWork = (error: unknown): boolean => ['42P01', '55000', '40P01'].includes(errorCode(error) ?? '');
