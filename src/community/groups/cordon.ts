// Who may come into a group: bans of an open one, invitations and requests of one that is shut.

import { RANKS, type Rank, rankOf } from '../schema/rank.ts';
import type { CordonDiff, Group, OpenCordonDiff, ShutCordonDiff } from '../types/group.ts';
import {
  changed,
  difference,
  type GroupAction,
  type GroupChange,
  type HostedGroup,
  MOST_SHIPS,
  refused,
  TOO_MANY_SHIPS,
  union,
  without,
} from './group-change.ts';
import { channelHostsOf, isAdmin, isMember } from './membership.ts';

export const changeCordon = (hosted: HostedGroup, diff: CordonDiff, { actor }: GroupAction): GroupChange => {
  if ('shut' in diff) return changeInvitations(hosted, diff.shut, actor);
  if (!isAdmin(hosted, actor)) return refused('Only admins of the group say who may join.');
  if ('swap' in diff) return changed({ ...hosted.group, cordon: diff.swap });
  return changeBans(hosted, diff.open);
};

const changeBans = (hosted: HostedGroup, diff: OpenCordonDiff): GroupChange => {
  const { group, host } = hosted;
  if (!('open' in group.cordon)) return refused('Only an open group has bans, and this one is not open.');
  const { ships, ranks } = group.cordon.open;
  const withBans = (open: { ships: string[]; ranks: string[] }): Group => ({ ...group, cordon: { open } });
  const hosts = channelHostsOf(group);
  const stays = (ship: string) => ship === host || hosts.has(ship);
  if ('add-ships' in diff) {
    if (diff['add-ships'].length > MOST_SHIPS) return refused(TOO_MANY_SHIPS);
    const kept = diff['add-ships'].find(stays);
    if (kept !== undefined) return refused(`${kept} hosts the group or one of its channels, and cannot be banned.`);
    return remove(withBans({ ships: union(ships, diff['add-ships']), ranks }), diff['add-ships']);
  }
  if ('del-ships' in diff) return changed(withBans({ ships: difference(ships, diff['del-ships']), ranks }));
  const named = 'add-ranks' in diff ? diff['add-ranks'] : diff['del-ranks'];
  const unknown = named.find((rank) => !RANKS.includes(rank as Rank));
  if (unknown !== undefined) return refused(`"${unknown}" is no rank; there are ${RANKS.join(', ')}.`);
  if ('del-ranks' in diff) return changed(withBans({ ships, ranks: difference(ranks, named) }));
  const gone = Object.keys(group.fleet).filter((ship) => named.includes(rankOf(ship)) && !stays(ship));
  if (gone.length > MOST_SHIPS) {
    return refused(`More than ${MOST_SHIPS} members are of these ranks: remove them first, ${MOST_SHIPS} at once.`);
  }
  return remove(withBans({ ships, ranks: union(ranks, named) }), gone);
};

const remove = (group: Group, ships: readonly string[]): GroupChange => {
  const gone = ships.filter((ship) => isMember(group, ship));
  if (gone.length === 0) return changed(group);
  return changed({ ...group, fleet: without(group.fleet, gone) }, { kind: 'kicked', ships: gone });
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
