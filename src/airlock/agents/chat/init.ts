// The conversations of a ship as clients know them when they start.
import { chat } from '../../../community/chat/chat.ts';
import type { Chat } from '../../../community/chat/chat-store.ts';
import type { Queryable } from '../../../database/database.ts';
import { statement } from '../../../database/statement.ts';

const MOST_CHATS = 10_000;
/** All clubs, in bytes; beyond it those are left out that were silent for longest. */
const MOST_BYTES = 4 * 1024 * 1024;

export type AirlockClub = {
  readonly team: readonly string[];
  readonly hive: readonly string[];
  readonly meta: object;
  readonly net: 'done' | 'invited';
};

export type ChatInit = {
  readonly dms: readonly string[];
  readonly clubs: Readonly<Record<string, AirlockClub>>;
  readonly invited: readonly string[];
  readonly blocked: readonly string[];
  readonly 'blocked-by': readonly string[];
  readonly 'hidden-messages': readonly string[];
};

type Row = Pick<Chat, 'whom' | 'state' | 'club'>;

const latestChats = statement<Row>(
  'airlock-chat.latest',
  `select whom, state, club from (
     select whom, state, club, sum(octet_length(club::text)) over (order by latest desc, whom) as bytes
     from (select * from chats where owner = $1 order by latest desc, whom limit ${MOST_CHATS}) as latest) as counted
   where club is null or bytes <= ${MOST_BYTES} order by whom`,
);

export const chatInit = async (on: Queryable, ship: string): Promise<ChatInit> => ({
  ...(await readLists(on, ship)),
  blocked: await chat.readBlocked(on, ship),
  'blocked-by': await chat.readBlockers(on, ship),
  'hidden-messages': await chat.readHidden(on, ship),
});

/** `dms`: those that wait for no answer of the ship; `invited`: those that do. */
export const readLists = async (on: Queryable, ship: string): Promise<Pick<ChatInit, 'dms' | 'clubs' | 'invited'>> => {
  const chats = await on.query(latestChats, [ship]);
  const others = chats.filter(({ club }) => club === null);
  const isInvited = ({ state }: Row) => state === 'invited';
  return {
    dms: others.filter((one) => !isInvited(one)).map(({ whom }) => whom),
    invited: others.filter(isInvited).map(({ whom }) => whom),
    clubs: Object.fromEntries(
      chats.flatMap(({ whom, state, club }) =>
        club ? [[whom, { ...club, net: state === 'invited' ? 'invited' : 'done' } as const]] : [],
      ),
    ),
  };
};
