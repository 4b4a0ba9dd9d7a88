// The agent of channels: what a ship reads of them, does in them and watches.
import type { Database } from '../../../database/database.ts';
import type { ActAs } from '../acting.ts';
import type { Agent, Fact, Json } from '../agent.ts';
import { communityAction } from './pokes.ts';
import { saidFact } from './said.ts';
import { scryChannels } from './scry.ts';
import { createFactsOf } from './told.ts';

export type ChannelsSettings = {
  readonly database: Database;
  readonly actAs: ActAs;
  /** What hooks there are on a channel; undefined: the ship may not read it. */
  readonly previewHooks: (nest: string, ship: string) => Promise<Json | undefined>;
};

const PREVIEW = /^\/v1\/hooks\/preview\/([^/]+\/[^/]+\/[^/]+)$/;

export const createChannelsAgent = ({ database, actAs, previewHooks }: ChannelsSettings): Agent => {
  const previewFact = async (path: string, ship: string): Promise<Fact | undefined> => {
    const [, nest] = PREVIEW.exec(path) ?? [];
    if (nest === undefined) return undefined;
    return { json: (await previewHooks(nest, ship)) ?? [] };
  };

  return {
    name: 'channels',
    scry: (path, ship) => scryChannels(database, path, ship),
    poke: async (mark, json, ship) => {
      const action = communityAction(mark, json);
      return action === undefined ? undefined : actAs(action, ship);
    },
    watch: async (path, ship) => {
      const fact = (await saidFact(database, path, ship)) ?? (await previewFact(path, ship));
      return fact ? { kind: 'once', fact } : { kind: 'watching' };
    },
    factsOf: createFactsOf(database),
  };
};
