// JSON as values: equality and a canonical text.
import { LARGE, nextTurn } from './clock.ts';

/** JSON with sorted keys: equal texts for equal values. */
export const canonicalJson = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0)))
      : inner,
  );

/** A deep copy of a JSON value. Unlike structuredClone it costs little for small values. */
export const copyJson = <T>(value: T): T => {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copyJson) as T;
  return mapValues(value as Record<string, unknown>, copyJson) as T;
};

/** The same keys with other values. A loop, which takes half as long as `Object.fromEntries`. */
export const mapValues = <V, W>(
  record: Readonly<Record<string, V>>,
  change: (value: V, key: string) => W,
): Record<string, W> => {
  const changed: Record<string, W> = {};
  for (const key of Object.keys(record)) {
    const value = change(record[key] as V, key);
    // Assigning to __proto__ would set the prototype; a payload may well have such a key.
    if (key === '__proto__') Object.defineProperty(changed, key, { value, ...PLAIN });
    else changed[key] = value;
  }
  return changed;
};

const PLAIN = { writable: true, enumerable: true, configurable: true };

/** Equal as JSON: the order of keys does not matter, the order of items does. */
export const sameJson = (left: unknown, right: unknown): boolean => {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Array.isArray(left) !== Array.isArray(right)) return false;
  const [keys, otherKeys] = [keysIn(left), keysIn(right)];
  return keys.length === otherKeys.length && keys.every((key) => Object.hasOwn(right, key) && sameAt(left, right, key));
};

/** JSON knows no undefined. */
const keysIn = (value: object): string[] =>
  Object.keys(value).filter((key) => (value as Record<string, unknown>)[key] !== undefined);

const sameAt = (left: object, right: object, key: string): boolean =>
  sameJson((left as Record<string, unknown>)[key], (right as Record<string, unknown>)[key]);

/**
 * The JSON of an array, for a statement; each large item, and each piece of a long text, is written
 * in a turn of its own. What is large comes in UTF-8: the driver would encode all of it in one
 * piece.
 */
export const stringifyInTurns = async (items: readonly unknown[]): Promise<string | Buffer> => {
  const whole = isSmall(items) ? JSON.stringify(items) : `[${(await textsInTurns(items)).join(',')}]`;
  return whole.length > LARGE ? encodeInTurns(whole) : whole;
};

const textsInTurns = async (items: readonly unknown[]): Promise<string[]> => {
  const texts: string[] = [];
  for (const item of items) {
    const text = hasLong(item) ? await stringifyLong(item) : JSON.stringify(item);
    texts.push(text);
    if (text.length > LARGE) await nextTurn();
  }
  return texts;
};

/** By the characters of its texts and keys, and of the shortest that other values can be. */
const isSmall = (value: object): boolean => {
  const toSee = [value];
  let size = 0;
  const see = (inner: unknown) => {
    size += typeof inner === 'string' ? inner.length : 1;
    if (typeof inner === 'object' && inner !== null) toSee.push(inner);
  };
  for (let seen = toSee.pop(); seen !== undefined && size <= LARGE; seen = toSee.pop()) {
    if (Array.isArray(seen)) {
      if (size + seen.length > LARGE) return false; // before they are looked at
      seen.forEach(see);
    } else {
      for (const key in seen) {
        size += key.length;
        if (size > LARGE) return false;
        see((seen as Record<string, unknown>)[key]);
      }
    }
  }
  return size <= LARGE;
};

/** The same of one value, in UTF-8. */
export const jsonBytesInTurns = async (value: unknown): Promise<Buffer> => {
  const text = hasLong(value) ? await stringifyLong(value) : JSON.stringify(value);
  return text.length > LARGE ? encodeInTurns(text) : Buffer.from(text);
};

/** Nearly nothing has; to find where they are takes as long as writing all of it. */
const hasLong = (value: unknown): boolean => {
  const toSee: object[] = [];
  const isLong = (one: unknown): boolean => {
    if (typeof one === 'object' && one !== null) toSee.push(one);
    return typeof one === 'string' && one.length > LONG_TEXT;
  };
  if (isLong(value)) return true;
  for (let seen = toSee.pop(); seen !== undefined; seen = toSee.pop()) {
    if (Array.isArray(seen)) {
      if (seen.some(isLong)) return true;
    } else {
      for (const key in seen) {
        if (key.length > LONG_TEXT || isLong((seen as Record<string, unknown>)[key])) return true;
      }
    }
  }
  return false;
};

/** Of what has long texts. 10 MB of escaped surrogates take 0.1 s in one piece. */
const stringifyLong = async (item: unknown): Promise<string> => {
  const around = new Set<unknown>();
  const findLong = (value: unknown): boolean => {
    let isFound = typeof value === 'string' && value.length > LONG_TEXT;
    if (typeof value === 'object' && value !== null) {
      for (const key in value) {
        if (key.length > LONG_TEXT || findLong((value as Record<string, unknown>)[key])) isFound = true;
      }
    }
    if (isFound) around.add(value);
    return isFound;
  };
  const write = async (value: unknown): Promise<string | undefined> => {
    if (typeof value === 'string') return quoteInTurns(value);
    if (typeof value !== 'object' || value === null || !around.has(value)) return JSON.stringify(value);
    const texts: string[] = [];
    for (const [key, inner] of Object.entries(value)) {
      const text = await write(inner);
      if (Array.isArray(value)) texts.push(text ?? 'null');
      else if (text !== undefined) texts.push(`${await quoteInTurns(key)}:${text}`);
    }
    return Array.isArray(value) ? `[${texts.join(',')}]` : `{${texts.join(',')}}`;
  };
  findLong(item);
  return (await write(item)) as string;
};

/** Characters. */
const LONG_TEXT = 256 * 1024;

const quoteInTurns = async (text: string): Promise<string> => {
  if (text.length <= LONG_TEXT) return JSON.stringify(text);
  let quoted = '"';
  for (let at = 0; at < text.length; at += LONG_TEXT) {
    quoted += JSON.stringify(text.slice(edgeAt(text, at), edgeAt(text, at + LONG_TEXT))).slice(1, -1);
    await nextTurn();
  }
  return `${quoted}"`;
};

/** UTF-8 of a well-formed text. */
const encodeInTurns = async (text: string): Promise<Buffer> => {
  const pieces: Buffer[] = [];
  for (let at = 0; at < text.length; at += MOST_AT_ONCE) {
    await nextTurn();
    pieces.push(Buffer.from(text.slice(edgeAt(text, at), edgeAt(text, at + MOST_AT_ONCE))));
  }
  await nextTurn();
  return Buffer.concat(pieces);
};

/** Characters, or bytes, that are turned into the other in one piece. */
export const MOST_AT_ONCE = 1024 * 1024;

/** Not within a character of two units. */
const edgeAt = (text: string, at: number): number => (at > 0 && /[\udc00-\udfff]/.test(text[at] ?? '') ? at + 1 : at);
