// Everything that an action on a post needs to know, in one round trip.
import type { Queryable } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import type { ChannelDoc } from '../channels/channel-store.ts';
import type { KnownPost } from '../channels/post-command.ts';
import { whole } from '../channels/post-store.ts';
import type { GroupCache, StoredGroup } from '../groups/group-store.ts';
import type { VPost, VReply } from '../types/posts.ts';

export type TurnView = {
  readonly flag: string;
  readonly version: number;
  /** Posts that are not deleted. */
  readonly posts: number;
  /** The number of its newest post; 0: it has none. */
  readonly newestSeq: number;
  readonly doc: ChannelDoc;
  /** undefined: the group is gone. */
  readonly group: StoredGroup | undefined;
  readonly hasJoined: boolean;
  /** In digits; undefined: the channel has none. */
  readonly newestPost: string | undefined;
  /** Of all its replies it has the one that is asked for. */
  readonly post: KnownPost;
  /** Of that post in its channel. */
  readonly seq: number | undefined;
  readonly newestReply: string | undefined;
  /** Also those that were deleted. */
  readonly replies: number;
  /** Bytes of its replies, without the one that is asked for. */
  readonly otherBytes: number;
};

type Row = {
  readonly flag: string;
  readonly version: number;
  readonly posts: number;
  readonly newest_seq: number;
  readonly doc: ChannelDoc;
  readonly group_version: number | null;
  readonly group_text: string | null;
  readonly has_joined: boolean;
  readonly newest: string | null;
  readonly seq: number | null;
  readonly post: VPost | null;
  readonly newest_reply: string | null;
  readonly replies: number | null;
  readonly other_bytes: number | null;
  readonly reply_id: string | null;
  readonly reply: VReply | null;
};

const readRow = statement<Row>(
  'turns.read',
  `select c.flag, c.version, c.posts, c.newest_seq, c.doc,
     g.version as group_version, case when g.version is distinct from $5::bigint then g.doc::text end as group_text,
     m.ship is not null as has_joined,
     (select id from posts n where n.nest = $1 order by id desc limit 1) as newest,
     p.seq, p.doc as post,
     (select id from replies n where n.nest = $1 and n.post = $3::numeric order by id desc limit 1) as newest_reply,
     t.replies, t.other_bytes, r.id as reply_id, r.doc as reply
   from channels c
   left join groups g on g.flag = c.flag
   left join channel_members m on m.nest = c.nest and m.ship = $2
   left join posts p on p.nest = c.nest and p.id = $3::numeric
   left join replies r on r.nest = c.nest and r.post = $3::numeric and r.id = $4::numeric
   left join lateral (
     select count(*)::int as replies, sum(n.bytes) filter (where n.id is distinct from $4::numeric) as other_bytes
     from replies n where n.nest = $1 and n.post = $3::numeric) t on p.doc is not null
   where c.nest = $1`,
);

export type Wanted = {
  readonly nest: string;
  readonly actor: string;
  /** In digits; of the post that is meant, and of the reply of it. */
  readonly post: string | undefined;
  readonly reply: string | undefined;
};

/** Answers undefined when there is no such channel. */
export type ReadTurn = (from: Queryable, wanted: Wanted) => Promise<TurnView | undefined>;

/** @param groups is asked first: a group that has not changed is not sent again. */
export const createReadTurn = (groups: GroupCache): ReadTurn => {
  /** A channel stays in its group. */
  const flags = new Map<string, string>();
  const MOST_FLAGS = 10_000;

  return async (from, { nest, actor, post, reply }) => {
    const flag = flags.get(nest);
    const known = flag === undefined ? undefined : groups.get(flag);
    const [row] = await from.query(readRow, [nest, actor, post ?? null, reply ?? null, known?.version ?? null]);
    if (!row) return undefined;
    if (flags.size >= MOST_FLAGS) flags.clear();
    flags.set(nest, row.flag);
    const { group_version: version, group_text: text } = row;
    const read = version === null || text === null ? undefined : groups.put(row.flag, { version, text });
    return {
      flag: row.flag,
      version: row.version,
      posts: row.posts,
      newestSeq: row.newest_seq,
      doc: row.doc,
      group: version === null ? undefined : (read ?? known),
      hasJoined: row.has_joined,
      newestPost: row.newest ?? undefined,
      post: postOf(row),
      seq: row.seq ?? undefined,
      newestReply: row.newest_reply ?? undefined,
      replies: row.replies ?? 0,
      otherBytes: row.other_bytes ?? 0,
    };
  };
};

const postOf = ({ seq, post, reply_id, reply }: Row): KnownPost => {
  if (seq === null) return undefined;
  if (post === null) return 'deleted';
  return whole(post, reply_id === null ? null : { [reply_id]: reply });
};
