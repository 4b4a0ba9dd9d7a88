// The events of a ship, newest first: what it was told, and the posts and replies of others in the
// channels that it has joined.
import type { Queryable } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import { withDots } from '../schema/id.ts';
import type { ActivitySource, IncomingEvent } from '../types/activity.ts';
import type { Story } from '../types/story.ts';
import { readLevels } from './levels.ts';
import { readSources, volumesIn } from './source-store.ts';
import { keyOf, sourceOf } from './sources.ts';
import { notifies, volumeOf } from './volume.ts';

export type FeedEvent = {
  /** In digits. */
  readonly time: string;
  readonly source: ActivitySource;
  readonly key: string;
  readonly event: IncomingEvent;
  readonly wasNotified: boolean;
};

export const LONGEST_FEED = 50;

export type FeedPage = {
  /** In digits: only what is older. */
  readonly before?: string | undefined;
  readonly limit: number;
  /** Only events that mention the ship, or only replies. */
  readonly sort?: 'mentions' | 'replies' | undefined;
};

/** What was told, posts and replies have so many each. A feed has at least one event. */
const MOST_BYTES = 512 * 1024;

/** The latest first; what is beyond the bytes has no content, and there the feed ends. */
const bounded = (latest: string, time: string, content: string) =>
  `select *, case when bytes <= ${MOST_BYTES} or place = 1 then ${content} end as content
   from (select *, sum(octet_length(${content}::text)) over (order by ${time} desc) as bytes,
           row_number() over (order by ${time} desc) as place from (${latest}) as latest) as measured
   order by ${time} desc`;

const listEvents = statement<{ time: string; content: IncomingEvent | null; was_notified: boolean }>(
  'activity.feed-events',
  `select time, content, was_notified from (${bounded(
    `select time, event, was_notified from activity_events where owner = $1 and ($2::numeric is null or time < $2)
       and ($4::text is null or kind like $4) order by time desc limit $3`,
    'time',
    'event',
  )}) as found`,
);

export type ToldEvent = {
  readonly owner: string;
  readonly time: string;
  readonly event: IncomingEvent;
  readonly wasNotified: boolean;
};

const findTold = statement<ToldEvent>(
  'activity.told',
  `select owner, time, event, was_notified as "wasNotified" from unnest($1::text[], $2::numeric[]) as w(owner, time)
   join activity_events e using (owner, time)`,
);

/** What is written down for these at these times, in digits. */
export const readTold = (
  on: Queryable,
  wanted: readonly { readonly owner: string; readonly time: string }[],
): Promise<readonly ToldEvent[]> =>
  wanted.length === 0
    ? Promise.resolve([])
    : on.query(findTold, [wanted.map(({ owner }) => owner), wanted.map(({ time }) => time)]);

const listGroupInvitations = statement<{ event: Extract<IncomingEvent, { 'group-invite': unknown }> }>(
  'activity.group-invitations',
  `select e.event from activity_events e
   left join activity_sources s on s.owner = e.owner and s.key = e.source
   where e.owner = $1 and e.kind = 'group-invite' and e.time > coalesce(s.read_until, 0)
     and e.time <> all(coalesce(s.read_items, '{}'))
   order by e.time desc limit 100`,
);

/** The latest of those that the ship has not read. */
export const readGroupInvitations = async (on: Queryable, owner: string) =>
  (await on.query(listGroupInvitations, [owner])).map(({ event }) => event);

/** What was removed is not shown. */
const SINCE = `greatest(m.joined, coalesce((select max(s.removed_until) from activity_sources s where s.owner = $1
     and s.key = any(array['base', 'group/' || c.flag, 'channel/' || m.nest])), 0))`;

type Content = { readonly content: Story; readonly author: string };
type PostRow = {
  readonly nest: string;
  readonly flag: string;
  readonly id: string;
  readonly author: string;
  readonly content: { readonly essay: Content } | null;
  readonly mention: boolean;
};
type ReplyRow = Omit<PostRow, 'content'> & {
  readonly content: Content | null;
  readonly post: string;
  readonly post_author: string;
};

const listPosts = statement<PostRow>(
  'activity.feed-posts',
  `select nest, flag, id, author, content, mention from (${bounded(
    `select m.nest, c.flag, p.id, p.author, p.doc, coalesce($1 = any(p.mentions), false) as mention
   from channel_members m join channels c using (nest)
   cross join lateral (select * from posts p where p.nest = m.nest and p.doc is not null and p.author <> $1
     and p.id > ${SINCE} and ($2::numeric is null or p.id < $2)
     and (not $4 or (p.mentions is not null and $1 = any(p.mentions))) order by p.id desc limit $3) as p
   where m.ship = $1 order by p.id desc limit $3`,
    'id',
    'doc',
  )}) as found`,
);
const listReplies = statement<ReplyRow>(
  'activity.feed-replies',
  `select nest, flag, id, author, content, post, post_author, mention from (${bounded(
    `select m.nest, c.flag, r.id, r.author, r.doc, r.post, p.author as post_author,
     coalesce($1 = any(r.mentions), false) as mention
   from channel_members m join channels c using (nest)
   cross join lateral (select * from replies r where r.nest = m.nest and r.doc is not null and r.author <> $1
     and r.id > ${SINCE} and ($2::numeric is null or r.id < $2)
     and exists (select from posts p where p.nest = r.nest and p.id = r.post and p.doc is not null)
     and (not $4 or (r.mentions is not null and $1 = any(r.mentions))) order by r.id desc limit $3) as r
   join posts p on p.nest = r.nest and p.id = r.post
   where m.ship = $1 order by r.id desc limit $3`,
    'id',
    'doc',
  )}) as found`,
);
const KIND_PATTERNS = { mentions: '%-mention', replies: '%reply%' } as const;

export const readFeed = async (on: Queryable, owner: string, page: FeedPage): Promise<readonly FeedEvent[]> => {
  const limit = Math.min(page.limit, LONGEST_FEED);
  const { before = null, sort } = page;
  const sources = await readSources(on, owner);
  const volumes = volumesIn(sources);
  const level = (await readLevels(on, [owner])).get(owner) ?? 'none';
  const told = await on.query(listEvents, [owner, before, limit, sort === undefined ? null : KIND_PATTERNS[sort]]);
  const values = [owner, before, limit, sort === 'mentions'];
  const posts = sort === 'replies' ? [] : (await on.query(listPosts, values)).map(eventOfPost);
  const replies = (await on.query(listReplies, values)).map(eventOfReply);
  const derived = [...posts, ...replies].map(({ id, event }) => ({
    time: id,
    event,
    wasNotified: event !== undefined && notifies(event, volumeOf(event, volumes), level),
  }));
  const latest = [
    ...told.map(({ time, content, was_notified: wasNotified }) => ({ time, event: content ?? undefined, wasNotified })),
    ...derived,
  ]
    .sort((one, other) => (BigInt(one.time) < BigInt(other.time) ? 1 : -1))
    .slice(0, limit);
  const end = latest.findIndex(({ event }) => event === undefined);
  return latest
    .slice(0, end === -1 ? limit : end)
    .flatMap(({ time, event, wasNotified }) => (event ? [{ ...shown(time, event), wasNotified }] : []));
};

const shown = (time: string, event: IncomingEvent) => {
  const source = sourceOf(event);
  return { time, source, key: keyOf(source), event };
};

const keyOfMessage = (author: string, id: string) => ({ id: `${author}/${withDots(id)}`, time: withDots(id) });

type Derived = { readonly id: string; readonly event: IncomingEvent | undefined };

const eventOfPost = ({ nest: channel, flag: group, id, author, content: doc, mention }: PostRow): Derived => {
  if (doc === null) return { id, event: undefined };
  const { content } = doc.essay;
  return { id, event: { post: { key: keyOfMessage(author, id), channel, group, content, mention } } };
};

const eventOfReply = (row: ReplyRow): Derived => {
  const { nest: channel, flag: group, id, author, content: doc, mention, post, post_author } = row;
  if (doc === null) return { id, event: undefined };
  const parent = keyOfMessage(post_author, post);
  const { content } = doc;
  return { id, event: { reply: { key: keyOfMessage(author, id), parent, channel, group, content, mention } } };
};
