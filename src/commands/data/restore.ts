// `hookwright restore FILE`: all data from the file of a backup.
import {
  encryptionKeyFile,
  findEncryptionKey,
  keepEncryptionKey,
  parseEncryptionKey,
} from '../../core/encryption-key.ts';
import { describeError, OperatorError } from '../../core/errors.ts';
import { createSecretBox } from '../../core/secret-box.ts';
import { type Frame, readFrames } from '../../database/backup/frames.ts';
import { type BackupHeader, parseHeader } from '../../database/backup/header.ts';
import { describeRows, type RestoreSummary, restoreBackup } from '../../database/backup/restore-backup.ts';
import { openSession } from '../../database/backup/session.ts';
import type { Call, Run } from '../cli/command.ts';
import { EXIT_STATUS } from '../cli/exit-status.ts';
import { type BackupSource, findBackupFile } from './backup-file.ts';
import { endingSignal, openDataPlace, readDataConfig } from './data-place.ts';

export const restore: Run = async (call) => {
  const config = readDataConfig(call);
  const { dataFolder } = config;
  const signal = endingSignal();
  const source = await findBackupFile(call.argument('FILE'), call);
  // Looked through before anything is begun. Of a pipe that cannot be: there only the end decides,
  // before which nothing is committed.
  if (source.isFile) for await (const _frame of readFrames(source.open(), source.path));
  const frames = readFrames(source.open(), source.path);
  const header = parseHeader((await frames.next()).value as Frame | undefined, source.path);
  const keyToKeep = await keyOf(header, config.encryptionKey, dataFolder, source);

  await using place = await openDataPlace(config, { mayMake: true });
  const { address } = place;
  const keepKey = async () => {
    if (keyToKeep === undefined) return;
    const kept = await keepEncryptionKey(keyToKeep, dataFolder);
    if (!kept.key.equals(keyToKeep)) throw otherKey(source, kept.source);
  };
  let summary: RestoreSummary;
  try {
    await using session = await openSession(place.connection, 'hookwright restore', signal);
    summary = await restoreBackup(session.client, {
      ...{ header, frames, path: source.path, address, clock: call.clock },
      replace: call.has('replace'),
      beforeCommit: keepKey,
    });
  } catch (error) {
    if (!signal.aborted && error instanceof OperatorError) throw error;
    const reason = signal.aborted ? 'it was interrupted' : describeError(error);
    throw new OperatorError('HW_RESTORE_FAILED', { reason }, error);
  }
  say(call, header, summary, { address, path: source.path, keyFile: keyToKeep && encryptionKeyFile(dataFolder) });
  return EXIT_STATUS.done;
};

/**
 * The key that the data folder gets; undefined: it has it, or none is needed. Throws when there
 * would be no way to the secrets.
 */
const keyOf = async (
  { keyFingerprint, encryptionKey }: BackupHeader,
  given: string | undefined,
  dataFolder: string,
  source: BackupSource,
): Promise<Buffer | undefined> => {
  const found = await findEncryptionKey(given, dataFolder);
  if (keyFingerprint === null) return undefined;
  if (found !== undefined) {
    if (createSecretBox(found.key).fingerprint === keyFingerprint) return undefined;
    throw otherKey(source, found.source);
  }
  if (encryptionKey === undefined) {
    throw new OperatorError('HW_BACKUP_WITHOUT_KEY', { path: source.path, keyFile: encryptionKeyFile(dataFolder) });
  }
  const { key } = parseEncryptionKey(encryptionKey, source.path);
  if (createSecretBox(key).fingerprint === keyFingerprint) return key;
  throw otherKey(source, 'the backup itself');
};

const otherKey = ({ path }: BackupSource, source: string): OperatorError =>
  new OperatorError('HW_BACKUP_OTHER_KEY', { backup: path, source });

const say = (
  { output }: Call,
  { made, version, postgres }: BackupHeader,
  { restored, removed, migrated }: RestoreSummary,
  { address, path, keyFile }: { address: string; path: string; keyFile: string | undefined },
): void => {
  const count = [...restored.values()].reduce((sum, of) => sum + of, 0);
  const answer = {
    ...{ place: address, made, version, postgres, migrated, keyFile },
    restored: Object.fromEntries(restored),
    removed: Object.fromEntries(removed),
  };
  output.answer(answer, () =>
    [
      `Restored ${count} rows of ${restored.size} tables from ${path} into ${address}.`,
      `They are as they were at ${made}, in Hookwright ${version} on PostgreSQL ${postgres}.`,
      ...(removed.size > 0 ? [`Removed what was there: ${describeRows(removed)}.`] : []),
      ...(migrated.length > 0 ? [`Brought up to date: ${migrated.join(', ')}.`] : []),
      ...(keyFile === undefined ? [] : [`Wrote the encryption key to ${keyFile}.`]),
    ].join('\n'),
  );
};
