// Who is what in a group, and what they may do because of it.

import { rankOf } from '../schema/rank.ts';
import type { Group } from '../types/group.ts';
import { bansOf, isSecret, NO_ENTRY } from './entry.ts';
import type { GroupToChange, HostedGroup } from './group-change.ts';

export const isMember = ({ fleet }: Group, ship: string): boolean => Object.hasOwn(fleet, ship);

export const rolesOf = ({ fleet }: Group, ship: string): readonly string[] =>
  Object.hasOwn(fleet, ship) ? (fleet[ship]?.sects ?? []) : [];

/** The host always is; others by a role that counts as an admin's. */
export const isAdmin = ({ host, group }: HostedGroup, ship: string): boolean =>
  ship === host || hasAny(rolesOf(group, ship), group.bloc);

/**
 * Its host and the hosts of its channels cannot be banned. Members of a shut group are not, as
 * whoever is banned is a member no longer: for them the entry is not needed.
 */
export const isBanned = (hosted: HostedGroup | GroupToChange, ship: string): boolean => {
  const { host, group } = hosted;
  if (ship === host) return false;
  const { ships, ranks } = bansOf('entry' in hosted ? hosted : { group, entry: NO_ENTRY });
  return ships.includes(ship) || (ranks.includes(rankOf(ship)) && !channelHostsOf(group).has(ship));
};

export const channelHostsOf = ({ channels }: Group): ReadonlySet<string> => new Set(Object.keys(channels).map(hostOf));

/**
 * The channel belongs to this group. No readers: all members read. Admins read what the group
 * lists, and everybody reads their own channels.
 */
export const mayRead = (hosted: HostedGroup, nest: string, ship: string): boolean => {
  if (hostOf(nest) === ship) return true;
  const channel = Object.hasOwn(hosted.group.channels, nest) ? hosted.group.channels[nest] : undefined;
  if (!channel) return false;
  if (isAdmin(hosted, ship)) return true;
  return isMember(hosted.group, ship) && allows(channel.readers, rolesOf(hosted.group, ship));
};

/** No writers: all members write. `writers` are kept with the channel, not with the group. */
export const mayWrite = (hosted: HostedGroup, nest: string, ship: string, writers: readonly string[]): boolean => {
  if (hostOf(nest) === ship || isAdmin(hosted, ship)) return true;
  if (!isMember(hosted.group, ship) || isBanned(hosted, ship)) return false;
  return allows(writers, rolesOf(hosted.group, ship));
};

/** An empty list of roles is everybody. */
const allows = (needed: readonly string[], roles: readonly string[]): boolean =>
  needed.length === 0 || hasAny(roles, needed);

/** Lists of a group as sets: all members may be asked about, and it is never changed in place. */
const sets = new WeakMap<readonly string[], ReadonlySet<string>>();

const hasAny = (roles: readonly string[], wanted: readonly string[]): boolean => {
  if (roles.length === 0) return false;
  const set = sets.get(wanted) ?? new Set(wanted);
  sets.set(wanted, set);
  return roles.some((role) => set.has(role));
};

/** The ship in `chat/~host/name` and in `~host/name`. */
export const hostOf = (name: string): string => name.split('/').at(-2) ?? '';

/** Nobody else learns that a secret group is there. */
export const mayKnow = ({ host, group, entry }: GroupToChange, ship: string): boolean =>
  !isSecret(group) ||
  ship === host ||
  isMember(group, ship) ||
  Object.hasOwn(entry.invited, ship) ||
  Object.hasOwn(entry.requests, ship);
