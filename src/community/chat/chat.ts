// Conversations of ships: of two, and of clubs. What is done in them, and what each reads of them.

import { blockShip, readBlocked, unblockShip } from './blocks.ts';
import { readChat, readChats } from './chat-store.ts';
import { actOnClub } from './club-act.ts';
import { actOnDm, answerDm } from './dm.ts';
import { readMessage, readMessages, readReplies } from './message-store.ts';

export const chat = {
  dm: actOnDm,
  club: actOnClub,
  answerDm,
  block: blockShip,
  unblock: unblockShip,
  readBlocked,
  readChat,
  readChats,
  readMessages,
  readMessage,
  readReplies,
} as const;
