// The agent of groups: those that a ship is in, those that it may come into, and what is done to
// them.
import type { Act } from '../../../community/community.ts';
import type { Base } from '../../../database/base.ts';
import type { Agent, Json, WatchResult } from '../agent.ts';
import { createGroupFacts, isWatchedPath } from './group-facts.ts';
import { createGroupPokes } from './group-pokes.ts';
import { createKnownGroups } from './known-groups.ts';
import {
  readAirlockGroup,
  readAirlockGroups,
  readChannelPreview,
  readForeigns,
  readHostIndex,
  readOldGangs,
  readOldGroup,
  readOldGroups,
  readPreview,
} from './read-groups.ts';

export type GroupsSettings = Pick<Base, 'database' | 'clock'> & { readonly act: Act };

const NEW_GROUPS = /^\/v2(?:\/ui)?\/groups$/;
const NEW_GROUP = /^\/v2(?:\/ui)?\/groups\/([^/]+\/[^/]+)$/;
const OLD_GROUPS = /^(?:\/v[01])?(?:\/ui)?\/groups(?:\/light)?$/;
const OLD_GROUP = /^(?:\/v[01])?(?:\/ui)?\/groups\/([^/]+\/[^/]+)$/;
const OLD_GANGS = /^(?:\/v[01])?\/gangs$/;
const FOREIGN = /^\/v1\/foreigns\/([^/]+\/[^/]+)$/;
const PREVIEW = /^(?:\/v[01])?\/gangs\/([^/]+\/[^/]+)\/preview$/;
const INDEX = /^(?:\/v[01])?\/gangs\/index\/([^/]+)$/;
const CHANNEL = /^(?:\/v[01])?\/chan\/(.+)$/;

export const createGroups = ({ database, clock, act }: GroupsSettings): Agent => {
  const known = createKnownGroups(database);
  const once = (mark: string, json: Json): WatchResult => ({ kind: 'once', fact: { mark, json } });
  const flagIn = (pattern: RegExp, path: string): string | undefined => pattern.exec(path)?.[1];

  return {
    name: 'groups',
    scry: async (path, ship) => {
      if (NEW_GROUPS.test(path)) return readAirlockGroups(database, ship);
      if (path === '/v1/foreigns') return readForeigns(database, ship);
      if (OLD_GROUPS.test(path)) return readOldGroups(database, ship);
      if (OLD_GANGS.test(path)) return readOldGangs(database, ship);
      const foreign = flagIn(FOREIGN, path);
      if (foreign !== undefined) return (await readForeigns(database, ship))[foreign];
      const flag = flagIn(NEW_GROUP, path);
      if (flag !== undefined) return readAirlockGroup(database, ship, flag);
      const old = flagIn(OLD_GROUP, path);
      return old === undefined ? undefined : readOldGroup(database, ship, old);
    },
    poke: createGroupPokes({ act, clock }),
    watch: async (path, ship) => {
      const [flag, host, nest] = [PREVIEW, INDEX, CHANNEL].map((pattern) => flagIn(pattern, path));
      if (flag !== undefined) return once('group-preview', await readPreview(database, ship, flag));
      if (host !== undefined) return once('group-previews', await readHostIndex(database, ship, host));
      if (nest !== undefined) return once('channel-preview', await readChannelPreview(database, ship, nest));
      if (isWatchedPath(path)) await known.begin(ship);
      return { kind: 'watching' };
    },
    factsOf: createGroupFacts(database, known),
  };
};
