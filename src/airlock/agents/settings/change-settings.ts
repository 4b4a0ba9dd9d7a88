// What an event makes of a ship's settings: desk → bucket → entry → value.
import { isObject, type JsonObject } from '../../vocabulary/json.ts';

export type Setting = string | number | boolean | null | readonly Setting[];
type Bucket = Readonly<Record<string, Setting>>;
type Desk = Readonly<Record<string, Bucket>>;
export type Settings = Readonly<Record<string, Desk>>;

/** Bytes of all settings of a ship. */
export const LARGEST_SETTINGS = 256 * 1024;
const LONGEST_KEY = 256;
const DEEPEST_VALUE = 5;

/** Throws a TypeError that says what is wrong. */
export const changeSettings = (settings: Settings, event: unknown): Settings => {
  const [[what = '', asked] = []] = isObject(event) ? Object.entries(event) : [];
  if (!isObject(asked)) throw new TypeError(WRONG);
  const desk = keyOf(asked, 'desk');
  const bucket = keyOf(asked, 'bucket-key');
  const buckets = own(settings, desk) ?? {};
  const entries = own(buckets, bucket) ?? {};
  const withBucket = (changed: Bucket | undefined) => put(settings, desk, put(buckets, bucket, changed));
  if (what === 'put-entry') return withBucket({ ...entries, [keyOf(asked, 'entry-key')]: settingOf(asked.value, 0) });
  if (what === 'del-entry') return withBucket(put(entries, keyOf(asked, 'entry-key'), undefined));
  if (what === 'put-bucket' && isObject(asked.bucket)) return withBucket(bucketOf(asked.bucket));
  if (what === 'del-bucket') return withBucket(undefined);
  throw new TypeError(WRONG);
};

const WRONG = 'An event of settings is put-entry, del-entry, put-bucket or del-bucket.';

/** `undefined` is removed, and so is what becomes empty by it. */
const put = <T extends object | Setting>(
  record: Readonly<Record<string, T>>,
  key: string,
  value: T | undefined,
): Readonly<Record<string, T>> => {
  const others = Object.entries(record).filter(([other]) => other !== key);
  return Object.fromEntries(value === undefined || isEmpty(value) ? others : [...others, [key, value]]);
};

const isEmpty = (value: object | Setting): boolean => isObject(value) && Object.keys(value).length === 0;

const own = <T>(record: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined;

const keyOf = (asked: JsonObject, field: string): string => {
  const key = asked[field];
  if (typeof key === 'string' && key.length <= LONGEST_KEY) return key;
  throw new TypeError(`${field} must be a text of at most ${LONGEST_KEY} characters.`);
};

const bucketOf = (bucket: JsonObject): Bucket =>
  Object.fromEntries(Object.entries(bucket).map(([key, value]) => [key, settingOf(value, 0)]));

const settingOf = (value: unknown, depth: number): Setting => {
  if (Array.isArray(value) && depth < DEEPEST_VALUE) return value.map((one) => settingOf(one, depth + 1));
  if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return value as Setting;
  throw new TypeError('A setting is a text, a number, true, false, null, or a list of them.');
};
