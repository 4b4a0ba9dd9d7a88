// The agent that a client greets first, and asks for the programs of the ship.
import { type Agent, DONE } from './agent.ts';

export const hood: Agent = {
  name: 'hood',
  scry: async (path) => (path === '/kiln/pikes' ? {} : undefined),
  poke: async (mark) => (mark === 'helm-hi' ? DONE : undefined),
};
