// What a ship reads of its activity. All versions of a path answer the same: they differ in kinds
// of events that are not here.
import { type FeedPage, LONGEST_FEED, readFeed } from '../../../community/activity/feed.ts';
import { readLevels } from '../../../community/activity/levels.ts';
import { readSources, volumesIn } from '../../../community/activity/source-store.ts';
import { readSummary } from '../../../community/activity/summary.ts';
import { parseId } from '../../../community/schema/id.ts';
import type { Database } from '../../../database/database.ts';
import { airlockActivity, airlockBundle, airlockSourceKey } from '../../vocabulary/activity.ts';
import type { Json } from '../agent.ts';
import { activityInit } from './init.ts';

type Scry = (path: string, ship: string) => Promise<Json | undefined>;
type Read = (ship: string, parts: readonly string[]) => Promise<Json | undefined>;

const BUCKETS = { all: undefined, mentions: 'mentions', replies: 'replies' } as const;
type Bucket = keyof typeof BUCKETS;
const isBucket = (text: string): text is Bucket => Object.hasOwn(BUCKETS, text);

export const createActivityScry = (database: Database): Scry => {
  const bucketOf = async (ship: string, bucket: Bucket, page: Omit<FeedPage, 'sort'>) => {
    const events = await readFeed(database, ship, { ...page, sort: BUCKETS[bucket] });
    return { bundles: events.map(airlockBundle), keys: events.map(({ key }) => key) };
  };
  const summariesOf = async (ship: string, keys: readonly string[]) =>
    airlockActivity(await readSummary(database, ship), new Set(keys));

  const feedsAtStart = async (ship: string, limit: number): Promise<Json> => {
    const all = await bucketOf(ship, 'all', { limit });
    const mentions = await bucketOf(ship, 'mentions', { limit });
    const replies = await bucketOf(ship, 'replies', { limit });
    const summaries = await summariesOf(ship, [...all.keys, ...mentions.keys, ...replies.keys]);
    return { all: all.bundles, mentions: mentions.bundles, replies: replies.bundles, summaries };
  };

  const reads: Readonly<Record<string, Read>> = {
    activity: async (ship, [kind, ...place]) => {
      const all = await activityInit(database, ship);
      const prefix = kind === undefined ? '' : prefixOf(kind, place);
      if (prefix === undefined) return undefined;
      return Object.fromEntries(Object.entries(all).filter(([key]) => key.startsWith(prefix)));
    },
    feed: async (ship, [bucket = '', number, before]) => {
      const limit = Math.min(Number(parseId(number ?? '') ?? LONGEST_FEED), LONGEST_FEED);
      if (bucket === 'init') return feedsAtStart(ship, limit);
      const than = before === undefined ? undefined : parseId(before);
      if (!isBucket(bucket) || than === null) return undefined;
      const { bundles, keys } = await bucketOf(ship, bucket, { limit, before: than?.toString() });
      return { feed: bundles, summaries: await summariesOf(ship, keys) };
    },
    'volume-settings': async (ship) => {
      const volumes = volumesIn(await readSources(database, ship));
      return Object.fromEntries(Object.entries(volumes).map(([key, volume]) => [airlockSourceKey(key), volume]));
    },
    'notifications-allowed': async (ship) => (await readLevels(database, [ship])).get(ship) ?? 'all',
  };

  return async (path, ship) => {
    const [name = '', ...parts] = path
      .replace(/^\/v\d+(?=\/)/, '')
      .slice(1)
      .split('/');
    return Object.hasOwn(reads, name) ? reads[name]?.(ship, parts) : undefined;
  };
};

/** How keys of threads begin: those of a channel, after its group, or of a conversation. */
const prefixOf = (kind: string, place: readonly string[]): string | undefined => {
  if (kind === 'threads' && place.length === 5) return `thread/${place.slice(2).join('/')}/`;
  if (kind === 'dm-threads' && place.length === 1) return `dm-thread/${place[0]}/`;
  return undefined;
};
