// The first frame of a backup: what it is, when it was made of what, and which tables are in it.

import { OperatorError } from '../../core/errors.ts';
import type { BackupSequence, BackupTable } from './catalogue.ts';
import { type Frame, parseJson } from './frames.ts';

export type BackupHeader = {
  /** Of the Hookwright that wrote it. */
  readonly version: string;
  /** ISO 8601. */
  readonly made: string;
  /** Of the PostgreSQL that the data come from; for people. */
  readonly postgres: string;
  /** Those that were applied, in order. */
  readonly migrations: readonly string[];
  /** Of the key under which the secrets in it are sealed; null: there are none yet. */
  readonly keyFingerprint: string | null;
  /** The key itself, in base64, where the operator wanted it there. */
  readonly encryptionKey?: string;
  readonly tables: readonly BackupTable[];
  readonly sequences: readonly BackupSequence[];
};

/** The last frame, beside the checksum. */
export type BackupEnd = { readonly rows: Readonly<Record<string, number>> };

/** Throws HW_BACKUP_DAMAGED when it is not what a backup begins with. */
export const parseHeader = (frame: Frame | undefined, path: string): BackupHeader => {
  const damaged = (reason: string) => new OperatorError('HW_BACKUP_DAMAGED', { path, reason });
  if (frame?.kind !== 'H') throw damaged('it does not begin with what it is');
  const header = parseJson(frame.content, path) as Partial<BackupHeader> | null;
  const isWhole =
    typeof header?.version === 'string' &&
    typeof header.made === 'string' &&
    isListOf(header.migrations, (name) => typeof name === 'string') &&
    (header.keyFingerprint === null || typeof header.keyFingerprint === 'string') &&
    (header.encryptionKey === undefined || typeof header.encryptionKey === 'string') &&
    isListOf(header.tables, isTable) &&
    isListOf(header.sequences, isSequence);
  if (!isWhole) throw damaged('it begins with something that is no header');
  return header as BackupHeader;
};

const isListOf = (value: unknown, is: (one: unknown) => boolean): boolean => Array.isArray(value) && value.every(is);

/** Bounds go into SQL as they are, so they are nothing but bounds. */
const BOUNDS = /^FOR VALUES FROM \('[\d :.+-]+'\) TO \('[\d :.+-]+'\)$/;

const isTable = (value: unknown): boolean => {
  const { name, columns, partition } = (value ?? {}) as Partial<BackupTable>;
  if (typeof name !== 'string' || !isListOf(columns, (column) => typeof column === 'string')) return false;
  return partition === undefined || (typeof partition.of === 'string' && BOUNDS.test(partition.bounds));
};

const isSequence = (value: unknown): boolean => {
  const { name, lastValue, isCalled } = (value ?? {}) as Partial<BackupSequence>;
  return typeof name === 'string' && /^-?\d+$/.test(lastValue ?? '') && typeof isCalled === 'boolean';
};
