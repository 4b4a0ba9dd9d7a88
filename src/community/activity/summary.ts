// What is new for a ship, source by source: derived when somebody looks, from what the ship was
// told and from the posts and replies of its channels.
import type { Queryable } from '../../database/database.ts';
import { parseId, withDots } from '../schema/id.ts';
import type { ActivitySource, VolumeMap } from '../types/activity.ts';
import { floorOf, type KnownSources, readSourcesOf, removedUntilOf, volumesIn } from './source-store.ts';
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

export const readSummary = async (on: Queryable, owner: string): Promise<ActivitySummary> =>
  (await readSummaries(on, [owner])).get(owner)?.summary ?? new Map();

export type Standing = {
  readonly summary: ActivitySummary;
  /** How loud its sources are. */
  readonly volumes: Readonly<Record<string, VolumeMap>>;
};

/** Of many ships with as many questions to the database as of one. */
export const readSummaries = async (
  on: Queryable,
  owners: readonly string[],
): Promise<ReadonlyMap<string, Standing>> => {
  const sources = await readSourcesOf(on, owners);
  const joined = Map.groupBy(await readJoinedChannels(on, owners), ({ ship }) => ship);
  const looks = owners.map((owner): Look => {
    const own = sources.get(owner) ?? new Map();
    return { owner, sources: own, volumes: volumesIn(own), joined: joined.get(owner) ?? [] };
  });
  const found = [await ownOfEvents(on, looks), await ownOfChannels(on, looks), await ownOfThreads(on, looks)];
  return new Map(
    looks.map(({ owner, volumes }) => {
      const own = found.flatMap((part) => part.get(owner) ?? []);
      return [owner, { summary: summarize(own), volumes }];
    }),
  );
};

/** What is known of one ship. */
type Look = {
  readonly owner: string;
  readonly sources: KnownSources;
  readonly volumes: Readonly<Record<string, VolumeMap>>;
  readonly joined: readonly JoinedChannel[];
};

type OwnOfAll = ReadonlyMap<string, readonly Own[]>;

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

/** The rows of each owner, who asked for some of them. */
const ofEach = <Row extends { readonly owner: string }>(
  looks: readonly Look[],
  rows: readonly Row[],
  own: (look: Look, rows: readonly Row[]) => readonly Own[],
): OwnOfAll => {
  const byOwner = Map.groupBy(rows, ({ owner }) => owner);
  return new Map(looks.map((look) => [look.owner, own(look, byOwner.get(look.owner) ?? [])]));
};

const ownOfEvents = async (on: Queryable, looks: readonly Look[]): Promise<OwnOfAll> => {
  const asked = looks.flatMap(({ owner, sources }) =>
    [...sources.values()]
      // Nothing that is new since it was read: there is nothing to count.
      .filter(({ newest, source }) => newest > floorOf(sources, source))
      .map(({ key, source, readItems: items }) => ({
        ...{ owner, source: key, items },
        floor: String(floorOf(sources, source)),
      })),
  );
  const firsts = Map.groupBy(await findFirstMessages(on, asked), ({ owner }) => owner);
  return ofEach(looks, await countUnreadEvents(on, asked), (look, rows) => {
    const { owner, sources } = look;
    const counts = new Map<string, Record<string, number>>();
    for (const { source, kind, count } of rows) counts.set(source, { ...counts.get(source), [kind]: count });
    const first = new Map((firsts.get(owner) ?? []).map(({ source, key }) => [source, key]));
    return [...sources.values()]
      .filter(({ newest, source }) => newest > removedUntilOf(sources, source))
      .map(({ key, source, newest }): Own => {
        const found = first.get(key);
        return {
          ...{ source, newest, ...loudness(look, source, counts.get(key) ?? {}) },
          ...(found && { first: { id: found.id, time: String(parseId(found.time)) } }),
        };
      });
  });
};

const ownOfChannels = async (on: Queryable, looks: readonly Look[]): Promise<OwnOfAll> => {
  const asked = looks.flatMap(({ owner, sources, joined }) =>
    joined.map((channel) => {
      const source = channelOf(channel);
      const floor = String(floorOf(sources, source, BigInt(channel.read_at)));
      return { owner, nest: channel.nest, floor, items: itemsOf(sources, source) };
    }),
  );
  return ofEach(looks, await countUnreadPosts(on, asked), (look, rows) => {
    const byNest = new Map(look.joined.map((channel) => [channel.nest, channelOf(channel)]));
    return rows.flatMap((row): Own[] => {
      const source = byNest.get(row.nest) as ActivitySource;
      const newest = larger(BigInt(row.newest ?? 0), BigInt(row.newest_reply ?? 0));
      if (newest <= removedUntilOf(look.sources, source) && newest > 0n) return [];
      const counts = { post: row.count - row.mentions, 'post-mention': row.mentions };
      const first = row.first === null ? undefined : { id: `${row.author}/${withDots(row.first)}`, time: row.first };
      return [{ source, newest, ...loudness(look, source, counts), ...(first && { first }) }];
    });
  });
};

const ownOfThreads = async (on: Queryable, looks: readonly Look[]): Promise<OwnOfAll> => {
  const channels = looks.flatMap(({ owner, sources, joined }) =>
    joined.map((channel) => {
      const above = wayUp(channelOf(channel)).flatMap((source) => sources.get(keyOf(source)) ?? []);
      const floors = above.flatMap(({ deepUntil, removedUntil }) => [deepUntil, removedUntil]);
      return { owner, nest: channel.nest, floor: String(floors.reduce(larger, BigInt(channel.joined))) };
    }),
  );
  const threads = looks.flatMap(({ owner, sources }) =>
    [...sources.values()].flatMap(({ source, readItems: items }) => {
      if (!('thread' in source)) return [];
      const { channel: nest, key } = source.thread;
      return [{ owner, nest, post: String(parseId(key.time)), floor: String(floorOf(sources, source)), items }];
    }),
  );
  return ofEach(looks, await countUnreadThreads(on, channels, threads), (look, rows) => {
    const flags = new Map(look.joined.map(({ nest, flag }) => [nest, flag]));
    return rows.map((row): Own => {
      const key = { id: `${row.post_author}/${withDots(row.post)}`, time: withDots(row.post) };
      const source = { thread: { key, channel: row.nest, group: flags.get(row.nest) ?? '' } };
      const counts = { reply: row.count - row.mentions, 'reply-mention': row.mentions };
      const first = { id: `${row.author}/${withDots(row.first)}`, time: row.first };
      return { source, newest: BigInt(row.newest), ...loudness(look, source, counts), first };
    });
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
