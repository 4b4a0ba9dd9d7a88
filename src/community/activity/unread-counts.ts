// How much a ship has not read, counted by the database from indexes: contents are not loaded.
import type { Queryable } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import type { MsgKey } from '../types/activity.ts';

/** What is asked of one channel, thread or source of a ship. Numbers in digits. */
export type Asked = { readonly owner: string; readonly floor: string; readonly items: readonly string[] };

export type JoinedChannel = {
  readonly ship: string;
  readonly nest: string;
  readonly flag: string;
  readonly joined: string;
  /** Its posts are read until then. */
  readonly read_at: string;
};
const listJoined = statement<JoinedChannel>(
  'activity.joined-channels',
  `select m.* from unnest($1::text[]) as w(ship)
   cross join lateral (
     select m.ship, m.nest, c.flag, m.joined, greatest(m.joined, m.read_at) as read_at
     from channel_members m join channels c using (nest)
     where m.ship = w.ship order by m.nest limit 10000) as m`,
);
export const readJoinedChannels = (on: Queryable, ships: readonly string[]) => on.query(listJoined, [ships]);

export type UnreadPosts = {
  readonly owner: string;
  readonly nest: string;
  readonly newest: string | null;
  readonly newest_reply: string | null;
  readonly count: number;
  readonly mentions: number;
  readonly first: string | null;
  readonly author: string | null;
};

// Those that were read one by one are few: they are counted apart and taken off.
const UNREAD = 'p.nest = w.nest and p.id > w.floor and p.doc is not null and p.author <> w.owner';
const countPosts = statement<UnreadPosts>(
  'activity.unread-posts',
  `select w.owner, w.nest, newest.id as newest, reply.id as newest_reply, first.id as first, first.author,
     (all_of.count - read.count)::int as count, (mentioning.count - read.mentions)::int as mentions
   from json_to_recordset($1) as w(owner text, nest text, floor numeric, items numeric[])
   left join lateral (select id from posts p where p.nest = w.nest and p.doc is not null order by id desc limit 1) as newest on true
   left join lateral (select id from replies r where r.nest = w.nest and r.doc is not null
     and exists (select from posts p where p.nest = r.nest and p.id = r.post and p.doc is not null)
     order by id desc limit 1) as reply on true
   cross join lateral (select count(*) from posts p where ${UNREAD}) as all_of
   cross join lateral (select count(*) from posts p where ${UNREAD} and p.mentions is not null and w.owner = any(p.mentions)) as mentioning
   cross join lateral (select count(*), count(*) filter (where w.owner = any(p.mentions)) as mentions
                       from posts p where ${UNREAD} and p.id = any(w.items)) as read
   left join lateral (select p.id, p.author from posts p where ${UNREAD} and p.id <> all(w.items)
                      order by p.id limit 1) as first on true`,
);
export const countUnreadPosts = (on: Queryable, asked: readonly (Asked & { readonly nest: string })[]) =>
  on.query(countPosts, [JSON.stringify(asked)]);

export type UnreadThread = {
  readonly owner: string;
  readonly nest: string;
  readonly post: string;
  readonly post_author: string;
  readonly newest: string;
  readonly count: number;
  readonly mentions: number;
  readonly first: string;
  readonly author: string;
};

/** Of a ship, those with the latest replies. */
const MOST_THREADS = 1_000;

const countReplies = statement<UnreadThread>(
  'activity.unread-threads',
  `select t.*, p.author as post_author, r.author from (
     select w.owner, r.nest, r.post, max(r.id) as newest, min(r.id) as first, count(*)::int as count,
       (count(*) filter (where w.owner = any(r.mentions)))::int as mentions,
       row_number() over (partition by w.owner order by max(r.id) desc) as place
     from json_to_recordset($1) as w(owner text, nest text, floor numeric)
     -- offset 0: each channel is looked up by itself, never all replies of the server.
     cross join lateral (select * from replies r where r.nest = w.nest and r.id > w.floor and r.doc is not null
                         and r.author <> w.owner offset 0) as r
     left join json_to_recordset($2) as k(owner text, nest text, post numeric, floor numeric, items numeric[])
       on k.owner = w.owner and k.nest = r.nest and k.post = r.post
     where k.post is null or (r.id > k.floor and r.id <> all(k.items))
     group by w.owner, r.nest, r.post) as t
   join posts p on p.nest = t.nest and p.id = t.post and p.doc is not null
   join replies r on r.nest = t.nest and r.post = t.post and r.id = t.first
   where t.place <= ${MOST_THREADS}`,
);
export const countUnreadThreads = (
  on: Queryable,
  channels: readonly Omit<Asked & { readonly nest: string }, 'items'>[],
  threads: readonly (Asked & { readonly nest: string; readonly post: string })[],
) => on.query(countReplies, [JSON.stringify(channels), JSON.stringify(threads)]);

export type UnreadEvents = {
  readonly owner: string;
  readonly source: string;
  readonly kind: string;
  readonly count: number;
};
const countRecorded = statement<UnreadEvents>(
  'activity.unread-events',
  `select e.owner, e.source, e.kind, count(*)::int as count
   from json_to_recordset($1) as w(owner text, source text, floor numeric, items numeric[])
   join activity_events e on e.owner = w.owner and e.source = w.source and e.time > w.floor and e.time <> all(w.items)
   group by e.owner, e.source, e.kind`,
);
export const countUnreadEvents = (on: Queryable, asked: readonly (Asked & { readonly source: string })[]) =>
  on.query(countRecorded, [JSON.stringify(asked)]);

export type FirstMessage = {
  readonly owner: string;
  readonly source: string;
  readonly time: string;
  readonly key: MsgKey;
};
const findFirst = statement<FirstMessage>(
  'activity.first-unread',
  `select w.owner, w.source, first.time, first.key
   from json_to_recordset($1) as w(owner text, source text, floor numeric, items numeric[])
   cross join lateral (
     select e.time, (select detail.value -> 'key' from json_each(e.event) as detail) as key
     from activity_events e where e.owner = w.owner and e.source = w.source and e.time > w.floor and e.time <> all(w.items)
       and e.kind ~ '^(post|reply|dm-post|dm-reply)' order by e.time limit 1) as first`,
);
export const findFirstMessages = (on: Queryable, asked: readonly (Asked & { readonly source: string })[]) =>
  on.query(findFirst, [JSON.stringify(asked)]);
