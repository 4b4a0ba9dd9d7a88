// Posts with their numbers, deleted ones too, a page at a time; with what there is of replies to
// them. A page has a bound of bytes.
import type { Queryable } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import type { KeptPost, KeptReply } from '../changes/channel-change.ts';
import { boundedMillis } from '../schema/id.ts';

export type Talk = {
  /** Those that are not deleted. */
  readonly replyCount: number;
  /** Id of the newest reply, in digits; null: there is none. */
  readonly lastReply: string | null;
  /** Authors of the newest replies, the newest first. */
  readonly lastRepliers: readonly string[];
};

export type ShownPost = KeptPost & Talk;

export const LONGEST_PAGE = 500;
/** Bytes of contents; a page has at least one post. */
const MOST_BYTES = 1024 * 1024;
const MOST_REPLIES = 2_000;
const REPLIERS_SEEN = 20;

/** Of the replies to `p.id` in `p.nest`. */
const TALK = `
  select count(*)::int as count, max(r.id) as last,
    array(select author from replies n where n.nest = p.nest and n.post = p.id and n.doc is not null
          order by n.id desc limit ${REPLIERS_SEEN}) as authors
  from replies r where r.nest = p.nest and r.post = p.id and r.doc is not null`;

type Direction = 'asc' | 'desc';

const page = (name: string, where: string, direction: Direction) =>
  statement<Row>(
    name,
    `select p.id, p.seq, p.author, p.doc, p.modified, t.count, t.last, t.authors
     from (select latest.*, sum(coalesce(bytes, 0)) over (order by id ${direction}) as total,
             row_number() over (order by id ${direction}) as place
           from (select nest, id, seq, author, doc, modified, bytes from posts p where nest = $1 and ${where}
                 order by id ${direction} limit $2) latest) p
     cross join lateral (${TALK}) t
     where p.total <= ${MOST_BYTES} or p.place = 1 order by p.id ${direction}`,
  );

type TalkRow = { readonly count: number; readonly last: string | null; readonly authors: readonly string[] };
type Row = KeptPost & TalkRow;

const before = page('kept-posts.before', 'id < $3', 'desc');
const after = page('kept-posts.after', 'id > $3', 'asc');
const inRange = page('kept-posts.range', 'seq between $3 and $4', 'desc');
const changedSince = page(
  'kept-posts.changed',
  `id between $3 and $4 and (modified > $5 or id > $6::numeric or exists (
     select from replies r where r.nest = $1 and r.post = p.id and (r.modified > $5 or r.id > $6::numeric)))`,
  'desc',
);

const talkOf = ({ count, last, authors }: TalkRow): Talk => ({
  replyCount: count,
  lastReply: last,
  lastRepliers: authors,
});

const shown = ({ count, last, authors, ...post }: Row): ShownPost => ({ ...post, ...talkOf({ count, last, authors }) });

const limited = (limit: number): number => Math.min(limit, LONGEST_PAGE);

/** Newest first. `id`: in digits. */
export const readKeptBefore = async (from: Queryable, nest: string, id: string, limit: number): Promise<ShownPost[]> =>
  (await from.query(before, [nest, limited(limit), id])).map(shown);

/** Oldest first. `id`: in digits. */
export const readKeptAfter = async (from: Queryable, nest: string, id: string, limit: number): Promise<ShownPost[]> =>
  (await from.query(after, [nest, limited(limit), id])).map(shown);

/** Those with these numbers, newest first. */
export const readKeptRange = async (from: Queryable, nest: string, first: number, last: number): Promise<ShownPost[]> =>
  (await from.query(inRange, [nest, LONGEST_PAGE, first, last])).map(shown);

export type Since = {
  /** Posts from here to there, ids in digits. */
  readonly first: string;
  readonly last: string;
  readonly since: bigint;
};

/** Those that came or changed after a moment, or to which replies did; newest first. */
export const readKeptSince = async (
  from: Queryable,
  nest: string,
  { first, last, since }: Since,
): Promise<ShownPost[]> => {
  const values = [nest, LONGEST_PAGE, first, last, boundedMillis(since), String(since)];
  return (await from.query(changedSince, values)).map(shown);
};

const repliesTo = statement<KeptReply & { readonly post: string }>(
  'kept-posts.replies',
  `select post, id, author, doc, modified from (
     select *, sum(coalesce(bytes, 0)) over (order by id desc) as total from (
       select post, id, author, doc, modified, bytes from replies where nest = $1 and post = any($2::numeric[])
       order by id desc limit ${MOST_REPLIES}) latest) r
   where total <= ${MOST_BYTES} order by id`,
);

/** To these posts, deleted ones too, oldest first; of very many the newest. `ids`: in digits. */
export const readKeptReplies = (from: Queryable, nest: string, ids: readonly string[]) =>
  ids.length === 0 ? Promise.resolve([]) : from.query(repliesTo, [nest, ids]);

const talks = statement<TalkRow & { readonly nest: string; readonly id: string }>(
  'kept-posts.talks',
  `select p.nest, p.id, t.count, t.last, t.authors
   from unnest($1::text[], $2::numeric[]) as p(nest, id) cross join lateral (${TALK}) t`,
);

type Key = { readonly nest: string; readonly id: string };

/** What there is of replies to these posts. Ids in digits. */
export const readTalks = async (from: Queryable, posts: readonly Key[]): Promise<(post: Key) => Talk | undefined> => {
  const keyOf = ({ nest, id }: Key) => `${nest}/${id}`;
  const values = [posts.map(({ nest }) => nest), posts.map(({ id }) => id)];
  const found = new Map(
    posts.length === 0 ? [] : (await from.query(talks, values)).map((row) => [keyOf(row), talkOf(row)]),
  );
  return (post) => found.get(keyOf(post));
};
