// The agent of installed apps: there are none.
import type { Agent } from './agent.ts';

export const docket: Agent = {
  name: 'docket',
  scry: async (path) => (path === '/charges' ? { initial: {} } : undefined),
};
