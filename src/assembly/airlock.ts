// The airlock with the agents that it serves, joined with the rest of the server.
import { createAgents } from '../airlock/agents/agents.ts';
import { type Airlock, type AirlockSettings, createAirlock } from '../airlock/airlock.ts';
import type { CommunityParts } from './community.ts';

export type AirlockPartsSettings = Omit<AirlockSettings, 'ships' | 'agents' | 'threads'> & {
  readonly community: Pick<CommunityParts, 'ships' | 'community'>;
};

export const createAirlockParts = ({ community: parts, ...settings }: AirlockPartsSettings): Airlock => {
  const { ships, community } = parts;
  return createAirlock({ ...settings, ships, ...createAgents({ ...settings, ships, act: community.act }) });
};
