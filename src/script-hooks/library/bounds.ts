// What may be stored of a script hook. Everything here throws a Refusal, which says what is too
// large, or is no id.
import { readJammedText } from '../../community/schema/jammed-text.ts';
import { parseUv } from '../../community/schema/uv.ts';
import type { Meta } from '../../community/types/group.ts';
import { type Config, Refusal } from './actions.ts';

/** Bytes of all sources, configs, crons and orders: it is told as one answer. */
export const LARGEST_LIBRARY = 16 * 1024 * 1024;

const LONGEST_NAME = 200;
const LARGEST_META = 4096;
const LARGEST_CONFIG = 64 * 1024;
const MOST_ON_A_CHANNEL = 100;

export const checkName = (name: string): void => {
  if (name.length <= LONGEST_NAME && !/[\x00-\x1f\x7f]/.test(name)) return;
  throw new Refusal(`The name of a script hook has at most ${LONGEST_NAME} characters, all in one line`);
};

export const checkMeta = (meta: Meta): void => {
  if (!isLarger(meta, LARGEST_META)) return;
  throw new Refusal(`Title, description, image and cover have at most ${LARGEST_META} bytes together`);
};

export const checkSource = (src: string, most: number): void => {
  const size = Buffer.byteLength(src);
  if (size > most) throw new Refusal(`The source is ${size} bytes; ${most} are allowed`);
  if (src.includes('\0')) throw new Refusal('A source cannot hold the character U+0000');
};

export const checkOrder = (seq: readonly unknown[]): void => {
  if (seq.length <= MOST_ON_A_CHANNEL) return;
  throw new Refusal(`${seq.length} script hooks are too many for a channel: at most ${MOST_ON_A_CHANNEL} run on one`);
};

/** With texts in place of the jammed ones of the tlon command. */
export const checkConfig = (given: Config): Config => {
  if (isLarger(given, LARGEST_CONFIG)) throw new Refusal(`A config has at most ${LARGEST_CONFIG} bytes`);
  return Object.fromEntries(
    Object.entries(given).map(([key, value]) => [
      key,
      typeof value === 'string' ? (readJammedText(value) ?? value) : value,
    ]),
  );
};

/** Whether it has more bytes as JSON. Its texts are counted first: escapes of 1 MB take 60 ms. */
const isLarger = (value: object, bytes: number): boolean =>
  charactersUpTo(value, bytes) > bytes || Buffer.byteLength(JSON.stringify(value)) > bytes;

const charactersUpTo = (value: unknown, most: number): number => {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 1;
  let count = 0;
  for (const [key, inner] of Object.entries(value)) {
    count += key.length + charactersUpTo(inner, most - count);
    if (count > most) break;
  }
  return count;
};

/** The id of a script hook in digits, from any spelling. */
export const digitsOf = (asked: string | number): string => {
  const id = parseUv(asked);
  if (id === null) throw new Refusal(`${JSON.stringify(asked)} is no id of a script hook: it is written 0v…`);
  return String(id);
};
