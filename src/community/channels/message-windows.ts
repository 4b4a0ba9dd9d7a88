// Posts and replies of a channel together, newest first, a window at a time: what is searched.
import type { Queryable } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import type { VPost, VReply } from '../types/posts.ts';

export type ChannelMessage = {
  /** In digits. */
  readonly id: string;
  readonly author: string;
  readonly modified: number | null;
} & (
  | { readonly post: null; readonly seq: number; readonly doc: VPost }
  /** `post`: to which it replies, in digits. */
  | { readonly post: string; readonly seq: null; readonly doc: VReply }
);

const MOST_MESSAGES = 500;
/** Bytes of contents; a window has at least one message. */
const MOST_BYTES = 1024 * 1024;

// A reply may have the id of a post: those of one id are in one window.
const newest = statement<ChannelMessage>(
  'message-windows.newest',
  `select post, id, seq, author, doc, modified from (
     select latest.*, sum(bytes) over (order by id desc) as total,
       rank() over (order by id desc) as place
     from ((select null::numeric as post, id, seq, author, doc, modified, bytes from posts
            where nest = $1 and doc is not null and id < $2 order by id desc fetch first ($3) rows with ties)
           union all
           (select post, id, null, author, doc, modified, bytes from replies r
            where nest = $1 and doc is not null and id < $2
              and exists (select from posts p where p.nest = r.nest and p.id = r.post and p.doc is not null)
            order by id desc fetch first ($3) rows with ties)
           order by id desc fetch first ($3) rows with ties) latest) w
   where total <= ${MOST_BYTES} or place = 1 order by id desc, post`,
);

export type Window = {
  readonly messages: readonly ChannelMessage[];
  /** The next window is before this id, in digits; null: this was the last one. */
  readonly next: string | null;
};

/** At most `tries` that are not deleted, from before an id in digits. */
export const readWindow = async (from: Queryable, nest: string, before: string, tries: number): Promise<Window> => {
  const messages = await from.query(newest, [nest, before, Math.min(tries, MOST_MESSAGES)]);
  const last = messages.at(-1);
  if (!last) return { messages, next: null };
  const [more] = await from.query(newest, [nest, last.id, 1]);
  return { messages, next: more ? last.id : null };
};
