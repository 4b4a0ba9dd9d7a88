// Takes an event apart for its way into the sandbox, and puts what came back together.
//
// The large parts (the text of a post, its replies, the post that is replied to) travel as texts of
// their own. A script that does not look at one does not parse it, and what was not changed does
// not come back: most runs cost little more than the call. Only what a script may
// change is taken from what comes back.
import { type TSchema, Type } from 'typebox';
import { type Decoded, decoder } from '../../community/schema/decode.ts';
import { Ship, Text } from '../../community/schema/scalars.ts';
import { nullable } from '../../community/schema/schema.ts';
import type { Event } from '../../community/types/event.ts';
import { Essay, Memo, VPost, VReply } from '../../community/types/posts.ts';
import { isUnchanged } from '../engine/run-in-order.ts';
import type { GivenEvent, Verdict } from '../engine/worker-protocol.ts';
import type { EventHead } from '../guest/ops.ts';

/** An event ready for the sandbox. */
export type SplitEvent = {
  readonly event: Event;
  readonly given: GivenEvent;
  readonly kind: EventKind;
  readonly lazy: readonly Path[];
};

type Path = readonly string[];

type EventKind = {
  /** Keys from the root to what an answer may change. */
  readonly node: Path;
  /** Which keys of it; none listed: all of it; null: nothing at all. */
  readonly keys: readonly string[] | null;
  /** Large parts, from the root. */
  readonly large: readonly Path[];
  readonly check: (value: unknown) => Decoded<unknown>;
  /** What stays as it is, whatever the answer says. */
  readonly fixed: readonly Path[];
};

const changeable = (node: string, large: readonly string[], schema: TSchema, fixed = ''): EventKind => {
  const path = node.split('/');
  return {
    node: path,
    keys: [],
    large: large.map((part) => part.split('/')),
    check: decoder(schema),
    fixed: fixed === '' ? [] : [fixed.split('/')],
  };
};

const reaction = (node: string, large: readonly string[]): EventKind => ({
  node: node.split('/'),
  keys: ['ship', 'react'],
  large: large.map((part) => part.split('/')),
  check: decoder(Type.Object({ ship: Ship, react: nullable(Text) })),
  fixed: [],
});

const unchangeable = (node: string, large: readonly string[]): EventKind => ({
  node: node.split('/'),
  keys: null,
  large: large.map((part) => part.split('/')),
  check: (value) => ({ ok: true, value }),
  fixed: [],
});

const KINDS: Readonly<Record<string, EventKind>> = {
  'on-post/add': changeable('on-post/add', ['on-post/add/seal/replies', 'on-post/add/essay/content'], VPost, 'seal/id'),
  'on-post/edit': changeable('on-post/edit/essay', ['on-post/edit/original', 'on-post/edit/essay/content'], Essay),
  'on-post/del': unchangeable('on-post/del', ['on-post/del/seal/replies', 'on-post/del/essay/content']),
  'on-post/react': reaction('on-post/react', ['on-post/react/post']),
  'on-reply/add': changeable('on-reply/add/reply', ['on-reply/add/parent', 'on-reply/add/reply/content'], VReply, 'id'),
  'on-reply/edit': changeable(
    'on-reply/edit/memo',
    ['on-reply/edit/parent', 'on-reply/edit/original', 'on-reply/edit/memo/content'],
    Memo,
  ),
  'on-reply/del': unchangeable('on-reply/del', ['on-reply/del/parent', 'on-reply/del/original']),
  'on-reply/react': reaction('on-reply/react', ['on-reply/react/parent', 'on-reply/react/reply']),
  cron: unchangeable('cron', []),
  wake: unchangeable('wake', []),
};

/** `on-post/add`, …, `cron`, `wake`; undefined for what is no event. */
export const eventKindName = (event: unknown): string | undefined => {
  if (typeof event !== 'object' || event === null) return undefined;
  const trigger = firstKey(event);
  const inside = (event as Record<string, unknown>)[trigger];
  const name =
    trigger.startsWith('on-') && typeof inside === 'object' && inside !== null
      ? `${trigger}/${firstKey(inside)}`
      : trigger;
  return Object.hasOwn(KINDS, name) ? name : undefined;
};

/** A key with undefined is no key. */
const firstKey = (value: object): string =>
  Object.keys(value).find((key) => (value as Record<string, unknown>)[key] !== undefined) ?? '';

/**
 * Takes an event apart. Throws a TypeError for what is no event. With `tellsReturned` the script
 * also tells the whole event as it returned it.
 */
export const splitEvent = (event: Event, tellsReturned = false): SplitEvent => {
  const kind = KINDS[eventKindName(event) ?? ''];
  if (kind === undefined)
    throw new TypeError('this is no event: it must have one of the keys on-post, on-reply, cron, wake');
  const lazy = kind.large.filter((path) => isWorthwhile(valueAt(event, path)));
  const parts = lazy.map((path) => JSON.stringify(valueAt(event, path)) ?? 'null');
  let outside: unknown = event;
  for (const path of lazy) outside = withValue(outside, path, 0);
  const head: EventHead = { event: outside, lazy, node: kind.node, keys: kind.keys, tellsReturned };
  const skeleton = kind.keys === null ? '' : JSON.stringify(changeablePart(kind, outside));
  const isWhole = kind.keys?.length !== 0 || !lazy.some((path) => isInside(path, kind.node));
  return { event, given: { head: JSON.stringify(head), parts, skeleton, isWhole }, kind, lazy };
};

/**
 * What the event became, by a verdict that allowed it. The pointer of a problem begins at the
 * returned `event`.
 */
export const joinEvent = (
  pieces: SplitEvent,
  verdict: Exclude<Verdict, { kind: 'denied' | 'failed' }>,
): Decoded<Event> => {
  const { kind, event } = pieces;
  if (verdict.kind === 'same' || isUnchanged(pieces.given, verdict)) return { ok: true, value: event };
  const changed = verdict.kind === 'whole' ? parseGuestJson(verdict.json) : changedNode(pieces, verdict);
  const checked = kind.check(changed);
  const at = `/event/allowed/${kind.node.join('/')}`;
  if (!checked.ok) return { ok: false, pointer: at + checked.pointer, reason: checked.reason };
  let node = checked.value;
  const given = valueAt(event, kind.node);
  for (const path of kind.fixed) node = withValue(node, path, valueAt(given, path));
  if (kind.keys !== null && kind.keys.length > 0) node = { ...(given as object), ...(node as object) };
  const ignored = (checked.ignored ?? []).map(({ pointer, reason }) => ({ pointer: at + pointer, reason }));
  return { ok: true, value: withValue(event, kind.node, node) as Event, ignored };
};

/** An empty list or object is not worth a part of its own. */
const isWorthwhile = (value: unknown): boolean => {
  if (typeof value !== 'object' || value === null) return false;
  return Array.isArray(value) ? value.length > 0 : Object.keys(value).length > 0;
};

const changeablePart = (kind: EventKind, event: unknown): unknown => {
  const node = valueAt(event, kind.node);
  if (kind.keys === null || kind.keys.length === 0) return node;
  return Object.fromEntries(kind.keys.map((key) => [key, valueAt(node, [key]) ?? null]));
};

const isInside = (path: Path, node: Path): boolean =>
  path.length > node.length && node.every((key, index) => path[index] === key);

const changedNode = (pieces: SplitEvent, verdict: Verdict & { kind: 'pieces' }): unknown => {
  const { kind, lazy, event } = pieces;
  const { parts } = pieces.given;
  let node = parseGuestJson(verdict.skeleton);
  for (const [index, path] of lazy.entries()) {
    if (!isInside(path, kind.node)) continue;
    const json = verdict.parts.find(([part]) => part === index)?.[1];
    const value = json === undefined || json === parts[index] ? valueAt(event, path) : parseGuestJson(json);
    node = withValue(node, path.slice(kind.node.length), value);
  }
  return node;
};

const valueAt = (root: unknown, path: Path): unknown => {
  let value = root;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
};

/** A copy of `root` with another value at `path`; what is not on the path is shared. */
const withValue = (root: unknown, path: Path, value: unknown): unknown => {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (typeof root !== 'object' || root === null) return root;
  return { ...root, [key]: withValue((root as Record<string, unknown>)[key], rest, value) };
};

/**
 * Parses a text that the sandbox made. The key __proto__ never gets in: assigning it somewhere else
 * would change that object's prototype.
 */
export const parseGuestJson = (json: string): unknown => {
  const value: unknown = JSON.parse(json);
  // A key can also be written with escapes.
  if (json.includes('__proto__') || json.includes('\\u00')) removeProtoKeys(value);
  return value;
};

/** In place, and without recursion: the text may be large and deep, and this is the main thread. */
const removeProtoKeys = (root: unknown): void => {
  const open: unknown[] = [root];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== 'object' || value === null) continue;
    if (Array.isArray(value)) {
      for (const element of value) if (typeof element === 'object' && element !== null) open.push(element);
      continue;
    }
    if (Object.hasOwn(value, '__proto__')) Reflect.deleteProperty(value, '__proto__');
    for (const key of Object.keys(value)) {
      const inner = (value as Record<string, unknown>)[key];
      if (typeof inner === 'object' && inner !== null) open.push(inner);
    }
  }
};
