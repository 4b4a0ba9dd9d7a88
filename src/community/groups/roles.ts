// The roles that a group defines.
import { mapValues } from '../../core/json.ts';
import type { DiffGroups, Group } from '../types/group.ts';
import { changed, difference, type GroupChange, refused, UNCHANGED, without } from './group-change.ts';

type RoleChange = Extract<DiffGroups, { cabal: unknown }>['cabal'];

export const changeRole = (group: Group, { sect, diff }: RoleChange): GroupChange => {
  const isDefined = Object.hasOwn(group.cabals, sect);
  if ('del' in diff) return isDefined ? deleteRole(group, sect) : UNCHANGED;
  if ('add' in diff && isDefined) return refused(`The role "${sect}" is defined already; edit it.`);
  if ('edit' in diff && !isDefined) return refused(`The role "${sect}" is not defined; add it first.`);
  const meta = 'add' in diff ? diff.add : diff.edit;
  return changed({ ...group, cabals: { ...group.cabals, [sect]: { meta } } });
};

/** It stays in `bloc`, as a role of that name that is defined again is an admin's again. */
const deleteRole = (group: Group, role: string): GroupChange => {
  const fleet = mapValues(group.fleet, (member) => ({ ...member, sects: difference(member.sects, [role]) }));
  const channels = mapValues(group.channels, (one) => ({ ...one, readers: difference(one.readers, [role]) }));
  const rest = { ...group, fleet, channels, cabals: without(group.cabals, [role]) };
  return changed(rest, { kind: 'role-deleted', role });
};
