// The airlock with the agents that it serves, joined with the rest of the server.
import { createAgents } from '../airlock/agents/agents.ts';
import { type Airlock, type AirlockSettings, createAirlock } from '../airlock/airlock.ts';
import type { CommunityParts } from './community.ts';
import { createHooksPort } from './hooks-port.ts';

export type AirlockPartsSettings = Omit<AirlockSettings, 'ships' | 'agents' | 'threads'> & {
  readonly community: Pick<CommunityParts, 'ships' | 'community' | 'library'>;
};

export const createAirlockParts = ({ community: parts, ...settings }: AirlockPartsSettings): Airlock => {
  const { ships, community, library } = parts;
  const hooks = createHooksPort({ library, our: ships.host, clock: settings.clock });
  return createAirlock({ ...settings, ships, ...createAgents({ ...settings, ships, hooks, act: community.act }) });
};
