// A group chat without a host: who is in it, who is invited, what it is called. Each member keeps a
// copy, and all apply the same changes.
import type { ClubDelta } from '../types/chat.ts';
import type { Meta } from '../types/group.ts';

export type Club = {
  readonly team: readonly string[];
  readonly hive: readonly string[];
  readonly meta: Meta;
};

export type ClubChange =
  | { readonly kind: 'changed'; readonly club: Club; readonly invited: readonly string[] }
  /** The ship has left, and keeps no copy. */
  | { readonly kind: 'left' }
  | { readonly kind: 'unchanged' };

export const NO_CLUB: Club = { team: [], hive: [], meta: { title: '', description: '', image: '', cover: '' } };

const UNCHANGED: ClubChange = { kind: 'unchanged' };

export const isInClub = ({ team, hive }: Club, ship: string): boolean => team.includes(ship) || hive.includes(ship);

/** Who acts, and whose copy of the club this is. */
export type ClubAction = { readonly actor: string; readonly owner: string };

/** What becomes of a copy; its messages are kept elsewhere. */
export const changeClub = (
  club: Club,
  delta: Exclude<ClubDelta, { writ: unknown }>,
  { actor, owner }: ClubAction,
): ClubChange => {
  const changed = (change: Partial<Club>, invited: readonly string[] = []): ClubChange => ({
    kind: 'changed',
    club: { ...club, ...change },
    invited,
  });
  if ('init' in delta) {
    const isNew = club.team.length + club.hive.length === 0 && club.meta.title === '';
    if (!isNew) return UNCHANGED;
    const { team, hive, meta } = delta.init;
    const named = [...new Set([...team, ...hive])];
    // Nobody answers for others: in the team is only whoever acts.
    const isIn = (ship: string) => ship === actor && team.includes(ship);
    const invited = named.filter((ship) => !isIn(ship));
    return changed({ team: named.filter(isIn), hive: invited, meta }, invited);
  }
  if ('meta' in delta) return changed({ meta: delta.meta });
  if ('team' in delta) {
    const { ship, ok } = delta.team;
    if (club.team.includes(ship)) {
      if (ok) return UNCHANGED;
      if (actor === owner) return { kind: 'left' }; // whoever is named: nobody removes others from a club
      return ship === actor ? changed({ team: club.team.filter((one) => one !== ship) }) : UNCHANGED;
    }
    if (!club.hive.includes(ship)) return UNCHANGED;
    const hive = club.hive.filter((one) => one !== ship);
    return changed(ok ? { hive, team: [...club.team, ship] } : { hive });
  }
  const { for: ship, add, by } = delta.hive;
  if (!club.team.includes(by) || club.team.includes(ship) || club.hive.includes(ship) === add) return UNCHANGED;
  return add
    ? changed({ hive: [...club.hive, ship] }, [ship])
    : changed({ hive: club.hive.filter((one) => one !== ship) });
};
