// A database as the bytes of a backup: all of it as it is at one moment, while servers go on using
// it.
import type pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { errorCode, OperatorError } from '../../core/errors.ts';
import { checkApplied, namesMadeBy } from '../migrate.ts';
import { type BackupTable, listApplied, listRelations, listSequences, listTables } from './catalogue.ts';
import { createFrameWriter, type FrameWriter, PIECE_BYTES, pack } from './frames.ts';
import type { BackupHeader } from './header.ts';
import { quoted } from './session.ts';

export type BackupOrder = {
  /** For messages: where the data are. */
  readonly address: string;
  readonly version: string;
  /** ISO 8601. */
  readonly made: string;
  /**
   * Answers the key that is to be in the file, if one is. Throws when it is not the one of this
   * fingerprint.
   */
  readonly keyFor: (fingerprint: string | null) => string | undefined;
  /** Tests bring migrations of their own. */
  readonly migrations?: string;
  /** Told when all is written. */
  readonly onDone: (what: BackupSummary) => void;
};

export type BackupSummary = {
  readonly header: BackupHeader;
  /** Table → how many rows; partitions each for themselves. */
  readonly rows: ReadonlyMap<string, number>;
};

const FINGERPRINT = `select value #>> '{}' as fingerprint from settings where name = 'encryption-key.fingerprint'`;
const UNDEFINED_TABLE = '42P01';
const LOCK_TRIES = 5;

/**
 * The bytes, as they are asked for. Holds one transaction open to the end, which keeps nobody from
 * reading or writing; only who changes tables themselves (a migration, a month of the ledger that
 * is dropped) waits. Throws HW_NOTHING_TO_BACK_UP, HW_SCHEMA_TOO_NEW.
 */
export async function* makeBackup(client: pg.Client, order: BackupOrder): AsyncGenerator<Buffer> {
  const ours = await namesInUse(client, order);
  await beginSnapshot(client, ours);
  const writer = createFrameWriter();
  const header = await headerOf(client, order, ours);
  yield writer.begin();
  yield writer.frame('H', Buffer.from(JSON.stringify(header)));
  const rows = new Map<string, number>();
  for (const table of header.tables) {
    yield writer.frame('T', Buffer.from(JSON.stringify(table.name)));
    rows.set(table.name, yield* copyOut(client, table, writer));
  }
  await client.query('commit');
  yield writer.end({ rows: Object.fromEntries(rows) });
  order.onDone({ header, rows });
}

/**
 * Tables are locked before the snapshot is taken: those that it knows are then there until the end.
 * One that is dropped between being listed and being locked (a month of the ledger) makes it begin
 * again.
 */
const beginSnapshot = async (client: pg.Client, ours: readonly string[]): Promise<void> => {
  for (let tried = 1; ; tried += 1) {
    const names = (await listRelations(client, ours)).map(quoted);
    await client.query('begin isolation level repeatable read, read only');
    try {
      if (names.length > 0) await client.query(`lock table only ${names.join(', only ')} in access share mode`);
      return;
    } catch (error) {
      await client.query('rollback');
      if (errorCode(error) !== UNDEFINED_TABLE || tried === LOCK_TRIES) throw error;
    }
  }
};

const namesInUse = async (client: pg.Client, order: BackupOrder): Promise<readonly string[]> =>
  namesMadeBy(await requireApplied(client, order), order.migrations);

const requireApplied = async (client: pg.Client, order: BackupOrder): Promise<readonly string[]> => {
  const applied = await listApplied(client);
  if (applied === null) throw new OperatorError('HW_NOTHING_TO_BACK_UP', { place: order.address });
  await checkApplied(applied, order.migrations);
  return applied;
};

const headerOf = async (client: pg.Client, order: BackupOrder, ours: readonly string[]): Promise<BackupHeader> => {
  const { version, made, keyFor } = order;
  const migrations = await requireApplied(client, order);
  const tables = await listTables(client, ours);
  const { rows: known } = await client.query<{ fingerprint: string }>(FINGERPRINT);
  const keyFingerprint = known[0]?.fingerprint ?? null;
  const encryptionKey = keyFor(keyFingerprint);
  const { rows: server } = await client.query<{ server_version: string }>('show server_version');
  return {
    version,
    made,
    postgres: server[0]?.server_version ?? '',
    migrations,
    keyFingerprint,
    ...(encryptionKey !== undefined && { encryptionKey }),
    tables,
    sequences: await listSequences(client, ours),
  };
};

/** Returns how many rows there were. */
async function* copyOut(
  client: pg.Client,
  { name, columns }: BackupTable,
  writer: FrameWriter,
): AsyncGenerator<Buffer, number> {
  const source = client.query(copyTo(`copy ${quoted(name)} (${columns.map(quoted).join(', ')}) to stdout`));
  let [pieces, bytes, rows]: [Buffer[], number, number] = [[], 0, 0];
  // The piece before is packed while the next one is read.
  let packing: Promise<Buffer> | undefined;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    pieces.push(chunk);
    bytes += chunk.length;
    rows += countRows(chunk);
    if (bytes < PIECE_BYTES) continue;
    if (packing) yield writer.frame('D', await packing);
    packing = pack(Buffer.concat(pieces));
    [pieces, bytes] = [[], 0];
  }
  if (packing) yield writer.frame('D', await packing);
  if (bytes > 0) yield writer.frame('D', await pack(Buffer.concat(pieces)));
  return rows;
}

/** In COPY's text a line feed ends a row, and stands nowhere else. */
export const countRows = (text: Buffer): number => {
  let count = 0;
  for (let at = text.indexOf(10); at >= 0; at = text.indexOf(10, at + 1)) count += 1;
  return count;
};
