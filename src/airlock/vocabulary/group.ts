// A group as clients have it, of what the community keeps. Nothing is lost on the way, except who
// wrote an invitation and its note: those are told to the ship that is invited.
import aura from '@urbit/aura';
import { bansOf, type Entry, type EntryToken } from '../../community/groups/entry.ts';
import type { GroupGuest, GroupSummary } from '../../community/groups/group-summaries.ts';
import { idFromMillis } from '../../community/schema/id.ts';
import type { TokenScheme } from '../../community/types/entry.ts';
import type { FlaggedContent, Group, Meta } from '../../community/types/group.ts';
import type { Story } from '../../community/types/story.ts';
import { mapValues } from '../../core/json.ts';

export type GroupAndEntry = { readonly group: Group; readonly entry: Entry };

export type Privacy = 'public' | 'private' | 'secret';

type By<T> = Readonly<Record<string, T>>;

export type AirlockToken = { readonly scheme: TokenScheme; readonly expiry: string; readonly label: string | null };

export type AirlockSeat = { readonly roles: readonly string[]; readonly joined: number };

export type AirlockListed = {
  readonly meta: Meta;
  /** ms since the epoch. */
  readonly added: number;
  readonly section: string;
  readonly readers: readonly string[];
  readonly join: boolean;
};

export type AirlockGroup = {
  readonly meta: Meta;
  readonly admissions: {
    readonly privacy: Privacy;
    readonly banned: { readonly ships: readonly string[]; readonly ranks: readonly string[] };
    /** The roles that those have who come. */
    readonly pending: By<readonly string[]>;
    readonly requests: By<{ readonly requestedAt: number; readonly note: Story | null }>;
    readonly tokens: By<AirlockToken>;
    readonly invited: By<{ readonly at: string; readonly token: string | null }>;
    readonly referrals: By<never>;
  };
  readonly seats: By<AirlockSeat>;
  readonly roles: By<Meta>;
  readonly admins: readonly string[];
  readonly channels: By<AirlockListed>;
  /** Those that the ship which reads has joined. */
  readonly 'active-channels': readonly string[];
  readonly sections: By<{ readonly meta: Meta; readonly order: readonly string[] }>;
  readonly 'section-order': readonly string[];
  readonly 'flagged-content': FlaggedContent;
  readonly init: boolean;
  readonly 'member-count': number;
};

export const airlockGroup = ({ group, entry }: GroupAndEntry, activeChannels: readonly string[]): AirlockGroup => ({
  meta: group.meta,
  admissions: admissionsOf({ group, entry }),
  seats: mapValues(group.fleet, ({ sects, joined }) => ({ roles: sects, joined })),
  roles: mapValues(group.cabals, ({ meta }) => meta),
  admins: group.bloc,
  channels: mapValues(group.channels, ({ zone, ...channel }) => ({ ...channel, section: zone })),
  'active-channels': activeChannels,
  sections: mapValues(group.zones, ({ meta, idx }) => ({ meta, order: idx })),
  'section-order': group['zone-ord'],
  'flagged-content': group['flagged-content'],
  init: true,
  'member-count': Object.keys(group.fleet).length,
});

const admissionsOf = ({ group, entry }: GroupAndEntry): AirlockGroup['admissions'] => {
  /** Many are invited at once, and a date takes long to write. */
  const dates = new Map<number, string>();
  const dateAt = (at: number): string => {
    const date = dates.get(at) ?? dateOf(at);
    dates.set(at, date);
    return date;
  };
  return {
    privacy: privacyOf('open' in group.cordon, group.secret),
    banned: bansOf({ group, entry }),
    pending: mapValues(entry.invited, ({ roles }) => roles),
    requests: mapValues(entry.requests, ({ at, note }) => ({ requestedAt: at, note })),
    tokens: mapValues(entry.tokens, airlockToken),
    invited: mapValues(entry.invited, ({ at, token }) => ({ at: dateAt(at), token })),
    referrals: {},
  };
};

/** The words of before: what the community keeps, which has none for the rest. */
export const oldGroup = ({ group }: GroupAndEntry, activeChannels: readonly string[]) => ({
  ...group,
  'active-channels': activeChannels,
  saga: { synced: null },
});

/** An open group is found by everybody, even if it says that it is secret. */
const privacyOf = (isOpen: boolean, isSecret: boolean): Privacy =>
  isOpen ? 'public' : isSecret ? 'secret' : 'private';

export type AirlockPreview = {
  readonly flag: string;
  readonly meta: Meta;
  readonly time: number;
  readonly 'member-count': number;
  readonly privacy: Privacy;
};

export const airlockPreview = ({ flag, meta, created, members, isOpen, isSecret }: GroupSummary): AirlockPreview => ({
  ...{ flag, meta, time: created, 'member-count': members },
  privacy: privacyOf(isOpen, isSecret),
});

const oldPreview = ({ flag, meta, created, isOpen, isSecret }: GroupSummary) => ({
  ...{ flag, meta, time: created, secret: isSecret },
  cordon: isOpen ? { open: { ships: [], ranks: [] } } : { shut: { pending: [], ask: [] } },
});

/** How a ship stands to a group that it is not in. */
export const airlockForeign = ({ invitation, request, ...summary }: GroupGuest) => {
  const preview = airlockPreview(summary);
  const { flag } = summary;
  const invite = invitation && { flag, time: invitation.at, from: invitation.from, token: invitation.token };
  return {
    invites: invite ? [{ ...invite, note: invitation.note, preview, valid: true }] : [],
    ...{ lookup: 'done', preview, progress: request ? 'ask' : null, token: invitation?.token ?? null },
  };
};

/** One that the ship has to do with no longer: it may have come in. */
export const pastForeign = (hasJoined: boolean) => ({
  ...{ invites: [], lookup: null, preview: null, progress: hasJoined ? 'done' : null, token: null },
});

/** The words of before for a foreign group. */
export const oldGang = ({ invitation, request, ...summary }: GroupGuest) => ({
  claim: request ? { progress: 'knocking', 'join-all': true } : null,
  preview: oldPreview(summary),
  invite: invitation && { flag: summary.flag, ship: invitation.from },
});

const airlockToken = ({ scheme, expiry, label }: EntryToken): AirlockToken => ({
  ...{ scheme, label },
  expiry: dateOf(expiry),
});

const dateOf = (ms: number): string => aura.render('da', idFromMillis(ms));
