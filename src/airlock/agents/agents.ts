// All agents that this server has.
import type { Act } from '../../community/community.ts';
import type { Ships } from '../../community/ships/ships.ts';
import type { Base } from '../../database/base.ts';
import type { Agent, Thread } from './agent.ts';
import { hood } from './hood.ts';

export type AgentsSettings = Base & {
  readonly act: Act;
  readonly ships: Ships;
};

export const createAgents = (_settings: AgentsSettings): { agents: readonly Agent[]; threads: readonly Thread[] } => ({
  agents: [hood],
  threads: [],
});
