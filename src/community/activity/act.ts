// What a ship does with its own activity: add, remove, read, make louder or quieter.

import { sameJson } from '../../core/json.ts';
import type { Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import { type ActIn, type Acting, type ActResult, DONE, refuse } from '../acting.ts';
import { recordChanges } from '../changes/record-changes.ts';
import { parseId } from '../schema/id.ts';
import type { ActionActivity, ActivitySource, IncomingEvent, ReadAction, VolumeMap } from '../types/activity.ts';
import { isKnownSource } from './known-source.ts';
import { messageOf, recordActivity } from './record.ts';
import { changeSource, floorOf, readSources } from './source-store.ts';
import { keyOf, sourceOf } from './sources.ts';
import { readSummary } from './summary.ts';
import { LEVELS, volumeKeyOf } from './volume.ts';

/** Read one by one, in a source, after the time until which all of it is read. */
const MOST_READ_ITEMS = 100;
const MOST_KINDS = 100;

export const actOnActivity: ActIn<ActionActivity> = async (tx, asked, acting) => {
  if ('add' in asked) {
    const [recorded] = await recordActivity(tx, [{ owner: acting.actor, event: asked.add }], acting.now);
    return recorded ? { kind: 'done', id: recorded.time } : refuse(`There is no ship ${acting.actor} here.`);
  }
  if ('del' in asked) return removeSource(tx, acting.actor, asked.del);
  if ('adjust' in asked) return adjust(tx, acting, asked.adjust);
  if ('read' in asked) return read(tx, acting, asked.read);
  return setLevel(tx, acting, asked['allow-notifications']);
};

const deleteEvents = statement(
  'activity.delete-events',
  `delete from activity_events e using activity_sources s
   where s.owner = any($1::text[]) and e.owner = s.owner and e.source = s.key and (s.key = $2 or $2 = any(s.parents))`,
);
const deleteSources = statement(
  'activity.delete-sources',
  'delete from activity_sources where owner = any($1::text[]) and (key = $2 or $2 = any(parents))',
);

/** For a source that is gone, and all below it: no posts are left that would show it. */
export const removeEverywhere = async (
  tx: Transaction,
  owners: readonly string[],
  source: ActivitySource,
): Promise<void> => {
  await tx.query(deleteEvents, [owners, keyOf(source)]);
  await tx.query(deleteSources, [owners, keyOf(source)]);
  await recordChanges(tx, [{ kind: 'activity-removed', owners, source }]);
};

/**
 * With all below it. Posts and replies stay where they are; the source shows again when something
 * new comes.
 */
export const removeSource = async (tx: Transaction, owner: string, source: ActivitySource): Promise<ActResult> => {
  if (!(await isKnownSource(tx, owner, source))) return unknownSource(source);
  const newest = (await readSummary(tx, owner)).get(keyOf(source))?.newest ?? '0';
  await removeEverywhere(tx, [owner], source);
  await changeSource(tx, owner, source, () => ({ removedUntil: BigInt(newest) }));
  return DONE;
};

const unknownSource = (source: ActivitySource) => refuse(`There is no activity in ${keyOf(source)}.`);

const deleteMessageEvents = statement(
  'activity.delete-message-events',
  `delete from activity_events where owner = any($1) and source = any($2) and ($3::text is null or message = $3)`,
);

/** What was deleted is not to be read any more: a message, or all of the sources. */
export const forgetMessage = async (
  tx: Transaction,
  owners: readonly string[],
  sources: readonly ActivitySource[],
  message?: string,
): Promise<void> => void (await tx.query(deleteMessageEvents, [owners, sources.map(keyOf), message ?? null]));

const adjust = async (
  tx: Transaction,
  { actor }: Acting,
  { source, volume }: { readonly source: ActivitySource; readonly volume: VolumeMap | null },
): Promise<ActResult> => {
  if (volume !== null && Object.keys(volume).length > MOST_KINDS) {
    return refuse(`A source has the volume of at most ${MOST_KINDS} kinds of events.`);
  }
  let kinds = 0;
  await changeSource(tx, actor, source, (known) => {
    const next = volume === null ? null : { ...known.volume, ...volume };
    kinds = Object.keys(next ?? {}).length;
    return kinds > MOST_KINDS ? {} : { volume: next };
  });
  if (kinds > MOST_KINDS) return refuse(`A source has the volume of at most ${MOST_KINDS} kinds of events.`);
  await recordChanges(tx, [{ kind: 'volume', owner: actor, source, volume }]);
  return DONE;
};

const read = async (
  tx: Transaction,
  { actor }: Acting,
  { source, action }: { readonly source: ActivitySource; readonly action: ReadAction },
): Promise<ActResult> => {
  if (!(await isKnownSource(tx, actor, source))) return unknownSource(source);
  if ('all' in action) {
    const { time, deep } = action.all;
    const until = BigInt(parseId(time ?? '') ?? (await readSummary(tx, actor)).get(keyOf(source))?.newest ?? 0);
    await changeSource(tx, actor, source, (known) => ({
      readUntil: later(known.readUntil, until),
      ...(deep && { deepUntil: later(known.deepUntil, until) }),
    }));
    await recordChanges(tx, [{ kind: 'activity-read', owner: actor, source, isDeep: deep === true }]);
    return DONE;
  }
  const item =
    'item' in action ? await itemOf(tx, actor, source, action.item) : await itemOfEvent(tx, actor, action.event);
  if (item === undefined) return refuse('There is no such event.');
  return readItem(tx, actor, 'item' in action ? source : sourceOf(action.event), item);
};

const later = (a: bigint, b: bigint): bigint => (a > b ? a : b);

const readItem = async (tx: Transaction, owner: string, source: ActivitySource, item: string): Promise<ActResult> => {
  const floor = floorOf(await readSources(tx, owner), source);
  let isFull = false;
  await changeSource(tx, owner, source, ({ readItems }) => {
    const left = readItems.filter((one) => BigInt(one) > floor);
    if (BigInt(item) <= floor || left.includes(item)) return {};
    isFull = left.length >= MOST_READ_ITEMS;
    return isFull ? {} : { readItems: [...left, item] };
  });
  if (isFull) {
    return refuse(`At most ${MOST_READ_ITEMS} events of a source are read one by one; read all until a time instead.`);
  }
  await recordChanges(tx, [{ kind: 'activity-read', owner, source, isDeep: false }]);
  return DONE;
};

/** An event has the time of its message and a fraction of a step. */
const findEvent = statement<{ time: string }>(
  'activity.find-event',
  `select time from activity_events where owner = $1 and source = $2 and time >= $3 and time < $3::numeric + 281474976710656
   order by time limit 1`,
);
const findByMessage = statement<{ time: string }>(
  'activity.find-by-message',
  'select time from activity_events where owner = $1 and source = $2 and message = $3 order by time desc limit 1',
);
const findOfKind = statement<{ time: string; event: IncomingEvent }>(
  'activity.find-of-kind',
  `select time, event from activity_events where owner = $1 and source = $2 and kind = $3 and message is null
   order by time desc limit 500`,
);

/** In channels and threads the id of a post or reply is its event, too. */
const itemOf = async (tx: Transaction, owner: string, source: ActivitySource, dotted: string) => {
  const item = String(parseId(dotted) ?? 0);
  const [found] = await tx.query(findEvent, [owner, keyOf(source), item]);
  return found?.time ?? ('channel' in source || 'thread' in source ? item : undefined);
};

const itemOfEvent = async (tx: Transaction, owner: string, event: IncomingEvent): Promise<string | undefined> => {
  const source = keyOf(sourceOf(event));
  const message = messageOf(event);
  if (message === undefined) {
    const rows = await tx.query(findOfKind, [owner, source, volumeKeyOf(event)]);
    return rows.find((row) => sameJson(row.event, event))?.time;
  }
  const [found] = await tx.query(findByMessage, [owner, source, message]);
  if (found) return found.time;
  const post = 'post' in event ? event.post : 'reply' in event ? event.reply : undefined;
  return post && String(parseId(post.key.time) ?? 0);
};

const updateLevel = statement<{ ship: string }>(
  'activity.set-level',
  'update ships set notifications = $2 where ship = $1 returning ship',
);

const setLevel = async (tx: Transaction, { actor }: Acting, level: string): Promise<ActResult> => {
  if (!LEVELS.some((known) => known === level))
    return refuse(`Notifications are ${LEVELS.join(', ')}, and not "${level}".`);
  const [row] = await tx.query(updateLevel, [actor, level]);
  if (!row) return refuse(`There is no ship ${actor} here.`);
  await recordChanges(tx, [{ kind: 'notifications', owner: actor, level }]);
  return DONE;
};
