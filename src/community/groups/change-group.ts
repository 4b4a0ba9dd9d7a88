// One action on a group, by whoever it is: the one place where users' commands, hooks' effects and
// clients' pokes change a group.
import { isDeepStrictEqual } from 'node:util';
import type { BlocDiff } from '../types/group.ts';
import { changeEntry } from './change-entry.ts';
import { changeCordon } from './cordon.ts';
import { type Entry, fitEntry } from './entry.ts';
import { flagContent } from './flagged-content.ts';
import { changeFleet } from './fleet.ts';
import {
  changed,
  difference,
  type GroupAction,
  type GroupChange,
  type GroupDiff,
  type GroupToChange,
  refused,
  union,
} from './group-change.ts';
import { changeListedChannel } from './listed-channels.ts';
import { isAdmin } from './membership.ts';
import { changeRole } from './roles.ts';
import { changeSection, withSections } from './sections.ts';

/** As it is stored. */
type StoredChange =
  | Exclude<GroupChange, { kind: 'changed' }>
  | (Extract<GroupChange, { kind: 'changed' }> & { entry: Entry });

/** Pure: the same group and action give the same change. */
export const changeGroup = (hosted: GroupToChange, diff: GroupDiff, action: GroupAction): StoredChange => {
  const change = apply(hosted, diff, action);
  if (change.kind !== 'changed') return change;
  const entry = fitEntry(hosted, { group: change.group, entry: change.entry ?? hosted.entry }, action);
  const isAsBefore = isDeepStrictEqual(change.group, hosted.group) && isDeepStrictEqual(entry, hosted.entry);
  return change.consequences.length === 0 && isAsBefore ? { kind: 'unchanged' } : { ...change, entry };
};

const apply = (hosted: GroupToChange, diff: GroupDiff, action: GroupAction): GroupChange => {
  const { group } = hosted;
  // What others than admins may do as well asks for itself.
  if ('fleet' in diff) return changeFleet(hosted, diff.fleet, action);
  if ('entry' in diff) return changeEntry(hosted, diff.entry, action);
  if ('cordon' in diff) return changeCordon(hosted, diff.cordon, action);
  if ('flag-content' in diff) return flagContent(hosted, diff['flag-content'], action);
  if ('create' in diff) return refused('This group exists already.');
  if (!isAdmin(hosted, action.actor)) return refused('Only admins of the group may do this.');
  if ('channel' in diff) return changeListedChannel(group, diff.channel);
  if ('cabal' in diff) return changeRole(group, diff.cabal);
  if ('bloc' in diff) return changed({ ...group, bloc: applyBloc(group.bloc, diff.bloc) });
  if ('zone' in diff) return changeSection(group, diff.zone);
  if ('sections' in diff) return changed(withSections(group, diff.sections));
  if ('meta' in diff) return changed({ ...group, meta: diff.meta });
  if ('secret' in diff) return changed({ ...group, secret: diff.secret });
  return { kind: 'deleted' };
};

const applyBloc = (bloc: readonly string[], diff: BlocDiff): string[] =>
  'add' in diff ? union(bloc, diff.add) : difference(bloc, diff.del);
