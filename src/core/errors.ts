// Errors that an operator can meet. Each has a code, says what is wrong and what to do, and stands
// in docs/errors.md. What API callers meet is in http/api-error.ts.

/** code → message with {placeholders}. A test checks that docs/errors.md explains each one. */
export const OPERATOR_ERRORS = {
  HW_BAD_OPTION: '{problem}. {cure}',
  HW_UNKNOWN_COMMAND: 'There is no command "{command}". {cure}',
  HW_PORT_IN_USE:
    'Port {port} on {host} is already taken by another program. Stop that one, or choose another port: --port {other}',
  HW_CANNOT_LISTEN:
    'Cannot listen on {host}:{port}: {reason}. Choose an address of this machine with --host and a port with --port',
  HW_DATA_NOT_WRITABLE:
    'The data folder {folder} cannot be written: {reason}. Give it to this user, or choose another with --data',
  HW_DISK_FULL:
    'There is no space left for {folder}: {reason}. Free some, then start again; nothing that was acknowledged is lost',
  HW_NO_POSTGRES_BINARIES:
    'No embedded PostgreSQL exists for this platform ({platform}). Install PostgreSQL 15 or newer and set DATABASE_URL, for example DATABASE_URL=postgres://user@localhost/hookwright',
  HW_POSTGRES_DID_NOT_START: 'The embedded PostgreSQL did not start: {reason}. Its log is {log}',
  HW_DATABASE_MISSING:
    'The database was in {place}, as {file} says, and is not there any more. Bring it back or restore a backup; to begin with an empty one, delete {file}',
  HW_DATABASE_OUT_OF_REACH:
    'The database in {place} belongs to the user with uid {uid}, who may no longer enter {data}. Open that folder and those above it (chmod o+x), or move the data to where that user may go',
  HW_DATABASE_OF_OTHER_VERSION:
    'The database in {place} was made by PostgreSQL {found}, and this Hookwright carries {carried}. Make a backup with the Hookwright that made it, and restore it with this one into a new data folder',
  HW_DATABASE_DIED:
    'The embedded PostgreSQL (process {pid}) has ended, though nobody here ended it. Start Hookwright again: nothing that was acknowledged is lost. Its log is in the data folder',
  HW_DATABASE_UNREACHABLE:
    'The database at {address} cannot be reached: {reason}. Check DATABASE_URL and that PostgreSQL runs',
  HW_DATABASE_FULL:
    'The database at {address} has no disk space left: {reason}. Free some; Hookwright goes on by itself, and nothing that was acknowledged is lost',
  HW_DATABASE_READ_ONLY:
    'The database at {address} takes no writes: {reason}. Make it writable, or point DATABASE_URL at the primary server; Hookwright goes on by itself',
  HW_DATABASE_TOO_OLD:
    'The database at {address} is PostgreSQL {version}; Hookwright needs 15 or newer. Upgrade it, or unset DATABASE_URL to use the embedded one',
  HW_DATABASE_IS_POOLED:
    'The database at {address} sits behind a transaction pooler ({evidence}). LISTEN, prepared statements and advisory locks need a session: point DATABASE_URL at PostgreSQL itself, or at a pooler in session mode',
  HW_AMQP_UNREACHABLE:
    'RabbitMQ at {address} cannot be reached: {reason}. Check AMQP_URL and that RabbitMQ runs; it is tried again',
  HW_AMQP_REFUSED:
    'RabbitMQ at {address} refuses the user {user}: {reason}. Correct AMQP_URL, or what RabbitMQ knows of that user; it is tried again',
  HW_AMQP_LIBRARY:
    'The installed amqplib {version} does not work as Hookwright needs it: {problem}. Install the version that this release of Hookwright names (npm ci)',
  HW_SCHEMA_TOO_NEW:
    'The database was migrated by a newer Hookwright (it has migration "{migration}", which this version does not know). Run that version, or restore a backup made with this one',
  HW_MIGRATION_FAILED: 'Migration "{migration}" failed and was undone: {reason}',
  HW_WRONG_ENCRYPTION_KEY:
    'The secrets in this database were encrypted with another key than the one in {source}. Set HOOKWRIGHT_ENCRYPTION_KEY to that key, or use the data folder that has it',
  HW_BAD_ENCRYPTION_KEY:
    'The encryption key in {source} is not 32 bytes in base64. Make one with: openssl rand -base64 32',
  HW_NO_CREDENTIALS:
    'The credentials in {path} cannot be read: {reason}. Start the server first (hookwright serve), name its data folder with --data, log in with hookwright login, or set TASKCLUSTER_ROOT_URL, TASKCLUSTER_CLIENT_ID and TASKCLUSTER_ACCESS_TOKEN',
  HW_BAD_FILE: '{path} cannot be used: {reason}',
  HW_CREDENTIALS_OPEN:
    'The credentials in {path} could be read by others of this machine. Make the file yours alone: chmod 600 {path}; if somebody else may have read it, give the client a new token',
  HW_OUTPUT_LOST:
    'Standard output cannot be written: {reason}. What the command was to do may be done; look before you repeat it',
  HW_EDIT_CONFLICT:
    'The hook {hook} was changed by somebody else while you edited it, and is not overwritten. Look at it with hookwright hooks show, then decide',
  HW_NO_TERMINAL:
    'The editor "{editor}" needs a terminal, and there is none here. Without one: hookwright hooks show {hook} > hook.yaml, change the file, then hookwright hooks update {hook} hook.yaml',
  HW_EDITOR_FAILED: 'The editor "{editor}" failed: {reason}. Set VISUAL or EDITOR to one that runs here',
  HW_NOTHING_TO_BACK_UP:
    'There are no data of Hookwright in {place}. Say where they are with --data or --database-url, as you do for hookwright serve',
  HW_BACKUP_NOT_WRITTEN: 'The backup was not written to {path}: {reason}. Nothing of it was kept',
  HW_BACKUP_DAMAGED: '{path} is not a whole backup: {reason}. Nothing was restored; take another one',
  HW_BACKUP_TOO_NEW:
    'The backup {path} was made by a newer Hookwright: {reason}. Restore it with the version that made it, or a later one',
  HW_BACKUP_OTHER_KEY:
    'The secrets in {backup} are encrypted with another key than the one in {source}. Give the one that belongs to it with HOOKWRIGHT_ENCRYPTION_KEY or --encryption-key-file',
  HW_BACKUP_WITHOUT_KEY:
    'The secrets in {path} are encrypted, and their key is neither in it nor here. Put the key into {keyFile}, or give it with HOOKWRIGHT_ENCRYPTION_KEY or --encryption-key-file',
  HW_RESTORE_NOT_EMPTY:
    'There are data in {place} already ({what}). Restore into an empty database or a new data folder, or remove what is there with --replace',
  HW_DATABASE_IN_USE: 'The database in {place} is in use by {who}. End every server that uses it, then restore again',
  HW_RESTORE_FAILED: 'The restore failed and was undone: {reason}. The database is as it was before',
} as const;

export type OperatorErrorCode = keyof typeof OPERATOR_ERRORS;

/**
 * An error for the person who runs the server. `message` is complete; `code` leads to
 * docs/errors.md.
 */
export class OperatorError extends Error {
  override readonly name = 'OperatorError';
  readonly code: OperatorErrorCode;

  constructor(code: OperatorErrorCode, values: Readonly<Record<string, string | number>>, cause?: unknown) {
    super(fillIn(OPERATOR_ERRORS[code], values), cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

const fillIn = (template: string, values: Readonly<Record<string, string | number>>): string =>
  template.replace(/\{(\w+)\}/g, (whole, key: string) => (key in values ? String(values[key]) : whole));

/** The text of anything that was thrown, for a message or a log line. */
export const describeError = (error: unknown): string => {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(describeError).join('; ');
  return error instanceof Error ? error.message || error.name : String(error);
};

/** The same of an error of the file system, in words in place of `ENOENT: …, open '…'`. */
export const describeFileError = (error: unknown): string => {
  const code = errorCode(error) ?? '';
  return Object.hasOwn(FILE_ERRORS, code) ? (FILE_ERRORS[code] ?? '') : describeError(error);
};

const FILE_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is a file, not a folder',
  EACCES: 'this user may not open it',
  EPERM: 'this user may not do that with it',
  EEXIST: 'there is something else of that name',
  EROFS: 'its file system is read-only',
  ENOSPC: 'no space is left on the device',
  EDQUOT: 'no space is left for this user',
  ENAMETOOLONG: 'its name is too long',
  ENOTSUP: 'its file system takes nothing new there',
  ELOOP: 'its links lead in a circle',
  EMFILE: 'too many files are open',
  ERR_INVALID_ARG_VALUE: 'its name holds a character that no file can have',
};

/**
 * The code that Node and PostgreSQL put on their errors (`EADDRINUSE`, `23505`), if there is one.
 */
export const errorCode = (error: unknown): string | undefined =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
