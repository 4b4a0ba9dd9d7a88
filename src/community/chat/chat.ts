// Conversations of ships: of two, and of clubs. What each reads of them, and what is done there
// apart from actions.
import { blockShip, readBlocked, unblockShip } from './blocks.ts';
import { readChat, readChats } from './chat-store.ts';
import { answerDm } from './dm.ts';
import { readMessage, readMessages, readReplies } from './message-store.ts';

export const chat = {
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
