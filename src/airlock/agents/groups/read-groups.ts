// What a ship reads of groups: those that it is in, and what it may know of others.
import { readChannel } from '../../../community/channels/channel-store.ts';
import { readMembershipsOf } from '../../../community/channels/membership-store.ts';
import { hasJoined } from '../../../community/groups/entry.ts';
import { readGroup, type WholeGroup } from '../../../community/groups/group-store.ts';
import {
  type GroupGuest,
  readGuestSummaries,
  readHostedSummaries,
  readJoinedGroups,
  readSummary,
} from '../../../community/groups/group-summaries.ts';
import { mayRead } from '../../../community/groups/membership.ts';
import { normalizeShip } from '../../../community/schema/ship.ts';
import type { Group } from '../../../community/types/group.ts';
import { nextTurn } from '../../../core/clock.ts';
import type { Queryable } from '../../../database/database.ts';
import { airlockForeign, airlockGroup, airlockPreview, oldGang, oldGroup } from '../../vocabulary/group.ts';
import type { Json } from '../agent.ts';

type Words = (group: WholeGroup, activeChannels: readonly string[]) => Json;

/** Which of the channels of a group the ship has joined. */
export type ActiveChannels = (group: Group) => readonly string[];

export const readActiveChannels = async (from: Queryable, ship: string): Promise<ActiveChannels> => {
  const joined = new Set((await readMembershipsOf(from, ship)).map(({ nest }) => nest));
  return ({ channels }) => Object.keys(channels).filter((nest) => joined.has(nest));
};

/** By flag. A group may be large: others have their turn before each, and before all are sent. */
const groupsIn =
  (words: Words) =>
  async (from: Queryable, ship: string): Promise<Readonly<Record<string, Json>>> => {
    const active = await readActiveChannels(from, ship);
    const found: Record<string, Json> = {};
    for (const whole of await readJoinedGroups(from, ship)) {
      await nextTurn();
      found[whole.flag] = words(whole, active(whole.group));
    }
    await nextTurn();
    return found;
  };

const groupIn =
  (words: Words) =>
  async (from: Queryable, ship: string, flag: string): Promise<Json | undefined> => {
    const whole = await readGroup(from, flag);
    if (!whole || !(hasJoined(whole.group, ship) || whole.host === ship)) return undefined;
    return words(whole, (await readActiveChannels(from, ship))(whole.group));
  };

export const readAirlockGroups = groupsIn(airlockGroup);
export const readAirlockGroup = groupIn(airlockGroup);
export const readOldGroups = groupsIn(oldGroup);
export const readOldGroup = groupIn(oldGroup);

const guestsIn =
  (words: (guest: GroupGuest) => Json) =>
  async (from: Queryable, ship: string): Promise<Readonly<Record<string, Json>>> =>
    Object.fromEntries((await readGuestSummaries(from, ship)).map((guest) => [guest.flag, words(guest)]));

export const readForeigns = guestsIn(airlockForeign);
export const readOldGangs = guestsIn(oldGang);

/** null: there is no such group, or none that the ship may know of. */
export const readPreview = async (from: Queryable, ship: string, flag: string): Promise<Json> => {
  const summary = await readSummary(from, ship, flag);
  return summary ? airlockPreview(summary) : null;
};

/** Those of a host that everybody finds, by flag. */
export const readHostIndex = async (from: Queryable, ship: string, host: string): Promise<Json> => {
  const name = normalizeShip(host);
  const hosted = name === null ? [] : await readHostedSummaries(from, ship, name);
  return Object.fromEntries(hosted.map((summary) => [summary.flag, airlockPreview(summary)]));
};

/** null: there is none that the ship could read, now or once it has come into the group. */
export const readChannelPreview = async (from: Queryable, ship: string, nest: string): Promise<Json> => {
  const flag = (await readChannel(from, nest))?.flag;
  const whole = flag === undefined ? undefined : await readGroup(from, flag);
  const listed = whole && Object.hasOwn(whole.group.channels, nest) ? whole.group.channels[nest] : undefined;
  if (!whole || !listed) return null;
  const isForAll = 'open' in whole.group.cordon && listed.readers.length === 0;
  if (!isForAll && !mayRead(whole, nest, ship)) return null;
  return { nest, meta: listed.meta, group: await readPreview(from, ship, whole.flag) };
};
