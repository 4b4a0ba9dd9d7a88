// Writes down what ships are told: the event, how loud it was, and that its source has something
// new. Posts and replies of channels are not written; feed.ts and summary.ts find them.
import { randomInt } from 'node:crypto';
import type { Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import { recordChanges } from '../changes/record-changes.ts';
import { idFromMillis, STEP } from '../schema/id.ts';
import { readableJson } from '../schema/readable-json.ts';
import type { ActivitySource, IncomingEvent, VolumeMap } from '../types/activity.ts';
import { readLevels } from './levels.ts';
import { keyOf, sourceOf, wayUp } from './sources.ts';
import { notifies, volumeKeyOf, volumeOf } from './volume.ts';

export type NewActivity = {
  /** Who is told. */
  readonly owner: string;
  readonly event: IncomingEvent;
  /** In digits; absent: now. */
  readonly time?: string;
};

export type RecordedActivity = {
  readonly owner: string;
  /** In digits; different for all events of an owner. */
  readonly time: string;
  readonly source: ActivitySource;
  readonly event: IncomingEvent;
  /** Whether the owner wants to be told at once. */
  readonly wasNotified: boolean;
};

const BELOW_A_STEP = 2 ** 47;

const findVolumes = statement<{ owner: string; key: string; volume: VolumeMap }>(
  'activity.volumes-of',
  `select s.owner, s.key, s.volume from unnest($1::text[], $2::text[]) as w(owner, key)
   join activity_sources s using (owner, key) where s.volume is not null`,
);
const insertEvents = statement(
  'activity.insert-events',
  `insert into activity_events (owner, time, source, kind, message, event, was_notified)
   select * from unnest($1::text[], $2::numeric[], $3::text[], $4::text[], $5::text[], $6::json[], $7::boolean[])`,
);
// In the order of the keys, so that two transactions do not wait for each other.
const touchSources = statement(
  'activity.touch-sources',
  `insert into activity_sources (owner, key, parents, source, newest)
   select owner, key, parents, source, newest
   from json_to_recordset($1) as w(owner text, key text, parents text[], source json, newest numeric)
   order by owner, key
   on conflict (owner, key) do update set newest = greatest(activity_sources.newest, excluded.newest)`,
);

/** Owners that are no ships of this server are passed over. */
export const recordActivity = async (
  tx: Transaction,
  news: readonly NewActivity[],
  now: number,
): Promise<readonly RecordedActivity[]> => {
  if (news.length === 0) return [];
  const owners = [...new Set(news.map(({ owner }) => owner))];
  const levels = await readLevels(tx, owners);
  const volumes = await volumesFor(tx, news);
  const counts = new Map<string, bigint>();
  const recorded = news.flatMap(({ owner, event, time }): RecordedActivity[] => {
    const level = levels.get(owner);
    if (level === undefined) return [];
    const before = counts.get(owner) ?? 0n;
    counts.set(owner, before + 1n);
    const source = sourceOf(event);
    return [
      {
        ...{ owner, source, event },
        time: String(BigInt(time ?? idFromMillis(now)) + before * STEP + BigInt(randomInt(BELOW_A_STEP))),
        wasNotified: notifies(event, volumeOf(event, volumes.get(owner) ?? {}), level),
      },
    ];
  });
  await write(tx, recorded);
  const events = recorded.map(({ owner, time }) => ({ owner, time }));
  await recordChanges(tx, events.length === 0 ? [] : [{ kind: 'told', events }]);
  return recorded;
};

const volumesFor = async (tx: Transaction, news: readonly NewActivity[]) => {
  const pairs = news.flatMap(({ owner, event }) => wayUp(sourceOf(event)).map((source) => [owner, keyOf(source)]));
  const rows = await tx.query(findVolumes, [pairs.map(([owner]) => owner), pairs.map(([, key]) => key)]);
  const volumes = new Map<string, Record<string, VolumeMap>>();
  for (const { owner, key, volume } of rows) volumes.set(owner, { ...volumes.get(owner), [key]: volume });
  return volumes;
};

const write = async (tx: Transaction, recorded: readonly RecordedActivity[]): Promise<void> => {
  if (recorded.length === 0) return;
  await tx.query(insertEvents, [
    recorded.map(({ owner }) => owner),
    recorded.map(({ time }) => time),
    recorded.map(({ source }) => keyOf(source)),
    recorded.map(({ event }) => volumeKeyOf(event)),
    recorded.map(({ event }) => messageOf(event) ?? null),
    recorded.map(({ event }) => readableJson(JSON.stringify(event))),
    recorded.map(({ wasNotified }) => wasNotified),
  ]);
  await tx.query(touchSources, [JSON.stringify(sourcesOf(recorded))]);
};

const sourcesOf = (recorded: readonly RecordedActivity[]) => {
  const sources = new Map<string, object>();
  for (const { owner, source, time } of recorded) {
    const [key = '', ...parents] = wayUp(source).map(keyOf);
    sources.set(`${owner} ${key}`, { owner, key, parents, source, newest: time }); // the last is the newest
  }
  return [...sources.values()];
};

/** The id of the message that the event is about, if it is about one. */
export const messageOf = (event: IncomingEvent): string | undefined => {
  const [detail] = Object.values(event) as [object];
  return 'key' in detail ? (detail.key as { readonly id: string }).id : undefined;
};
