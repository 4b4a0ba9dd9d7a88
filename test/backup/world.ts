// Backups between databases of a test, and databases filled with whatever their columns can hold.
import { Readable } from 'node:stream';
import pg from 'pg';
import { systemClock } from '../../src/core/clock.ts';
import { readFrames } from '../../src/database/backup/frames.ts';
import { parseHeader } from '../../src/database/backup/header.ts';
import { type BackupOrder, makeBackup } from '../../src/database/backup/make-backup.ts';
import { type RestoreOrder, type RestoreSummary, restoreBackup } from '../../src/database/backup/restore-backup.ts';
import { openSession, quoted } from '../../src/database/backup/session.ts';
import { type Cleanup, freshConnection } from '../support/database.ts';
import { administer, type ServerConnection } from '../support/test-server.ts';

const NEVER = new AbortController().signal;

/** A database with nothing in it. */
export const emptyConnection = async (t: Cleanup): Promise<ServerConnection> => {
  const connection = await freshConnection(t);
  await administer(connection, 'drop schema public cascade', 'create schema public');
  return connection;
};

/** `meanwhile` runs when the snapshot stands and no row is read yet. */
export const backUp = async (
  from: ServerConnection,
  order: Partial<BackupOrder> = {},
  meanwhile: () => Promise<void> = async () => {},
): Promise<Buffer> => {
  await using session = await openSession(from, 'test backup', NEVER);
  const whole: BackupOrder = {
    address: 'the source',
    version: '0.0.0-test',
    made: '2026-11-21T00:00:00.000Z',
    keyFor: () => undefined,
    onDone: () => {},
    ...order,
  };
  const pieces: Buffer[] = [];
  for await (const piece of makeBackup(session.client, whole)) {
    if (pieces.push(piece) === 1) await meanwhile();
  }
  return Buffer.concat(pieces);
};

/** In pieces, as they come from a disk. */
export const inPieces = (file: Buffer, bytes = 1000): Readable =>
  Readable.from(
    (function* () {
      for (let at = 0; at < file.length; at += bytes) yield file.subarray(at, at + bytes);
    })(),
  );

export const restoreInto = async (
  to: ServerConnection,
  file: Buffer,
  order: Partial<RestoreOrder> = {},
): Promise<RestoreSummary> => {
  const frames = readFrames(inPieces(file), 'the file');
  const header = parseHeader((await frames.next()).value ?? undefined, 'the file');
  await using session = await openSession(to, 'test restore', NEVER);
  return await restoreBackup(session.client, {
    ...{ header, frames, path: 'the file', address: 'the target', replace: false },
    ...{ beforeCommit: async () => {}, clock: systemClock },
    ...order,
  });
};

export const ask = async <Row extends pg.QueryResultRow>(
  connection: ServerConnection,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> => {
  const client = new pg.Client(connection);
  await client.connect();
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
};

/** What a restore puts right is not as it was. */
const PUT_RIGHT: Readonly<Record<string, readonly string[]>> = { broker_queues: ['due', 'holder', 'changed'] };

/**
 * Each table's rows as texts, and each sequence's next value; all that a backup promises to bring
 * back.
 */
export const contentOf = async (connection: ServerConnection): Promise<Record<string, readonly string[]>> => {
  const content: Record<string, readonly string[]> = {};
  for (const { name, columns } of await tablesOf(connection)) {
    const kept = columns.filter((column) => !PUT_RIGHT[name]?.includes(column)).map(quoted);
    const rows = await ask<{ row: string }>(
      connection,
      `select row(${kept.join(', ')})::text as row from ${quoted(name)} order by 1`,
    );
    content[name] = rows.map(({ row }) => row);
  }
  for (const { name } of await ask<{ name: string }>(
    connection,
    `select relname as name from pg_class where relkind = 'S' and relnamespace = 'public'::regnamespace
       and relname <> 'migrations_id_seq' order by 1`,
  )) {
    const rows = await ask<{ next: string }>(
      connection,
      `select (last_value, is_called)::text as next from ${quoted(name)}`,
    );
    content[name] = rows.map(({ next }) => next);
  }
  return content;
};

/** Every logged table that is not the one of migrations; a partitioned table as a whole. */
export const tablesOf = (connection: ServerConnection): Promise<{ name: string; columns: string[] }[]> =>
  ask(
    connection,
    `select c.relname as name, array(select attname::text from pg_attribute
       where attrelid = c.oid and attnum > 0 and not attisdropped order by attnum) as columns
     from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
       and c.relpersistence = 'p' and c.relname <> 'migrations' order by 1`,
  );
