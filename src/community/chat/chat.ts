// Conversations of ships: of two, and of clubs. What is done in them, and what each reads of them.

import { blockShip, readBlocked, readBlockers, unblockShip } from './blocks.ts';
import { readChat, readChats, readInvited } from './chat-store.ts';
import { answerDm } from './dm.ts';
import { hideMessage, readHiddenMessages } from './hidden-messages.ts';
import { readMessagePage, readPagedMessage } from './message-pages.ts';
import { readMessage, readMessages, readReplies } from './message-store.ts';

export const chat = {
  answerDm,
  block: blockShip,
  unblock: unblockShip,
  readBlocked,
  readBlockers,
  hide: hideMessage,
  readHidden: readHiddenMessages,
  readChat,
  readChats,
  readInvited,
  readMessages,
  readMessagePage,
  readPagedMessage,
  readMessage,
  readReplies,
} as const;
