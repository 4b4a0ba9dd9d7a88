// What is new for a ship, source by source: derived when somebody looks, from what the ship was
// told and from the posts and replies of its channels.
import type { Queryable } from '../../database/database.ts';
import type { ActivitySource } from '../types/activity.ts';
import { type Counted, countOwn, type Own } from './own-counts.ts';
import { BASE, keyOf, parentOf } from './sources.ts';

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

export const readSummary = async (on: Queryable, owner: string): Promise<ActivitySummary> => {
  const counted = (await countOwn(on, [{ owner }])).get(owner);
  return counted ? summarize(counted) : new Map();
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
export const summarize = ({ own: { byNest, byKey } }: Counted): ActivitySummary => {
  const sums = new Map<string, Sum>();
  const sumOf = (source: ActivitySource): Sum => {
    const key = keyOf(source);
    const known = sums.get(key) ?? { source, newest: 0n, count: 0, notifyCount: 0, unread: null };
    sums.set(key, known);
    return known;
  };
  sumOf(BASE);
  const own: Own[] = [...byKey.values(), ...byNest.values()].flat();
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
