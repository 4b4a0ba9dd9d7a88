// The conversations of a ship as clients know them when they start.
import { chat } from '../../../community/chat/chat.ts';
import type { Chat } from '../../../community/chat/chat-store.ts';
import type { Queryable } from '../../../database/database.ts';

const MOST_CHATS = 10_000;

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

export const chatInit = async (on: Queryable, ship: string): Promise<ChatInit> => ({
  ...(await readLists(on, ship)),
  blocked: await chat.readBlocked(on, ship),
  'blocked-by': await chat.readBlockers(on, ship),
  'hidden-messages': await chat.readHidden(on, ship),
});

/** `dms`: those that wait for no answer of the ship; `invited`: those that do. */
export const readLists = async (on: Queryable, ship: string): Promise<Pick<ChatInit, 'dms' | 'clubs' | 'invited'>> => {
  const chats = await chat.readChats(on, ship, { after: '', limit: MOST_CHATS });
  const others = chats.filter(({ club }) => club === null);
  const isInvited = ({ state }: Chat) => state === 'invited';
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
