// Whether this process has the key under which the secrets of this database were sealed.
import { OperatorError } from '../../core/errors.ts';
import type { Database } from '../database.ts';
import { statement } from '../statement.ts';

const keepFingerprint = statement<{ value: string }>(
  'settings.keep-key-fingerprint',
  `insert into settings (name, value) values ('encryption-key.fingerprint', to_json($1::text))
   on conflict (name) do update set name = excluded.name
   returning value`,
);

const readFingerprint = statement<{ value: string }>(
  'settings.read-key-fingerprint',
  `select value from settings where name = 'encryption-key.fingerprint'`,
);

/**
 * The fingerprint of the key that this database was given first; undefined: none yet. Changes
 * nothing.
 */
export const knownFingerprint = async (database: Database): Promise<string | undefined> =>
  (await database.query(readFingerprint, []))[0]?.value;

/**
 * The first process decides; every later one must have the same key. Throws
 * HW_WRONG_ENCRYPTION_KEY.
 */
export const checkEncryptionKey = async (database: Database, fingerprint: string, source: string): Promise<void> => {
  const [row] = await database.query(keepFingerprint, [fingerprint]);
  if (row?.value !== fingerprint) throw new OperatorError('HW_WRONG_ENCRYPTION_KEY', { source });
};
