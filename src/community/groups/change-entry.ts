// Who comes into a group, as clients say it: privacy, bans, invitations, requests and tokens. What
// somebody does for themselves needs no admin.
import type { EntryDiff, TokenDiff } from '../types/entry.ts';
import type { Cordon } from '../types/group.ts';
import type { Story } from '../types/story.ts';
import { changeBans, setBans } from './cordon.ts';
import { bansOf, type Entry, type EntryToken, hasJoined, type Invitation } from './entry.ts';
import { changeFleet, withMembers, withoutShips } from './fleet.ts';
import {
  changed,
  difference,
  type GroupAction,
  type GroupChange,
  type GroupToChange,
  MOST_SHIPS,
  refused,
  TOO_MANY_SHIPS,
  UNCHANGED,
  union,
  without,
} from './group-change.ts';
import { isAdmin, isBanned, isMember } from './membership.ts';

type Invite = Extract<EntryDiff, { invite: unknown }>['invite'];
type Pending = Extract<EntryDiff, { pending: unknown }>['pending'];

const MOST_TOKENS = 100;
/** Invitations take room in the group. */
const MOST_BY_A_MEMBER = 20;
/** Characters as JSON. */
const LONGEST_NOTE = 4_096;

export const changeEntry = (to: GroupToChange, diff: EntryDiff, action: GroupAction): GroupChange => {
  if ('join' in diff) return join(to, diff.join['join-all'], action);
  if ('knock' in diff) return knock(to, diff.knock.note, action);
  if ('rescind' in diff) return withoutRequests(to, [action.actor]);
  if ('decline' in diff) return decline(to, action);
  if ('invite' in diff) return invite(to, diff.invite, action);
  if ('add' in diff) return add(to, diff.add, action);
  if (!isAdmin(to, action.actor)) return refused('Only admins of the group say who may join.');
  if ('privacy' in diff) return setPrivacy(to, diff.privacy);
  if ('ban' in diff) return changeBans(to, diff.ban);
  if ('set-bans' in diff) return setBans(to, diff['set-bans']);
  if ('token' in diff) return changeTokens(to, diff.token);
  if ('pending' in diff) return promiseRoles(to, diff.pending, action);
  if ('revoke' in diff) return withoutInvitations(to, diff.revoke);
  if ('approve' in diff) return approve(to, diff.approve, action);
  return withoutRequests(to, diff.deny);
};

const withEntry = (change: GroupChange, entry: Entry): GroupChange =>
  change.kind === 'changed' ? { ...change, entry } : change;

const setPrivacy = (to: GroupToChange, privacy: string): GroupChange => {
  const { group, entry } = to;
  const { ships, ranks } = bansOf(to);
  if (privacy === 'public') {
    return changed({ ...group, cordon: { open: { ships: [...ships], ranks: [...ranks] } }, secret: false });
  }
  if (privacy !== 'private' && privacy !== 'secret') return refused('A group is public, private or secret.');
  const shut = { pending: Object.keys(entry.invited), ask: Object.keys(entry.requests) };
  const cordon: Cordon = 'shut' in group.cordon ? group.cordon : { shut };
  return changed({ ...group, cordon, secret: privacy === 'secret' });
};

const come = (to: GroupToChange, ships: readonly string[], entry: Entry, { now }: GroupAction): GroupChange => {
  const joined = ships.map((ship) => ({ kind: 'joined', ship, all: true }) as const);
  return withEntry(
    changed(
      withMembers(to, ships, () => now),
      ...joined,
    ),
    {
      ...entry,
      invited: without(entry.invited, ships),
    },
  );
};

/** As whoever adds themselves; and the token of the invitation must be good still. */
const join = (to: GroupToChange, all: boolean, action: GroupAction): GroupChange => {
  const { group, entry } = to;
  const { actor, now } = action;
  if (hasJoined(group, actor)) return UNCHANGED;
  if (isBanned(to, actor)) return refused('You are banned from this group.');
  const added = changeFleet(to, { ships: [actor], diff: { add: null } }, action);
  if (added.kind !== 'changed') return added;
  const token = invitationOf(entry, actor)?.token ?? null;
  const isNeeded = token !== null && !('open' in group.cordon) && !isMember(group, actor);
  if (isNeeded && !isGood(entry, token, actor, now)) return refused('This invitation has expired.');
  return {
    ...added,
    entry: isNeeded ? { ...entry, tokens: used(entry.tokens, token) } : entry,
    consequences: added.consequences.map((what) => (what.kind === 'joined' ? { ...what, all } : what)),
  };
};

/** Whoever has come stays as they are. */
const add = (to: GroupToChange, ships: readonly string[], action: GroupAction): GroupChange => {
  const others = ships.filter((ship) => !hasJoined(to.group, ship));
  return others.length === 0 ? UNCHANGED : changeFleet(to, { ships: others, diff: { add: null } }, action);
};

/** Whoever may come in without asking does. */
const knock = (to: GroupToChange, note: Story | null, action: GroupAction): GroupChange => {
  const { group, entry } = to;
  const { actor, now } = action;
  if (!('shut' in group.cordon) || isMember(group, actor) || Object.hasOwn(entry.invited, actor)) {
    return join(to, true, action);
  }
  if (isBanned(to, actor)) return refused('You are banned from this group.');
  if (isTooLong(note)) return refused(TOO_LONG);
  const { pending, ask } = group.cordon.shut;
  const asked = changed(
    { ...group, cordon: { shut: { pending, ask: union(ask, [actor]) } } },
    ...(ask.includes(actor) ? [] : [{ kind: 'asked', ships: [actor] } as const]),
  );
  return withEntry(asked, { ...entry, requests: { ...entry.requests, [actor]: { at: now, note } } });
};

const withoutRequests = ({ group, entry }: GroupToChange, ships: readonly string[]): GroupChange => {
  const { cordon } = group;
  if (!('shut' in cordon)) return UNCHANGED;
  const { pending, ask } = cordon.shut;
  return withEntry(changed({ ...group, cordon: { shut: { pending, ask: difference(ask, ships) } } }), {
    ...entry,
    requests: without(entry.requests, ships),
  });
};

const withoutInvitations = ({ group, entry }: GroupToChange, ships: readonly string[]): GroupChange => {
  const { cordon } = group;
  const shut = 'shut' in cordon && { ...cordon.shut, pending: difference(cordon.shut.pending, ships) };
  return withEntry(changed({ ...group, cordon: shut ? { shut } : cordon }), {
    ...entry,
    invited: without(entry.invited, ships),
  });
};

/** Whoever was added and has not come is in the group no longer. */
const decline = (to: GroupToChange, action: GroupAction): GroupChange => {
  const { actor } = action;
  if (hasJoined(to.group, actor)) return UNCHANGED;
  if (!isMember(to.group, actor)) return withoutInvitations(to, [actor]);
  const gone = changeFleet(to, { ships: [actor], diff: { del: null } }, action);
  return withEntry(gone, { ...to.entry, invited: without(to.entry.invited, [actor]) });
};

/** Members invite to an open group, admins to any. */
const invite = (to: GroupToChange, { ships, token, note }: Invite, action: GroupAction): GroupChange => {
  const { group, entry } = to;
  const { actor, now } = action;
  if (!isAdmin(to, actor)) {
    if (!('open' in group.cordon && hasJoined(group, actor))) return refused('Only admins of the group invite to it.');
    const own = Object.values(entry.invited).filter(({ from }) => from === actor);
    if (own.length + ships.length > MOST_BY_A_MEMBER) {
      return refused(`A member invites at most ${MOST_BY_A_MEMBER} ships that have not come yet.`);
    }
  }
  if (ships.length > MOST_SHIPS) return refused(TOO_MANY_SHIPS);
  const banned = ships.find((ship) => isBanned(to, ship));
  if (banned !== undefined) return refused(`${banned} is banned from this group.`);
  if (isTooLong(note)) return refused(TOO_LONG);
  if (token !== null && !isAlive(entry, token, now)) return refused('There is no such token, or it has expired.');
  const guests = ships.filter((ship) => !isMember(group, ship));
  const fresh = { from: actor, at: now, token, note };
  return withInvitations(to, guests, (known) => ({ ...fresh, roles: known?.roles ?? [] }));
};

const withInvitations = (
  { group, entry }: GroupToChange,
  ships: readonly string[],
  invitation: (known: Invitation | undefined) => Invitation,
): GroupChange => {
  const { cordon } = group;
  const invited = ships.filter((ship) => !Object.hasOwn(entry.invited, ship));
  const added = ships.map((ship) => [ship, invitation(invitationOf(entry, ship))]);
  const shut = 'shut' in cordon && {
    pending: union(cordon.shut.pending, ships),
    ask: difference(cordon.shut.ask, ships),
  };
  return withEntry(
    changed(
      { ...group, cordon: shut ? { shut } : cordon },
      ...(invited.length > 0 ? [{ kind: 'invited', ships: invited } as const] : []),
    ),
    { ...entry, invited: { ...entry.invited, ...Object.fromEntries(added) } },
  );
};

const promiseRoles = (to: GroupToChange, { ships, roles }: Pending, { actor, now }: GroupAction) => {
  const unknown = roles.find((role) => !Object.hasOwn(to.group.cabals, role));
  if (unknown !== undefined) return refused(`The role "${unknown}" is not defined in this group.`);
  if (ships.length > MOST_SHIPS) return refused(TOO_MANY_SHIPS);
  const fresh = { from: actor, at: now, token: null, note: null };
  const guests = ships.filter((ship) => !isMember(to.group, ship));
  return withInvitations(to, guests, (known) => ({ ...(known ?? fresh), roles: union([], roles) }));
};

const approve = (to: GroupToChange, ships: readonly string[], action: GroupAction): GroupChange => {
  const asking = ships.filter((ship) => Object.hasOwn(to.entry.requests, ship));
  return asking.length === 0 ? UNCHANGED : come(to, asking, to.entry, action);
};

const changeTokens = ({ group, entry }: GroupToChange, diff: TokenDiff): GroupChange => {
  if ('del' in diff) {
    const holders = Object.entries(entry.invited).flatMap(([ship, { token }]) => (token === diff.del ? [ship] : []));
    const { cordon } = group;
    const shut = 'shut' in cordon && withoutShips(cordon.shut, holders);
    return withEntry(changed({ ...group, cordon: shut ? { shut } : cordon }), {
      ...entry,
      tokens: without(entry.tokens, [diff.del]),
      invited: without(entry.invited, holders),
    });
  }
  const { token, ...made } = diff.add;
  if (Object.keys(entry.tokens).length >= MOST_TOKENS) return refused(`A group has at most ${MOST_TOKENS} tokens.`);
  if (Object.hasOwn(entry.tokens, token)) return refused('There is a token of that number already.');
  return withEntry(changed(group), { ...entry, tokens: { ...entry.tokens, [token]: made } });
};

const invitationOf = ({ invited }: Entry, ship: string): Invitation | undefined =>
  Object.hasOwn(invited, ship) ? invited[ship] : undefined;

const isAlive = ({ tokens }: Entry, token: string, now: number): boolean =>
  Object.hasOwn(tokens, token) && (tokens[token]?.expiry ?? 0) > now;

const isGood = (entry: Entry, token: string, ship: string, now: number): boolean => {
  if (!isAlive(entry, token, now)) return false;
  const { scheme } = entry.tokens[token] as EntryToken;
  return !('personal' in scheme) || scheme.personal === ship;
};

/** A limited one lets one less in. */
const used = (tokens: Entry['tokens'], token: string): Entry['tokens'] => {
  const known = tokens[token];
  if (!known || !('limited' in known.scheme)) return tokens;
  const { limited } = known.scheme;
  return limited > 1
    ? { ...tokens, [token]: { ...known, scheme: { limited: limited - 1 } } }
    : without(tokens, [token]);
};

const TOO_LONG = `A note has at most ${LONGEST_NOTE} characters as JSON.`;
const isTooLong = (note: Story | null): boolean => JSON.stringify(note).length > LONGEST_NOTE;
