// What is new for a ship, source by source: derived when somebody looks, from what the ship was
// told and from the posts and replies of its channels.
import type { Queryable } from '../../database/database.ts';
import { parseId, withDots } from '../schema/id.ts';
import type { ActivitySource, VolumeMap } from '../types/activity.ts';
import { floorOf, type KnownSources, readSources, removedUntilOf } from './source-store.ts';
import { BASE, keyOf, parentOf, wayUp } from './sources.ts';
import {
  countUnreadEvents,
  countUnreadPosts,
  countUnreadThreads,
  findFirstMessages,
  type JoinedChannel,
  readJoinedChannels,
} from './unread-counts.ts';
import { countsAsUnread, volumeIn } from './volume.ts';

export type SourceSummary = {
  readonly source: ActivitySource;
  /** When the latest event was, in digits; `0`: there was none. */
  readonly newest: string;
  /** Unread messages, with those of the sources below; of threads only those that notify. */
  readonly count: number;
  readonly notifyCount: number;
  readonly notify: boolean;
  /** The first unread message of the source itself, and how many there are in it. */
  readonly unread: {
    readonly id: string;
    readonly time: string;
    readonly count: number;
    readonly notify: boolean;
  } | null;
};

/** By keys of sources; the key of the whole is `base`. */
export type ActivitySummary = ReadonlyMap<string, SourceSummary>;

/** What one source has by itself. */
type Own = {
  readonly source: ActivitySource;
  readonly newest: bigint;
  readonly count: number;
  readonly notifyCount: number;
  readonly first?: { readonly id: string; readonly time: string };
};

export const readSummary = async (on: Queryable, owner: string): Promise<ActivitySummary> => {
  const sources = await readSources(on, owner);
  const joined = await readJoinedChannels(on, owner);
  const look = { on, owner, sources, volumes: volumesOf(sources) };
  const own = [
    ...(await ownOfEvents(look)),
    ...(await ownOfChannels(look, joined)),
    ...(await ownOfThreads(look, joined)),
  ];
  return summarize(own);
};

type Look = {
  readonly on: Queryable;
  readonly owner: string;
  readonly sources: KnownSources;
  readonly volumes: Readonly<Record<string, VolumeMap>>;
};

const volumesOf = (sources: KnownSources) =>
  Object.fromEntries([...sources.values()].flatMap(({ key, volume }) => (volume ? [[key, volume]] : [])));

const channelOf = ({ nest, flag: group }: JoinedChannel): ActivitySource => ({ channel: { nest, group } });
const itemsOf = (sources: KnownSources, source: ActivitySource) => sources.get(keyOf(source))?.readItems ?? [];

const loudness = ({ volumes }: Look, source: ActivitySource, counts: Readonly<Record<string, number>>) => {
  let [count, notifyCount] = [0, 0];
  for (const [kind, number] of Object.entries(counts)) {
    const volume = volumeIn(kind, volumes, source);
    if (countsAsUnread(kind, volume)) count += number;
    if (volume.notify) notifyCount += number;
  }
  return { count, notifyCount };
};

const ownOfEvents = async (look: Look): Promise<Own[]> => {
  const { on, owner, sources } = look;
  // Nothing that is new since it was read: there is nothing to count.
  const withNews = [...sources.values()].filter(({ newest, source }) => newest > floorOf(sources, source));
  const asked = withNews.map(({ key, source, readItems }) => ({
    ...{ source: key, items: readItems },
    floor: String(floorOf(sources, source)),
  }));
  const counts = new Map<string, Record<string, number>>();
  for (const { source, kind, count } of await countUnreadEvents(on, owner, asked)) {
    counts.set(source, { ...counts.get(source), [kind]: count });
  }
  const first = new Map((await findFirstMessages(on, owner, asked)).map(({ source, key }) => [source, key]));
  return [...sources.values()]
    .filter(({ newest, source }) => newest > removedUntilOf(sources, source))
    .map(({ key, source, newest }): Own => {
      const found = first.get(key);
      return {
        ...{ source, newest, ...loudness(look, source, counts.get(key) ?? {}) },
        ...(found && { first: { id: found.id, time: String(parseId(found.time)) } }),
      };
    });
};

const ownOfChannels = async (look: Look, joined: readonly JoinedChannel[]): Promise<Own[]> => {
  const { on, owner, sources } = look;
  const byNest = new Map(joined.map((channel) => [channel.nest, channelOf(channel)]));
  const asked = joined.map((channel) => {
    const source = channelOf(channel);
    const floor = String(floorOf(sources, source, BigInt(channel.read_at)));
    return { nest: channel.nest, floor, items: itemsOf(sources, source) };
  });
  return (await countUnreadPosts(on, owner, asked)).flatMap((row): Own[] => {
    const source = byNest.get(row.nest) as ActivitySource;
    const newest = larger(BigInt(row.newest ?? 0), BigInt(row.newest_reply ?? 0));
    if (newest <= removedUntilOf(sources, source) && newest > 0n) return [];
    const counts = { post: row.count - row.mentions, 'post-mention': row.mentions };
    const first = row.first === null ? undefined : { id: `${row.author}/${withDots(row.first)}`, time: row.first };
    return [{ source, newest, ...loudness(look, source, counts), ...(first && { first }) }];
  });
};

const ownOfThreads = async (look: Look, joined: readonly JoinedChannel[]): Promise<Own[]> => {
  const { on, owner, sources } = look;
  const flags = new Map(joined.map(({ nest, flag }) => [nest, flag]));
  const channels = joined.map((channel) => {
    const above = wayUp(channelOf(channel)).flatMap((source) => sources.get(keyOf(source)) ?? []);
    const floors = above.flatMap(({ deepUntil, removedUntil }) => [deepUntil, removedUntil]);
    return { nest: channel.nest, floor: String(floors.reduce(larger, BigInt(channel.joined))) };
  });
  const threads = [...sources.values()].flatMap(({ source, readItems: items }) => {
    if (!('thread' in source)) return [];
    const { channel: nest, key } = source.thread;
    return [{ nest, post: String(parseId(key.time)), floor: String(floorOf(sources, source)), items }];
  });
  return (await countUnreadThreads(on, owner, channels, threads)).map((row): Own => {
    const key = { id: `${row.post_author}/${withDots(row.post)}`, time: withDots(row.post) };
    const source = { thread: { key, channel: row.nest, group: flags.get(row.nest) ?? '' } };
    const counts = { reply: row.count - row.mentions, 'reply-mention': row.mentions };
    const first = { id: `${row.author}/${withDots(row.first)}`, time: row.first };
    return { source, newest: BigInt(row.newest), ...loudness(look, source, counts), first };
  });
};

const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);

type Sum = {
  source: ActivitySource;
  newest: bigint;
  count: number;
  notifyCount: number;
  unread: SourceSummary['unread'];
};

/** Adds each source's own to it and to those above it. */
const summarize = (own: readonly Own[]): ActivitySummary => {
  const sums = new Map<string, Sum>();
  const sumOf = (source: ActivitySource): Sum => {
    const key = keyOf(source);
    const known = sums.get(key) ?? { source, newest: 0n, count: 0, notifyCount: 0, unread: null };
    sums.set(key, known);
    return known;
  };
  sumOf(BASE);
  for (const { source, newest, count, notifyCount, first } of own) {
    const isThread = 'thread' in source;
    for (let at: ActivitySource | undefined = source; at !== undefined; at = parentOf(at)) {
      const sum = sumOf(at);
      sum.newest = larger(sum.newest, newest);
      sum.notifyCount += notifyCount;
      sum.count += isThread && at !== source ? notifyCount : count;
    }
    const sum = sumOf(source);
    if (first && count > 0) sum.unread = joinUnread(sum.unread, { ...first, count, notify: notifyCount > 0 });
  }
  return new Map(
    [...sums].map(([key, { newest, ...sum }]) => [
      key,
      { ...sum, newest: String(newest), notify: sum.notifyCount > 0 },
    ]),
  );
};

/** A channel has posts, and events that were added to it. */
const joinUnread = (one: SourceSummary['unread'], other: NonNullable<SourceSummary['unread']>) => {
  if (one === null) return other;
  const first = BigInt(one.time) < BigInt(other.time) ? one : other;
  return { ...first, count: one.count + other.count, notify: one.notify || other.notify };
};
