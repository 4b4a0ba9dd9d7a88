// Posts and replies in the database. A reply has a row of its own: one more of it in a long thread
// writes no more than itself.
import type { Queryable, Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import type { Did, KeptPost, KeptReply } from '../changes/channel-change.ts';
import { CHANGES_CHANNEL } from '../changes/record-changes.ts';
import { LARGEST_PAGE } from '../contents.ts';
import { withDots } from '../schema/id.ts';
import type { VPost, VReply } from '../types/posts.ts';
import type { KnownPost } from './post-command.ts';

export type PostRow = { readonly id: string; readonly doc: VPost | null; readonly replies: ReplyDocs | null };
/** By id in digits. */
type ReplyDocs = Readonly<Record<string, VReply | null>>;

const REPLIES =
  '(select json_object_agg(r.id, r.doc order by r.id) from replies r where r.nest = p.nest and r.post = p.id) as replies';

const findPost = statement<PostRow>(
  'posts.find',
  `select id, doc, ${REPLIES} from posts p where nest = $1 and id = $2`,
);
const findReplies = statement<{ replies: ReplyDocs | null }>(
  'posts.replies',
  `select ${REPLIES} from (select $1::text as nest, $2::numeric as id) p`,
);
/** Of the replies to one post, as they are given with it: with their ids, deleted ones too. */
const REPLY_BYTES = `(select coalesce(sum(coalesce(r.bytes, 0) + 60), 0) from replies r
         where r.nest = latest.nest and r.post = latest.id)`;

// Replies are taken together of those posts only that fit.
const page = (name: string, where: string, order: 'id' | 'id desc') =>
  statement<PostRow>(
    name,
    `select id, doc, ${REPLIES} from (
       select nest, id, doc, row_number() over (order by ${order}) as place,
         sum(bytes + ${REPLY_BYTES}) over (order by ${order}) as bytes
       from (select nest, id, doc, bytes from posts where nest = $1 and doc is not null and ${where}
             order by ${order} offset $3 limit $4) as latest) as p
     where bytes <= $5 or place = 1 order by ${order}`,
  );
const pageBefore = page('posts.page-before', 'id < $2', 'id desc');
const pageAfter = page('posts.page-after', 'id > $2', 'id');
const pageFrom = page(
  'posts.page-from',
  `id >= (select id from posts where nest = $1 and doc is not null order by id desc offset $2 limit 1)`,
  'id',
);

/** The post as hooks and readers see it: with its replies. */
export const whole = (doc: VPost, replies: ReplyDocs | null): VPost => ({
  ...doc,
  seal: {
    ...doc.seal,
    replies: Object.fromEntries(Object.entries(replies ?? {}).map(([id, reply]) => [withDots(id), reply])),
  },
});

/** The post as its row has it: without its replies. */
export const bare = (post: VPost): VPost => ({ ...post, seal: { ...post.seal, replies: {} } });

/** @param id in digits. */
export const readPost = async (from: Queryable, nest: string, id: string): Promise<KnownPost> => {
  const [row] = await from.query(findPost, [nest, id]);
  return row && (row.doc === null ? 'deleted' : whole(row.doc, row.replies));
};

export const readReplies = async (from: Queryable, nest: string, post: string): Promise<ReplyDocs> =>
  (await from.query(findReplies, [nest, post]))[0]?.replies ?? {};

/** Later than every post. */
const END = '1'.padEnd(50, '0');

/** How many, how many are left out before them, and what they may have with their replies. */
type Part = { readonly limit: number; readonly offset?: number; readonly bytes?: number };

/**
 * Those that are not deleted and fit, at least one, newest first. `before`: an id in digits.
 */
export const readPageBefore = async (
  from: Queryable,
  nest: string,
  { before = END, limit, offset = 0, bytes = LARGEST_PAGE }: Part & { readonly before?: string | undefined },
): Promise<VPost[]> => (await from.query(pageBefore, [nest, before, offset, limit, bytes])).map(wholeRow);

/** As `readPageBefore`, oldest first. `after`: an id in digits. */
export const readPageAfter = async (
  from: Queryable,
  nest: string,
  { after = '0', limit, offset = 0, bytes = LARGEST_PAGE }: Part & { readonly after?: string | undefined },
): Promise<VPost[]> => (await from.query(pageAfter, [nest, after, offset, limit, bytes])).map(wholeRow);

/** As `readPageAfter`, from the post on that has so many `newer` ones. */
export const readPageFrom = async (
  from: Queryable,
  nest: string,
  { newer, limit, bytes }: { readonly newer: number; readonly limit: number; readonly bytes: number },
): Promise<VPost[]> => (await from.query(pageFrom, [nest, newer, 0, limit, bytes])).map(wholeRow);

const wholeRow = ({ doc, replies }: PostRow): VPost => whole(doc as VPost, replies);

/** What a turn writes of one post. */
export type PostWrite = {
  readonly nest: string;
  readonly did: Did;
  /** undefined: only its replies change. */
  readonly post?: KeptPost;
  /** `post`: to which it replies, in digits. */
  readonly replies: readonly (KeptReply & { readonly post: string })[];
};

/** Characters of texts in one row of changes, about. */
const MOST_TOLD = 1_000_000;

// One statement, because it is in every commit of turns. What is written is told as it is written.
const putPosts = statement(
  'posts.put',
  `with given as (
     select place, did, nest, post, id, author, nullif(doc, 'null')::json as doc, modified, seq,
       sum(octet_length(doc)) over (order by place) / ${MOST_TOLD} as part
     from unnest($1::text[], $2::text[], $3::numeric[], $4::text[], $5::text[], $6::bigint[], $7::int[], $8::text[])
       with ordinality as given (nest, post, id, author, doc, modified, seq, did, place)),
   of_posts as (
     insert into posts (nest, id, author, doc, modified, seq)
     select nest, id, author, doc, modified, seq from given where post is null
     on conflict (nest, id) do update set author = excluded.author, doc = excluded.doc, modified = excluded.modified),
   of_replies as (
     insert into replies (nest, post, id, author, doc, modified)
     select nest, post::numeric, id, author, doc, modified from given where post is not null
     on conflict (nest, post, id) do update
       set author = excluded.author, doc = excluded.doc, modified = excluded.modified),
   told as (
     insert into community_changes (changes)
     select json_agg(case when post is null
         then json_build_object('kind', 'post', 'nest', nest, 'did', did, 'post', json_build_object(
           'id', id::text, 'author', author, 'doc', doc, 'modified', modified, 'seq', seq))
         else json_build_object('kind', 'reply', 'nest', nest, 'did', did, 'post', post, 'reply', json_build_object(
           'id', id::text, 'author', author, 'doc', doc, 'modified', modified)) end order by place)
     from given group by part order by part returning id)
   select pg_notify('${CHANGES_CHANNEL}', id::text) from told`,
);

export const storePosts = async (tx: Transaction, writes: readonly PostWrite[]): Promise<void> => {
  const rows = writes.flatMap(({ nest, did, post, replies }) => [
    ...(post ? [{ nest, did, post: null, ...post }] : []),
    ...replies.map((reply) => ({ nest, did, seq: null, ...reply })),
  ]);
  if (rows.length === 0) return;
  const column = (key: keyof (typeof rows)[number]) => rows.map((row) => row[key]);
  const docs = rows.map(({ doc }) => JSON.stringify(doc));
  const [nests, posts, ids, authors] = [column('nest'), column('post'), column('id'), column('author')];
  await tx.query(putPosts, [nests, posts, ids, authors, docs, column('modified'), column('seq'), column('did')]);
};
