// The agent of conversations: of two ships, and of clubs.
import type { Base } from '../../../database/base.ts';
import type { ActAs } from '../acting.ts';
import type { Agent } from '../agent.ts';
import { createChatFacts } from './facts.ts';
import { createChatPoke } from './poke.ts';
import { createChatScry } from './scry.ts';

export const createChat = ({ database, clock, actAs }: Base & { readonly actAs: ActAs }): Agent => ({
  name: 'chat',
  scry: createChatScry(database),
  poke: createChatPoke({ database, clock, actAs }),
  factsOf: createChatFacts(database),
});
