// The agent of conversations: of two ships, and of clubs.
import type { Act } from '../../../community/community.ts';
import type { Base } from '../../../database/base.ts';
import { createActAs } from '../acting.ts';
import type { Agent } from '../agent.ts';
import { createChatFacts } from './facts.ts';
import { createChatPoke } from './poke.ts';
import { createChatScry } from './scry.ts';

export const createChat = ({ database, clock, act }: Base & { readonly act: Act }): Agent => ({
  name: 'chat',
  scry: createChatScry(database),
  poke: createChatPoke({ database, clock, actAs: createActAs(act) }),
  factsOf: createChatFacts(database),
});
