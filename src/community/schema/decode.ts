// Checks a value against a schema of this folder and writes it in the exact form: ships with sig,
// ids with their dots.
//
// A validator of our own, because ours are unions of objects with one key: the error should be
// about the branch that the author meant. It compiles to closures, copies nothing that is already
// exact, and stops at the first problem.
import type { Static, TSchema } from 'typebox';
import { formatText } from './format.ts';
import type { Node } from './schema.ts';

export type Decoded<T> =
  | { readonly ok: true; readonly value: T; readonly ignored?: readonly Ignored[] }
  | { readonly ok: false; readonly pointer: string; readonly reason: string };

/** What was left out of a value that fits otherwise. */
export type Ignored = { readonly pointer: string; readonly reason: string };

/**
 * A function that checks and normalizes values of a schema. The value is returned as it is where
 * nothing had to change, else copied; never changed in place. `pointer` is a JSON pointer to what
 * is wrong. A key with undefined is no key. Of an object that should have one key of several, the
 * others are `ignored`: the first 100 are told.
 *
 * @example decoder(Effect)({dm: {}}) → {ok: false, pointer: '/dm/ship', reason: 'is missing'}
 */
export const decoder = <S extends TSchema>(schema: S): ((value: unknown) => Decoded<Static<S>>) => {
  const check = compile(schema as Node, new Map());
  return (value) => {
    const trail: Trail = { keys: [], reason: '', depth: 0, rewritten: 0, ignored: [] };
    const result = check(value, trail);
    if (result === MISFIT) return { ok: false, pointer: pointerOf(trail.keys), reason: trail.reason };
    const fits = { ok: true, value: result as Static<S> } as const;
    return trail.ignored.length === 0 ? fits : { ...fits, ignored: trail.ignored };
  };
};

type Trail = {
  /** They lead to what is checked now, and stay as they are at the first problem. */
  readonly keys: (string | number)[];
  reason: string;
  depth: number;
  /** How many were not in their exact form. */
  rewritten: number;
  readonly ignored: Ignored[];
};

type Check = (value: unknown, trail: Trail) => unknown;

const MISFIT: unique symbol = Symbol('misfit');

const MOST_IGNORED = 100;
/** A ship in a number takes 3 µs to write. */
const MOST_REWRITTEN = 10_000;
/** Characters of a key that nobody knows, in a pointer. */
const LONGEST_UNKNOWN = 100;

/** No honest story is nested deeper; a hostile one must not exhaust our stack. */
const DEEPEST = 200;

const misfit = (trail: Trail, reason: string): typeof MISFIT => {
  trail.reason = reason;
  return MISFIT;
};

/** What `check` answers for the value under a key. */
const within = (trail: Trail, key: string | number, check: Check, value: unknown): unknown => {
  trail.keys.push(key);
  const exact = check(value, trail);
  if (exact !== MISFIT) trail.keys.pop();
  return exact;
};

const escapeKey = (key: string | number): string => String(key).replaceAll('~', '~0').replaceAll('/', '~1');

const pointerOf = (keys: readonly (string | number)[]): string => keys.map((key) => `/${escapeKey(key)}`).join('');

const hasKey = (value: object, key: string): boolean =>
  Object.hasOwn(value, key) && (value as Record<string, unknown>)[key] !== undefined;

const noteIgnored = (trail: Trail, holder: Record<string, unknown>, taken: string): void => {
  for (const key of Object.keys(holder)) {
    if (trail.ignored.length >= MOST_IGNORED) return;
    if (key === taken || holder[key] === undefined) continue;
    const shown = key.length > LONGEST_UNKNOWN ? `${key.slice(0, LONGEST_UNKNOWN)}…` : key;
    trail.ignored.push({
      pointer: pointerOf([...trail.keys, shown]),
      reason: `was left out: one key says what this is, and ${taken} was taken`,
    });
  }
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const compile = (node: Node, named: Map<string, { check: Check | undefined }>): Check => {
  if (node.$ref !== undefined) return compileReference(node, named);
  if (node.format !== undefined) return formatted(node.format);
  if (node.anyOf !== undefined) return union(node, named);
  if (node.type === 'array') return list(compile(node.items ?? {}, named), node.maxItems);
  if (node.patternProperties !== undefined) return record(node, named);
  if (node.type === 'object') return object(node, named);
  if (node.type === undefined) return (value) => value;
  return primitive(node.type);
};

const compileReference = (node: Node, outer: Map<string, { check: Check | undefined }>): Check => {
  const name = node.$ref as string;
  const named = node.$defs === undefined ? outer : new Map(outer);
  for (const [key, definition] of Object.entries(node.$defs ?? {})) {
    const slot: { check: Check | undefined } = { check: undefined };
    named.set(key, slot);
    slot.check = compile(definition, named);
  }
  const slot = named.get(name);
  if (slot === undefined) throw new Error(`schema refers to ${name}, which is not defined`);
  return (value, trail) => {
    if (++trail.depth > DEEPEST) return misfit(trail, 'is nested too deeply');
    const result = (slot.check as Check)(value, trail);
    trail.depth--;
    return result;
  };
};

const primitive =
  (type: string): Check =>
  (value, trail) => {
    const found = value === null ? 'null' : typeof value;
    return found === type ? value : misfit(trail, `must be ${article(type)}, not ${describe(value)}`);
  };

const formatted = (format: string): Check => {
  const write = formatText(format);
  return (value, trail) => {
    const written = write(value);
    if (written === undefined) return misfit(trail, `must be ${write.what}, not ${describe(value)}`);
    return isOneTooMany(trail, value, written) ? misfit(trail, TOO_MANY_REWRITTEN) : written;
  };
};

const isOneTooMany = (trail: Trail, given: unknown, written: unknown): boolean =>
  given !== written && ++trail.rewritten > MOST_REWRITTEN;

const TOO_MANY_REWRITTEN = `must be in its exact form, as ${MOST_REWRITTEN} before it are not`;

const list =
  (item: Check, most = Number.POSITIVE_INFINITY): Check =>
  (value, trail) => {
    if (!Array.isArray(value)) return misfit(trail, `must be an array, not ${describe(value)}`);
    if (value.length > most) return misfit(trail, `must have at most ${most} items, not ${value.length}`);
    let copy: unknown[] | undefined;
    for (let index = 0; index < value.length; index++) {
      const exact = within(trail, index, item, value[index]);
      if (exact === MISFIT) return MISFIT;
      if (exact !== value[index]) {
        copy ??= value.slice();
        copy[index] = exact;
      }
    }
    return copy ?? value;
  };

const object = (node: Node, named: Map<string, { check: Check | undefined }>): Check => {
  const required = new Set(node.required);
  const fields = Object.entries(node.properties ?? {}).map(([key, field]) => ({
    key,
    check: compile(field, named),
    needed: required.has(key),
    // A field that can be anything can also be missing from what JSON brings: undefined does not
    // survive it.
    lenient: field.type === undefined && field.anyOf === undefined && field.$ref === undefined,
  }));
  return (value, trail) => {
    if (!isObject(value)) return misfit(trail, `must be an object, not ${describe(value)}`);
    if (Object.hasOwn(value, '__proto__')) return misfit(trail, 'must not have the key __proto__');
    let copy: Record<string, unknown> | undefined;
    for (const { key, check, needed, lenient } of fields) {
      if (!hasKey(value, key)) {
        if (!needed || lenient) continue;
        trail.keys.push(key);
        return misfit(trail, 'is missing');
      }
      const exact = within(trail, key, check, value[key]);
      if (exact === MISFIT) return MISFIT;
      if (exact !== value[key]) {
        copy ??= { ...value };
        copy[key] = exact;
      }
    }
    return copy ?? value;
  };
};

const record = (node: Node, named: Map<string, { check: Check | undefined }>): Check => {
  const check = compile(Object.values(node.patternProperties ?? {})[0] ?? {}, named);
  const writeKey = node.keyFormat === undefined ? undefined : formatText(node.keyFormat);
  return (value, trail) => {
    if (!isObject(value)) return misfit(trail, `must be an object, not ${describe(value)}`);
    const entries: [string, unknown][] = [];
    let changed = false;
    for (const key of Object.keys(value)) {
      if (value[key] === undefined) {
        changed = true;
        continue;
      }
      const exactKey = key === '__proto__' ? undefined : writeKey === undefined ? key : writeKey(key);
      if (exactKey === undefined) {
        trail.keys.push(key);
        return misfit(
          trail,
          key === '__proto__' ? 'is not allowed as a key' : `is no key here: must be ${writeKey?.what}`,
        );
      }
      if (isOneTooMany(trail, key, exactKey)) return misfit(trail, TOO_MANY_REWRITTEN);
      const exact = within(trail, key, check, value[key]);
      if (exact === MISFIT) return MISFIT;
      changed ||= exactKey !== key || exact !== value[key];
      entries.push([String(exactKey), exact]);
    }
    return changed ? Object.fromEntries(entries) : value;
  };
};

/**
 * Plain branches are tried in turn; of objects, the one whose key is there is the one that was
 * meant.
 */
const union = (node: Node, named: Map<string, { check: Check | undefined }>): Check => {
  const plain: Check[] = [];
  const keyed = new Map<string, Check>();
  for (const branch of node.anyOf ?? []) {
    const [[key, content] = [], ...others] = Object.entries(branch.properties ?? {});
    const isKeyed = branch.title === undefined && others.length === 0 && branch.required?.length === 1;
    if (isKeyed && key !== undefined && content !== undefined) keyed.set(key, compile(content, named));
    else plain.push(compile(branch, named));
  }
  const names = [...keyed.keys()];
  return (value, trail) => {
    if (keyed.size === 0 || !isObject(value)) return firstThatFits(plain, names, value, trail);
    const key = names.find((name) => hasKey(value, name));
    if (key === undefined) {
      if (node.open === true)
        return Object.hasOwn(value, '__proto__') ? misfit(trail, 'must not have the key __proto__') : value;
      return plain.length > 0
        ? firstThatFits(plain, names, value, trail)
        : misfit(trail, `must have one of the keys ${names.join(', ')}`);
    }
    const exact = within(trail, key, keyed.get(key) as Check, value[key]);
    if (exact === MISFIT) return MISFIT;
    if (Object.keys(value).length === 1) return exact === value[key] ? value : { [key]: exact };
    noteIgnored(trail, value, key);
    return { [key]: exact };
  };
};

const firstThatFits = (plain: readonly Check[], names: readonly string[], value: unknown, trail: Trail): unknown => {
  // The error that is told is of the last branch: in `null or X`, X says more.
  for (const check of plain) {
    const before = trail.keys.length;
    const ignored = trail.ignored.length;
    const exact = check(value, trail);
    if (exact !== MISFIT) return exact;
    trail.ignored.length = ignored;
    if (check !== plain.at(-1)) trail.keys.length = before;
  }
  if (names.length > 0) return misfit(trail, `must be an object with one of the keys ${names.join(', ')}`);
  return MISFIT;
};

const article = (type: string): string =>
  type === 'null'
    ? 'null'
    : type === 'boolean'
      ? 'true or false'
      : type === 'object'
        ? 'an object'
        : `a ${type === 'string' ? 'text' : type}`;

const describe = (value: unknown): string => {
  if (typeof value === 'string')
    return value.length > 40 ? `a text of ${value.length} characters` : JSON.stringify(value);
  if (Array.isArray(value)) return 'an array';
  if (value === null || typeof value !== 'object') return String(value);
  const keys = Object.keys(value);
  return keys.length === 0
    ? '{}'
    : `an object with ${keys
        .slice(0, 3)
        .map((key) => key.slice(0, 20))
        .join(', ')}`;
};
