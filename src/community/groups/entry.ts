// What a group knows of bans, invitations and requests beyond its cordon, which names ships only,
// and has no bans while it is shut.
import type { TokenScheme } from '../types/entry.ts';
import type { Group } from '../types/group.ts';
import type { Story } from '../types/story.ts';

export type Bans = { readonly ships: readonly string[]; readonly ranks: readonly string[] };

export type Invitation = {
  readonly from: string;
  /** ms since the epoch. */
  readonly at: number;
  readonly token: string | null;
  readonly note: Story | null;
  /** Those that the ship will have when it comes. */
  readonly roles: readonly string[];
};

export type EntryRequest = {
  /** ms since the epoch. */
  readonly at: number;
  readonly note: Story | null;
};

export type EntryToken = {
  readonly scheme: TokenScheme;
  /** ms since the epoch. */
  readonly expiry: number;
  readonly label: string | null;
};

export type Entry = {
  /** While the group is shut; an open one has them in its cordon. */
  readonly banned: Bans;
  /** By ship. While the group is shut, those that its cordon calls pending. */
  readonly invited: Readonly<Record<string, Invitation>>;
  /** By ship: those that the cordon of a shut group says ask. */
  readonly requests: Readonly<Record<string, EntryRequest>>;
  readonly tokens: Readonly<Record<string, EntryToken>>;
};

export const NO_ENTRY: Entry = { banned: { ships: [], ranks: [] }, invited: {}, requests: {}, tokens: {} };

export type GroupAndEntry = { readonly group: Group; readonly entry: Entry };
type By = { readonly actor: string; readonly now: number };

export const bansOf = ({ group, entry }: GroupAndEntry): Bans =>
  'open' in group.cordon ? group.cordon.open : entry.banned;

export const hasJoined = ({ fleet }: Group, ship: string): boolean =>
  Object.hasOwn(fleet, ship) && (fleet[ship]?.joined ?? 0) > 0;

export const isSecret = ({ cordon, secret }: Group): boolean => secret && !('open' in cordon);

/** The entry that fits the group as it is now, whoever changed it in which way. */
export const fitEntry = (before: GroupAndEntry, { group, entry }: GroupAndEntry, { actor, now }: By): Entry => {
  const wasOpen = 'open' in before.group.cordon && entry.banned === before.entry.banned;
  const bans = wasOpen ? bansOf(before) : entry.banned;
  const { cordon } = group;
  if ('shut' in cordon) {
    const { pending, ask } = cordon.shut;
    return {
      ...entry,
      banned: bans,
      invited: detailsOf(pending, entry.invited, { from: actor, at: now, token: null, note: null, roles: [] }),
      requests: detailsOf(ask, entry.requests, { at: now, note: null }),
    };
  }
  const invited = Object.entries(entry.invited).filter(([ship]) => !hasJoined(group, ship));
  return {
    ...entry,
    banned: 'open' in cordon ? NO_ENTRY.banned : bans,
    invited: Object.fromEntries(invited),
    requests: {},
  };
};

const detailsOf = <D>(ships: readonly string[], known: Readonly<Record<string, D>>, fresh: D): Record<string, D> =>
  Object.fromEntries(ships.map((ship) => [ship, Object.hasOwn(known, ship) ? (known[ship] as D) : fresh]));

/** Whoever is invited or asks, and those that were added and have not come. */
export const guestsOf = ({ group, entry }: GroupAndEntry): ReadonlySet<string> =>
  new Set(
    [entry.invited, entry.requests, group.fleet].flatMap((ships) =>
      Object.keys(ships).filter((ship) => !hasJoined(group, ship)),
    ),
  );
