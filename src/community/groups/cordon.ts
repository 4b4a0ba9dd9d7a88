// Who may come into a group: bans of an open one, invitations and requests of one that is shut.

import { RANKS, type Rank, rankOf } from '../schema/rank.ts';
import type { CordonDiff, Group, OpenCordonDiff, ShutCordonDiff } from '../types/group.ts';
import { type Bans, bansOf } from './entry.ts';
import { withoutShips } from './fleet.ts';
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
  union,
  without,
} from './group-change.ts';
import { channelHostsOf, isAdmin, isMember } from './membership.ts';

export const changeCordon = (hosted: GroupToChange, diff: CordonDiff, { actor }: GroupAction): GroupChange => {
  if ('shut' in diff) return changeInvitations(hosted, diff.shut, actor);
  if (!isAdmin(hosted, actor)) return refused('Only admins of the group say who may join.');
  if ('swap' in diff) return changed({ ...hosted.group, cordon: diff.swap });
  if (!('open' in hosted.group.cordon)) return refused('Only an open group has bans, and this one is not open.');
  return changeBans(hosted, diff.open);
};

export const changeBans = (hosted: GroupToChange, diff: OpenCordonDiff): GroupChange => {
  const { ships, ranks } = bansOf(hosted);
  if ('add-ships' in diff) return setBans(hosted, { ships: union(ships, diff['add-ships']), ranks });
  if ('del-ships' in diff) return setBans(hosted, { ships: difference(ships, diff['del-ships']), ranks });
  if ('del-ranks' in diff) return setBans(hosted, { ships, ranks: difference(ranks, diff['del-ranks']) });
  return setBans(hosted, { ships, ranks: union(ranks, diff['add-ranks']) });
};

/** Whoever is banned now is in the group no longer, and not invited. */
export const setBans = (hosted: GroupToChange, { ships, ranks }: Bans): GroupChange => {
  const { group, entry, host } = hosted;
  const before = bansOf(hosted);
  const unknown = ranks.find((rank) => !RANKS.includes(rank as Rank));
  if (unknown !== undefined) return refused(`"${unknown}" is no rank; there are ${RANKS.join(', ')}.`);
  const hosts = new Set([...channelHostsOf(group), host]);
  const added = difference(ships, before.ships);
  if (added.length > MOST_SHIPS) return refused(TOO_MANY_SHIPS);
  const kept = added.find((ship) => hosts.has(ship));
  if (kept !== undefined) return refused(`${kept} hosts the group or one of its channels, and cannot be banned.`);
  const newRanks = difference(ranks, before.ranks);
  const ofRanks =
    newRanks.length === 0 ? [] : Object.keys(group.fleet).filter((ship) => newRanks.includes(rankOf(ship)));
  const gone = union(added, ofRanks).filter((ship) => isMember(group, ship) && !hosts.has(ship));
  if (gone.length > MOST_SHIPS) {
    return refused(`More than ${MOST_SHIPS} members are of these ranks: remove them first, ${MOST_SHIPS} at once.`);
  }
  const { cordon, fleet } = group;
  const bans = { ships: [...ships], ranks: [...ranks] };
  const after = {
    ...group,
    cordon: 'shut' in cordon ? { shut: withoutShips(cordon.shut, added) } : 'open' in cordon ? { open: bans } : cordon,
    ...(gone.length > 0 && { fleet: without(fleet, gone) }),
  };
  return {
    kind: 'changed',
    group: after,
    consequences: gone.length > 0 ? [{ kind: 'kicked', ships: gone }] : [],
    entry: { ...entry, banned: bans, invited: without(entry.invited, added) },
  };
};

/** Ships ask for themselves, and take that back; admins invite. */
const changeInvitations = (hosted: HostedGroup, diff: ShutCordonDiff, actor: string): GroupChange => {
  const { group } = hosted;
  if (!('shut' in group.cordon)) return refused('Only a group that is shut has invitations and requests.');
  const { pending, ask } = group.cordon.shut;
  const { kind, ships } = 'add-ships' in diff ? diff['add-ships'] : diff['del-ships'];
  if (kind !== 'pending' && kind !== 'ask') return refused(`"${kind}" is neither "pending" nor "ask".`);
  if (ships.length > MOST_SHIPS) return refused(TOO_MANY_SHIPS);
  const isOwn = ships.every((ship) => ship === actor) && (kind === 'ask' || 'del-ships' in diff);
  if (!isOwn && !isAdmin(hosted, actor)) return refused('Only admins of the group invite, and answer requests.');
  const withShut = (shut: { pending: string[]; ask: string[] }): Group => ({ ...group, cordon: { shut } });
  if ('del-ships' in diff) {
    return changed(
      withShut(
        kind === 'ask' ? { pending, ask: difference(ask, ships) } : { pending: difference(pending, ships), ask },
      ),
    );
  }
  const others = ships.filter((ship) => !isMember(group, ship));
  if (kind === 'ask') {
    const asking = difference(others, [...ask, ...pending]);
    const asked = withShut({ pending, ask: union(ask, asking) });
    return asking.length > 0 ? changed(asked, { kind: 'asked', ships: asking }) : changed(asked);
  }
  const invited = difference(others, pending);
  const next = withShut({ pending: union(pending, others), ask: difference(ask, ships) });
  return invited.length > 0 ? changed(next, { kind: 'invited', ships: invited }) : changed(next);
};
