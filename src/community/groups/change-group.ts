// One action on a group, by whoever it is: the one place where users' commands, hooks' effects and
// clients' pokes change a group.
import { isDeepStrictEqual } from 'node:util';
import type { BlocDiff, DiffGroups } from '../types/group.ts';
import { changeCordon } from './cordon.ts';
import { flagContent } from './flagged-content.ts';
import { changeFleet } from './fleet.ts';
import {
  changed,
  difference,
  type GroupAction,
  type GroupChange,
  type HostedGroup,
  refused,
  UNCHANGED,
  union,
} from './group-change.ts';
import { changeListedChannel } from './listed-channels.ts';
import { isAdmin } from './membership.ts';
import { changeRole } from './roles.ts';
import { changeSection } from './sections.ts';

/** Pure: the same group and action give the same change. */
export const changeGroup = (hosted: HostedGroup, diff: DiffGroups, action: GroupAction): GroupChange => {
  const change = apply(hosted, diff, action);
  if (change.kind !== 'changed' || change.consequences.length > 0) return change;
  return isDeepStrictEqual(change.group, hosted.group) ? UNCHANGED : change;
};

const apply = (hosted: HostedGroup, diff: DiffGroups, action: GroupAction): GroupChange => {
  const { group } = hosted;
  // What others than admins may do as well asks for itself.
  if ('fleet' in diff) return changeFleet(hosted, diff.fleet, action);
  if ('cordon' in diff) return changeCordon(hosted, diff.cordon, action);
  if ('flag-content' in diff) return flagContent(hosted, diff['flag-content'], action);
  if ('create' in diff) return refused('This group exists already.');
  if (!isAdmin(hosted, action.actor)) return refused('Only admins of the group may do this.');
  if ('channel' in diff) return changeListedChannel(group, diff.channel);
  if ('cabal' in diff) return changeRole(group, diff.cabal);
  if ('bloc' in diff) return changed({ ...group, bloc: applyBloc(group.bloc, diff.bloc) });
  if ('zone' in diff) return changeSection(group, diff.zone);
  if ('meta' in diff) return changed({ ...group, meta: diff.meta });
  if ('secret' in diff) return changed({ ...group, secret: diff.secret });
  return { kind: 'deleted' };
};

const applyBloc = (bloc: readonly string[], diff: BlocDiff): string[] =>
  'add' in diff ? union(bloc, diff.add) : difference(bloc, diff.del);
