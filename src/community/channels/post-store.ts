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
const postsBefore = statement<PostRow>(
  'posts.before',
  `select id, doc, ${REPLIES} from posts p
   where nest = $1 and doc is not null and id < $2 order by id desc offset $3 limit $4`,
);
// Replies are taken together of those posts only that fit.
const pageBefore = statement<PostRow>(
  'posts.page-before',
  `select id, doc, ${REPLIES} from (
     select nest, id, doc, row_number() over (order by id desc) as place,
       sum(bytes + (select coalesce(sum(r.bytes), 0) from replies r
         where r.nest = latest.nest and r.post = latest.id)) over (order by id desc) as bytes
     from (select nest, id, doc, bytes from posts where nest = $1 and doc is not null and id < $2
           order by id desc limit $3) as latest) as p
   where bytes <= ${LARGEST_PAGE} or place = 1 order by id desc`,
);
const postsAfter = statement<PostRow>(
  'posts.after',
  `select id, doc, ${REPLIES} from posts p
   where nest = $1 and doc is not null and id > $2 order by id offset $3 limit $4`,
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

type Part = { readonly limit: number; readonly offset?: number };

/** Those that are not deleted, newest first. `before`: an id in digits. */
export const readPostsBefore = async (
  from: Queryable,
  nest: string,
  { before = END, limit, offset = 0 }: Part & { readonly before?: string | undefined },
): Promise<VPost[]> => (await from.query(postsBefore, [nest, before, offset, limit])).map(wholeRow);

/** As `readPostsBefore`, and no more than fit into a page. */
export const readPageBefore = async (
  from: Queryable,
  nest: string,
  { before = END, limit }: { readonly before: string | undefined; readonly limit: number },
): Promise<VPost[]> => (await from.query(pageBefore, [nest, before, limit])).map(wholeRow);

/** Those that are not deleted, oldest first. `after`: an id in digits. */
export const readPostsAfter = async (
  from: Queryable,
  nest: string,
  { after = '0', limit, offset = 0 }: Part & { readonly after?: string | undefined },
): Promise<VPost[]> => (await from.query(postsAfter, [nest, after, offset, limit])).map(wholeRow);

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

/** Of the texts in one row of changes, about. */
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
