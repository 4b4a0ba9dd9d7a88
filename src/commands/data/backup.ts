// `hookwright backup FILE`: all data of a server in one file.
import { toIso } from '../../core/clock.ts';
import { encryptionKeyFile, findEncryptionKey } from '../../core/encryption-key.ts';
import { describeError, OperatorError } from '../../core/errors.ts';
import { createSecretBox } from '../../core/secret-box.ts';
import { type BackupOrder, type BackupSummary, makeBackup } from '../../database/backup/make-backup.ts';
import { openSession } from '../../database/backup/session.ts';
import { VERSION } from '../../version.ts';
import type { Call, Run } from '../cli/command.ts';
import { EXIT_STATUS } from '../cli/exit-status.ts';
import { nameOfBackup, PIPE, writeBackupFile } from './backup-file.ts';
import { endingSignal, openDataPlace, readDataConfig } from './data-place.ts';

type Key = { readonly text: string; readonly fingerprint: string; readonly source: string };

export const backup: Run = async (call) => {
  const file = call.argument('FILE');
  if (file === PIPE && 'isTTY' in call.stdout && call.stdout.isTTY === true) {
    throw new OperatorError('HW_BAD_OPTION', {
      problem: 'A backup is not for a terminal',
      cure: 'Name a file, or give - and a pipe',
    });
  }
  const config = readDataConfig(call);
  const signal = endingSignal();
  const withKey = call.has('with-key');
  const key = await findKey(config.encryptionKey, config.dataFolder);
  await using place = await openDataPlace(config, { mayMake: false });
  const { address } = place;
  let summary: BackupSummary | undefined;
  const order: BackupOrder = {
    ...{ address, version: VERSION, made: toIso(call.clock.now()) },
    keyFor: (fingerprint) =>
      withKey ? keyFor(fingerprint, key, address, encryptionKeyFile(config.dataFolder)) : undefined,
    onDone: (what) => {
      summary = what;
    },
  };
  const bytes = await write(call, file, place.connection, order, signal);
  if (summary === undefined) throw new Error('a backup ended without its end');
  say(call, { file, bytes, summary, key });
  return EXIT_STATUS.done;
};

const findKey = async (given: string | undefined, dataFolder: string): Promise<Key | undefined> => {
  const found = await findEncryptionKey(given, dataFolder);
  if (found === undefined) return undefined;
  const { key, source } = found;
  return { text: key.toString('base64'), fingerprint: createSecretBox(key).fingerprint, source };
};

const keyFor = (
  fingerprint: string | null,
  key: Key | undefined,
  address: string,
  keyFile: string,
): string | undefined => {
  if (fingerprint === null) return undefined; // nothing is sealed yet
  if (key === undefined) throw new OperatorError('HW_BACKUP_WITHOUT_KEY', { path: address, keyFile });
  if (key.fingerprint === fingerprint) return key.text;
  throw new OperatorError('HW_BACKUP_OTHER_KEY', { backup: address, source: key.source });
};

const write = async (
  call: Call,
  file: string,
  connection: Parameters<typeof openSession>[0],
  order: BackupOrder,
  signal: AbortSignal,
): Promise<number> => {
  try {
    await using session = await openSession(connection, 'hookwright backup', signal);
    return await writeBackupFile(file, makeBackup(session.client, order), call);
  } catch (error) {
    if (error instanceof OperatorError && !signal.aborted) throw error;
    const reason = signal.aborted ? 'it was interrupted' : describeError(error);
    throw new OperatorError('HW_BACKUP_NOT_WRITTEN', { path: nameOfBackup(file, 'standard output'), reason }, error);
  }
};

type Told = {
  readonly file: string;
  readonly bytes: number;
  readonly summary: BackupSummary;
  readonly key: Key | undefined;
};

/** On standard error when the backup itself is on standard output. */
const say = ({ output }: Call, { file, bytes, summary, key }: Told): void => {
  const { header, rows } = summary;
  const { made, version, postgres, migrations, keyFingerprint } = header;
  const count = [...rows.values()].reduce((sum, of) => sum + of, 0);
  const hasKey = header.encryptionKey !== undefined;
  const lines = [
    `Wrote ${file === PIPE ? 'a backup' : file}: ${bytes} bytes, ${count} rows of ${rows.size} tables as they were at ${made}.`,
    keyAdvice(keyFingerprint, hasKey, key),
  ];
  if (file === PIPE) {
    output.remark(lines.join('\n'));
    return;
  }
  const answer = {
    file,
    bytes,
    made,
    version,
    postgres,
    migrations,
    keyFingerprint,
    hasKey,
    rows: Object.fromEntries(rows),
  };
  output.answer(answer, () => lines.join('\n'));
};

const keyAdvice = (fingerprint: string | null, hasKey: boolean, key: Key | undefined): string => {
  if (fingerprint === null) return 'Nothing in it is encrypted.';
  if (hasKey)
    return 'The encryption key is in it: whoever reads the file can read every secret. Keep it as you keep the key.';
  const where = key?.fingerprint === fingerprint ? `from ${key.source}` : `of the servers that use this database`;
  return `Keep the encryption key ${where} too, in another place: without it this backup cannot be restored.`;
};
