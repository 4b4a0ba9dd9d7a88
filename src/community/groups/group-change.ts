// What comes of an action on a group: the group as it is then, and what others have to hear or do.
import type { ActionSections, EntryDiff } from '../types/entry.ts';
import type { DiffGroups, Group } from '../types/group.ts';
import type { Entry } from './entry.ts';

/** A group, and the ship that it belongs to. */
export type HostedGroup = { readonly host: string; readonly group: Group };

/** With what it knows of those who come. */
export type GroupToChange = HostedGroup & { readonly entry: Entry };

export type Sections = Omit<ActionSections, 'flag'>;

/** What is done to a group: what hooks ask for, and what else clients do. */
export type GroupDiff = DiffGroups | { readonly entry: EntryDiff } | { readonly sections: Sections };

export type GroupAction = {
  /** Who acts. */
  readonly actor: string;
  /** ms since the epoch. */
  readonly now: number;
};

export type GroupChange =
  | {
      readonly kind: 'changed';
      readonly group: Group;
      /** undefined: it follows from the group. */
      readonly entry?: Entry;
      readonly consequences: readonly Consequence[];
    }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'deleted' }
  /** `reason` is for whoever acted. */
  | { readonly kind: 'refused'; readonly reason: string };

export type Consequence =
  /** They lose the group and its channels. */
  | { readonly kind: 'kicked'; readonly ships: readonly string[] }
  | { readonly kind: 'invited'; readonly ships: readonly string[] }
  /** `all`: it comes into every channel that it may read, and not only those that are marked so. */
  | { readonly kind: 'joined'; readonly ship: string; readonly all?: boolean }
  | { readonly kind: 'left'; readonly ship: string }
  | { readonly kind: 'asked'; readonly ships: readonly string[] }
  /** Somebody else gave them these roles. */
  | { readonly kind: 'roles-given'; readonly ships: readonly string[]; readonly roles: readonly string[] }
  /** It can stand no longer among the writers of a channel. */
  | { readonly kind: 'role-deleted'; readonly role: string }
  | { readonly kind: 'channel-listed'; readonly nest: string }
  | { readonly kind: 'flagged'; readonly nest: string; readonly post: string; readonly reply: string | null };

export const UNCHANGED: GroupChange = { kind: 'unchanged' };

export const changed = (group: Group, ...consequences: readonly Consequence[]): GroupChange => ({
  kind: 'changed',
  group,
  consequences,
});

export const refused = (reason: string): GroupChange => ({ kind: 'refused', reason });

/** Each of them is told of it, and so are the admins. */
export const MOST_SHIPS = 1_000;
export const TOO_MANY_SHIPS = `At most ${MOST_SHIPS} ships are added, removed, invited, banned or given roles at once.`;

export const without = <V>(record: Readonly<Record<string, V>>, keys: readonly string[]): Record<string, V> => {
  const gone = new Set(keys);
  return Object.fromEntries(Object.entries(record).filter(([key]) => !gone.has(key)));
};

/** The members of both, each once, in the order in which they came. */
export const union = (list: readonly string[], more: readonly string[]): string[] => [...new Set([...list, ...more])];

export const difference = (list: readonly string[], fewer: readonly string[]): string[] => {
  const gone = new Set(fewer);
  return list.filter((one) => !gone.has(one));
};
