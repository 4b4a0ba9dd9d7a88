// The agent of channels: what a ship reads of them, does in them and watches.
import type { Database } from '../../../database/database.ts';
import type { ActAs } from '../acting.ts';
import type { Agent, Fact, Json } from '../agent.ts';
import { communityAction } from './pokes.ts';
import { readableChannel } from './readable-channel.ts';
import { saidFact } from './said.ts';
import { scryChannels } from './scry.ts';
import { createFactsOf } from './told.ts';

export type ChannelsSettings = {
  readonly database: Database;
  readonly actAs: ActAs;
  /** What hooks there are on a channel, for whoever reads it. */
  readonly previewHooks: (nest: string) => Promise<Json>;
};

const PREVIEW = /^\/v1\/hooks\/preview\/([^/]+\/[^/]+\/[^/]+)$/;

export const createChannelsAgent = ({ database, actAs, previewHooks }: ChannelsSettings): Agent => {
  const previewFact = async (path: string, ship: string): Promise<Fact | undefined> => {
    const [, nest] = PREVIEW.exec(path) ?? [];
    if (nest === undefined) return undefined;
    return { json: (await readableChannel(database, nest, ship)) ? await previewHooks(nest) : [] };
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
