// Conversations in the database. Each ship has a copy of its own; `whom` is the other ship, or the
// id of a club.
import type { Queryable, Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import type { Club } from './club.ts';

/** `inviting`: the other has not answered yet. `invited`: the owner has not. */
export type ChatState = 'inviting' | 'invited' | 'open';

export type Chat = {
  readonly owner: string;
  readonly whom: string;
  readonly state: ChatState;
  readonly club: Club | null;
  /** The time of its newest message or reply, in digits. */
  readonly latest: string;
  /** The number of its newest message. */
  readonly lastSeq: number;
};

const COLUMNS = 'owner, whom, state, club, latest, last_seq as "lastSeq"';
const findChat = statement<Chat>('chats.find', `select ${COLUMNS} from chats where owner = $1 and whom = $2`);
const listChats = statement<Chat>(
  'chats.list',
  `select ${COLUMNS} from chats where owner = $1 and whom > $2 order by whom limit $3`,
);
// In the order of the owners, so that two who write to each other do not wait in a circle.
const lockPair = statement<Chat>(
  'chats.lock-pair',
  `select ${COLUMNS} from chats where (owner, whom) in (($1, $2), ($2, $1)) order by owner for update`,
);
const lockClub = statement<Chat>(
  'chats.lock-club',
  `select ${COLUMNS} from chats where whom = $1 and club is not null order by owner for update`,
);
// Columns, and no JSON that the database takes apart: it refuses NUL in there.
const GIVEN = 'unnest($1::text[], $2::text[], $3::text[], $4::json[]) as w(owner, whom, state, club)';
const insertChats = statement(
  'chats.insert',
  `insert into chats (owner, whom, state, club)
   select * from ${GIVEN} order by owner
   on conflict (owner, whom) do nothing`,
);
const updateChats = statement(
  'chats.update',
  `update chats c set state = w.state, club = w.club
   from ${GIVEN}
   where c.owner = w.owner and c.whom = w.whom`,
);
const touchChats = statement<{ owner: string; seq: number }>(
  'chats.touch',
  `update chats c set latest = $3, last_seq = last_seq + $4
   from unnest($1::text[], $2::text[]) as w(owner, whom)
   where c.owner = w.owner and c.whom = w.whom returning c.owner, last_seq as seq`,
);
const deleteMessages = statement('chats.delete-messages', 'delete from chat_messages where owner = $1 and whom = $2');
const deleteChat = statement('chats.delete', 'delete from chats where owner = $1 and whom = $2');

const listInvited = statement<{ owner: string; ships: string[] }>(
  'chats.invited',
  `select w.owner, coalesce(array_agg(c.whom order by c.whom) filter (where c.whom is not null), '{}') as ships
   from unnest($1::text[]) as w(owner)
   left join lateral (select whom from chats c where c.owner = w.owner and c.state = 'invited' and c.club is null
                      order by whom limit 10000) as c on true
   group by w.owner`,
);

/** By owner, the ships whose invitations wait for an answer. */
export const readInvited = async (
  on: Queryable,
  owners: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> =>
  new Map((await on.query(listInvited, [owners])).map(({ owner, ships }) => [owner, ships]));

export const readChat = async (on: Queryable, owner: string, whom: string): Promise<Chat | undefined> =>
  (await on.query(findChat, [owner, whom]))[0];

/** In the order of their names, from the first one after `after`. */
export const readChats = (
  on: Queryable,
  owner: string,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<readonly Chat[]> => on.query(listChats, [owner, after, limit]);

/** Both copies, which nobody else changes until the transaction ends. */
export const lockPairOf = (tx: Transaction, one: string, other: string): Promise<readonly Chat[]> =>
  tx.query(lockPair, [one, other]);

/** The copies of all who have the club. */
export const lockClubOf = (tx: Transaction, id: string): Promise<readonly Chat[]> => tx.query(lockClub, [id]);

type ChatWrite = Pick<Chat, 'owner' | 'whom' | 'state' | 'club'>;

const columnsOf = (chats: readonly ChatWrite[]) => [
  chats.map(({ owner }) => owner),
  chats.map(({ whom }) => whom),
  chats.map(({ state }) => state),
  chats.map(({ club }) => club && JSON.stringify(club)),
];

export const addChats = async (tx: Transaction, chats: readonly ChatWrite[]): Promise<void> =>
  void (chats.length > 0 && (await tx.query(insertChats, columnsOf(chats))));

export const storeChats = async (tx: Transaction, chats: readonly ChatWrite[]): Promise<void> =>
  void (chats.length > 0 && (await tx.query(updateChats, columnsOf(chats))));

/**
 * Something new is in these copies: `messages` more, beside replies. Answers the number of the
 * newest message by owner.
 * @param time in digits, later than all that is there.
 */
export const touchAll = async (
  tx: Transaction,
  chats: readonly Chat[],
  { time, messages }: { readonly time: string; readonly messages: 0 | 1 },
): Promise<ReadonlyMap<string, number>> => {
  const values = [chats.map(({ owner }) => owner), chats.map(({ whom }) => whom), time, messages];
  return new Map((await tx.query(touchChats, values)).map(({ owner, seq }) => [owner, seq]));
};

export const removeChat = async (tx: Transaction, owner: string, whom: string): Promise<void> => {
  await tx.query(deleteMessages, [owner, whom]);
  await tx.query(deleteChat, [owner, whom]);
};
