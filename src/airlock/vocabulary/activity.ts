// Activity as clients read it. Sources and events are written as the community writes them; keys of
// sources differ for conversations.
import type { FeedEvent } from '../../community/activity/feed.ts';
import type { ActivitySummary, SourceSummary } from '../../community/activity/summary.ts';
import { millisFromId, withDots } from '../../community/schema/id.ts';
import { uvText } from '../../community/schema/uv.ts';
import type { ActivitySource, IncomingEvent } from '../../community/types/activity.ts';

export type AirlockSummary = {
  /** ms since the epoch. */
  readonly recency: number;
  readonly 'recency-uv': string;
  readonly count: number;
  readonly 'notify-count': number;
  readonly notify: boolean;
  readonly unread: SourceSummary['unread'];
};

/** By key of a source. */
export type AirlockActivity = Readonly<Record<string, AirlockSummary>>;

export type AirlockEvent = IncomingEvent & { readonly notified: boolean };

/** What happened in one source. */
export type AirlockBundle = {
  readonly source: ActivitySource;
  readonly 'source-key': string;
  readonly latest: string;
  readonly events: readonly { readonly time: string; readonly event: AirlockEvent }[];
};

/** `ship/~nec` and `club/0v5` for what the community calls `dm/…`. */
export const airlockSourceKey = (key: string): string =>
  key.startsWith('dm/') ? `${key.startsWith('dm/~') ? 'ship' : 'club'}/${key.slice('dm/'.length)}` : key;

export const airlockSummary = ({ newest, count, notifyCount, notify, unread }: SourceSummary): AirlockSummary => ({
  recency: newest === '0' ? 0 : millisFromId(BigInt(newest)),
  'recency-uv': uvText(newest),
  ...{ count, 'notify-count': notifyCount, notify },
  unread: unread && { ...unread, time: withDots(unread.time) },
});

/** `keys`: only of these sources; of the community. Those that are not there are left out. */
export const airlockActivity = (summary: ActivitySummary, keys: Iterable<string> = summary.keys()): AirlockActivity =>
  Object.fromEntries(
    [...keys].flatMap((key) => {
      const found = summary.get(key);
      return found ? [[airlockSourceKey(key), airlockSummary(found)]] : [];
    }),
  );

/** As it was told before, of sources in which nothing is any more. */
export const emptyActivity = (keys: Iterable<string>): AirlockActivity =>
  Object.fromEntries([...keys].map((key) => [airlockSourceKey(key), NOTHING]));

export const NOTHING: AirlockSummary = {
  ...{ recency: 0, 'recency-uv': '0v0', count: 0, 'notify-count': 0, notify: false, unread: null },
};

export const airlockEvent = (event: IncomingEvent, notified: boolean): AirlockEvent => ({ ...event, notified });

export const airlockBundle = ({ time, source, key, event, wasNotified }: FeedEvent): AirlockBundle => ({
  ...{ source, 'source-key': airlockSourceKey(key), latest: withDots(time) },
  events: [{ time: withDots(time), event: airlockEvent(event, wasNotified) }],
});
