// What each source of ships has by itself, counted anew: of all sources, or of those that changed.
import type { Queryable } from '../../database/database.ts';
import { parseId, withDots } from '../schema/id.ts';
import type { ActivitySource, VolumeMap } from '../types/activity.ts';
import { floorOf, type KnownSources, readSourcesOf, removedUntilOf, volumesIn } from './source-store.ts';
import { keyOf, wayUp } from './sources.ts';
import {
  countUnreadEvents,
  countUnreadPosts,
  countUnreadThreads,
  findFirstMessages,
  type JoinedChannel,
  readJoinedChannels,
} from './unread-counts.ts';
import { countsAsUnread, volumeIn } from './volume.ts';

/** What one source has by itself. */
export type Own = {
  readonly source: ActivitySource;
  readonly newest: bigint;
  readonly count: number;
  readonly notifyCount: number;
  readonly first?: { readonly id: string; readonly time: string };
};

/** Channels with their threads, by nest, and sources of which something is written down, by key. */
export type Part = { readonly nests: ReadonlySet<string>; readonly keys: ReadonlySet<string> };

export type Counted = {
  readonly own: OwnCounts;
  /** How loud its sources are. */
  readonly volumes: Readonly<Record<string, VolumeMap>>;
};

/** By the nest of a channel, and by the key of a source. */
export type OwnCounts = {
  readonly byNest: ReadonlyMap<string, readonly Own[]>;
  readonly byKey: ReadonlyMap<string, readonly Own[]>;
};

export type Asked = {
  readonly owner: string;
  /** What was counted before, and what of it is to be counted anew; undefined: everything. */
  readonly known?: { readonly counted: Counted; readonly part: Part } | undefined;
};

/** Of many ships with as many questions to the database as of one. */
export const countOwn = async (on: Queryable, asked: readonly Asked[]): Promise<ReadonlyMap<string, Counted>> => {
  const owners = asked.map(({ owner }) => owner);
  const sources = await readSourcesOf(on, owners);
  const joined = Map.groupBy(await readJoinedChannels(on, owners), ({ ship }) => ship);
  const looks = asked.map(({ owner, known }): Look => {
    const own: KnownSources = sources.get(owner) ?? new Map();
    return {
      ...{ owner, sources: own, volumes: volumesIn(own), part: known?.part },
      joined: (joined.get(owner) ?? []).filter(({ nest }) => !known || known.part.nests.has(nest)),
    };
  });
  const events = await ownOfEvents(on, looks);
  const channels = await ownOfChannels(on, looks);
  const threads = await ownOfThreads(on, looks);
  return new Map(
    asked.map(({ owner, known }, index) => {
      const byNest = Map.groupBy([...(channels.get(owner) ?? []), ...(threads.get(owner) ?? [])], nestOf);
      const byKey = Map.groupBy(events.get(owner) ?? [], ({ source }) => keyOf(source));
      const own = known ? join(known.counted.own, known.part, { byNest, byKey }) : { byNest, byKey };
      return [owner, { own, volumes: (looks[index] as Look).volumes }];
    }),
  );
};

const nestOf = ({ source }: Own): string =>
  'channel' in source ? source.channel.nest : 'thread' in source ? source.thread.channel : '';

const join = (known: OwnCounts, part: Part, counted: OwnCounts): OwnCounts => ({
  byNest: replaced(known.byNest, part.nests, counted.byNest),
  byKey: replaced(known.byKey, part.keys, counted.byKey),
});

const replaced = <V>(known: ReadonlyMap<string, V>, keys: ReadonlySet<string>, by: ReadonlyMap<string, V>) =>
  new Map([...[...known].filter(([key]) => !keys.has(key)), ...by]);

/** What is known of one ship. */
type Look = {
  readonly owner: string;
  readonly sources: KnownSources;
  readonly volumes: Readonly<Record<string, VolumeMap>>;
  /** Those that are counted. */
  readonly joined: readonly JoinedChannel[];
  /** undefined: everything is counted. */
  readonly part: Part | undefined;
};

const isCounted = ({ part }: Look, key: string): boolean => part === undefined || part.keys.has(key);

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
  const asked = looks.flatMap((look) => {
    const { owner, sources } = look;
    return (
      [...sources.values()]
        // Nothing that is new since it was read: there is nothing to count.
        .filter(({ key, newest, source }) => isCounted(look, key) && newest > floorOf(sources, source))
        .map(({ key, source, readItems: items }) => ({
          ...{ owner, source: key, items },
          floor: String(floorOf(sources, source)),
        }))
    );
  });
  const firsts = Map.groupBy(await findFirstMessages(on, asked), ({ owner }) => owner);
  return ofEach(looks, await countUnreadEvents(on, asked), (look, rows) => {
    const { owner, sources } = look;
    const counts = new Map<string, Record<string, number>>();
    for (const { source, kind, count } of rows) counts.set(source, { ...counts.get(source), [kind]: count });
    const first = new Map((firsts.get(owner) ?? []).map(({ source, key }) => [source, key]));
    return [...sources.values()]
      .filter(({ key, newest, source }) => isCounted(look, key) && newest > removedUntilOf(sources, source))
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
  const threads = looks.flatMap(({ owner, sources, part }) =>
    [...sources.values()].flatMap(({ source, readItems: items }) => {
      if (!('thread' in source) || (part && !part.nests.has(source.thread.channel))) return [];
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
