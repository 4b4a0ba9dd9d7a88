// The agent of activity: what is new for a ship, and how loud it is.
import type { Base } from '../../../database/base.ts';
import type { ActAs } from '../acting.ts';
import type { Agent } from '../agent.ts';
import { createActivityFacts } from './facts.ts';
import { createActivityPoke } from './poke.ts';
import { createActivityScry } from './scry.ts';

export const createActivity = ({ database, actAs }: Base & { readonly actAs: ActAs }): Agent => {
  const facts = createActivityFacts(database);
  return {
    name: 'activity',
    scry: createActivityScry(database),
    poke: createActivityPoke(database, actAs),
    watch: async (path, ship) => {
      await facts.begin({ path, ship });
      return { kind: 'watching' };
    },
    factsOf: facts.factsOf,
  };
};
