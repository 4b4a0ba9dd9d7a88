// The members of a group: who is added, who goes, and which roles they have.
import type { DiffGroups, Fleet, Group } from '../types/group.ts';
import { hasJoined } from './entry.ts';
import {
  changed,
  difference,
  type GroupAction,
  type GroupChange,
  type GroupToChange,
  type HostedGroup,
  MOST_SHIPS,
  refused,
  TOO_MANY_SHIPS,
  UNCHANGED,
  union,
  without,
} from './group-change.ts';
import { channelHostsOf, isAdmin, isBanned, isMember } from './membership.ts';
import { ADMIN_ROLE } from './new-group.ts';

type FleetChange = Extract<DiffGroups, { fleet: unknown }>['fleet'];

export const changeFleet = (
  hosted: GroupToChange,
  { ships, diff }: FleetChange,
  { actor, now }: GroupAction,
): GroupChange => {
  if (ships.length > MOST_SHIPS) return refused(TOO_MANY_SHIPS);
  if ('add' in diff) return addMembers(hosted, ships, actor, now);
  if ('del' in diff) return removeMembers(hosted, ships, actor);
  if (!isAdmin(hosted, actor)) return refused('Only admins of the group give and take roles.');
  return 'add-sects' in diff
    ? giveRoles(hosted.group, ships, diff['add-sects'], actor)
    : takeRoles(hosted, ships, diff['del-sects']);
};

const addMembers = (hosted: GroupToChange, ships: readonly string[], actor: string, now: number): GroupChange => {
  const { group } = hosted;
  const reason = whyNotAdded(hosted, ships, actor);
  if (reason !== undefined) return refused(reason);
  const invited = difference(ships, [actor]);
  return changed(
    // A member of their own accord has joined; one that was added has not come yet.
    withMembers(hosted, ships, (ship) => (ship === actor ? now : 0)),
    ...(invited.length > 0 ? [{ kind: 'invited', ships: invited } as const] : []),
    ...(ships.includes(actor) && !hasJoined(group, actor) ? [{ kind: 'joined', ship: actor } as const] : []),
  );
};

/** With the roles that were promised to them, if there still are such roles. */
export const withMembers = (
  { group, entry }: GroupToChange,
  ships: readonly string[],
  joinedOf: (ship: string) => number,
): Group => {
  const promised = (ship: string) =>
    (Object.hasOwn(entry.invited, ship) ? (entry.invited[ship]?.roles ?? []) : []).filter((role) =>
      Object.hasOwn(group.cabals, role),
    );
  const added = ships.map((ship): [string, Fleet[string]] => [
    ship,
    { sects: union(group.fleet[ship]?.sects ?? [], promised(ship)), joined: joinedOf(ship) },
  ]);
  const cordon = 'shut' in group.cordon ? { shut: withoutShips(group.cordon.shut, ships) } : group.cordon;
  return { ...group, fleet: { ...group.fleet, ...Object.fromEntries(added) }, cordon };
};

const whyNotAdded = (hosted: GroupToChange, ships: readonly string[], actor: string): string | undefined => {
  const { cordon } = hosted.group;
  if (actor === hosted.host) return undefined; // whoever is invited by the host may come, banned or not
  if (!isAdmin(hosted, actor) && ships.some((ship) => ship !== actor)) return 'Only admins of the group add others.';
  if ('shut' in cordon) {
    const pending = new Set(cordon.shut.pending);
    const mayCome = (ship: string) => pending.has(ship) || isMember(hosted.group, ship);
    return ships.every(mayCome) ? undefined : 'Only ships that are invited can be added to this group.';
  }
  if (isAdmin(hosted, actor)) return undefined;
  if ('afar' in cordon) return 'Another agent decides who joins this group.';
  return isBanned(hosted, actor) ? 'You are banned from this group.' : undefined;
};

export const withoutShips = (
  { pending, ask }: { readonly pending: string[]; readonly ask: string[] },
  ships: readonly string[],
) => ({ pending: difference(pending, ships), ask: difference(ask, ships) });

const removeMembers = (hosted: HostedGroup, ships: readonly string[], actor: string): GroupChange => {
  const { group, host } = hosted;
  const leaves = ships.every((ship) => ship === actor);
  if (!leaves && !isAdmin(hosted, actor)) return refused('Only admins of the group remove others.');
  const hosts = channelHostsOf(group);
  const kept = ships.find((ship) => ship === host || hosts.has(ship));
  if (kept !== undefined) return refused(`${kept} hosts the group or one of its channels, and cannot be removed.`);
  const gone = ships.filter((ship) => isMember(group, ship));
  if (gone.length === 0) return UNCHANGED;
  const rest = { ...group, fleet: without(group.fleet, gone) };
  return leaves ? changed(rest, { kind: 'left', ship: actor }) : changed(rest, { kind: 'kicked', ships: gone });
};

const giveRoles = (group: Group, ships: readonly string[], roles: readonly string[], actor: string): GroupChange => {
  const defined = roles.filter((role) => Object.hasOwn(group.cabals, role));
  const members = ships.filter((ship) => isMember(group, ship));
  if (defined.length === 0 || members.length === 0) return UNCHANGED;
  const fleet = withRoles(group.fleet, members, (sects) => union(sects, defined));
  const others = members.filter((ship) => ship !== actor);
  if (others.length === 0) return changed({ ...group, fleet });
  return changed({ ...group, fleet }, { kind: 'roles-given', ships: others, roles: defined });
};

const takeRoles = ({ host, group }: HostedGroup, ships: readonly string[], roles: readonly string[]): GroupChange => {
  if (ships.includes(host) && roles.includes(ADMIN_ROLE)) return UNCHANGED;
  const members = ships.filter((ship) => isMember(group, ship));
  return changed({ ...group, fleet: withRoles(group.fleet, members, (sects) => difference(sects, roles)) });
};

const withRoles = (fleet: Fleet, ships: readonly string[], change: (roles: readonly string[]) => string[]): Fleet => ({
  ...fleet,
  ...Object.fromEntries(
    ships.flatMap((ship) => {
      const member = fleet[ship];
      return member ? [[ship, { ...member, sects: change(member.sects) }]] : [];
    }),
  ),
});
