// What ships do to groups: the change itself, and what it means for members, their channels and
// what they are told.
import { turnIfLarge } from '../../core/clock.ts';
import type { Transaction } from '../../database/database.ts';
import { type ActIn, type Acting, type ActResult, DONE, refuse } from '../acting.ts';
import { removeEverywhere } from '../activity/act.ts';
import { type NewActivity, recordActivity } from '../activity/record.ts';
import { readChannel, readChannelsOf, readChannelToChange, storeChannel } from '../channels/channel-store.ts';
import { joinChannels, leaveChannels, readMembersOf } from '../channels/membership-store.ts';
import { digits, replyOf } from '../channels/post-command.ts';
import { readPost } from '../channels/post-store.ts';
import { changeGroup } from '../groups/change-group.ts';
import { fitEntry, type GroupAndEntry, NO_ENTRY } from '../groups/entry.ts';
import {
  type Consequence,
  difference,
  type GroupDiff,
  MOST_SHIPS,
  TOO_MANY_SHIPS,
  union,
} from '../groups/group-change.ts';
import {
  type GroupTexts,
  readGroupToChange,
  removeGroup,
  type StoredGroup,
  storeGroup,
  storeNewGroup,
  textsOf,
} from '../groups/group-store.ts';
import { hostOf, isAdmin, isMember, mayKnow, mayRead } from '../groups/membership.ts';
import { newGroup } from '../groups/new-group.ts';
import { idFromMillis, withDots } from '../schema/id.ts';
import type { IncomingEvent } from '../types/activity.ts';
import type { ActionEntry, ActionSections } from '../types/entry.ts';
import type { ActionGroups, FlagContent, Group } from '../types/group.ts';

const toEach = (owners: readonly string[], event: IncomingEvent): NewActivity[] =>
  owners.map((owner) => ({ owner, event }));

/**
 * Those of these ships join these channels that may read them. Very many are not told of it: they
 * find it in their group.
 */
const join = async (
  tx: Transaction,
  hosted: StoredGroup,
  nests: readonly string[],
  ships: readonly string[],
  acting: Acting,
): Promise<void> => {
  const pairs = nests.flatMap((nest) =>
    ships.filter((ship) => mayRead(hosted, nest, ship)).map((ship) => ({ nest, ship })),
  );
  const { flag } = hosted;
  for (let start = 0; start < pairs.length; start += MOST_TOLD) {
    const some = pairs.slice(start, start + MOST_TOLD);
    const joined = await joinChannels(tx, flag, some, String(idFromMillis(acting.now)));
    const told = pairs.length > MOST_TOLD ? [] : joined;
    await recordActivity(
      tx,
      told.map(({ nest, ship }) => ({ owner: ship, event: { 'chan-init': { channel: nest, group: flag } } })),
      acting.now,
    );
  }
};

/** The channels that new members join by themselves. */
const joinedByAll = ({ channels }: Group): string[] =>
  Object.entries(channels).flatMap(([nest, channel]) => (channel.join ? [nest] : []));

/** Ships have nothing to read in a group that they are not in any more. */
const leaveAll = async (tx: Transaction, flag: string, ships: readonly string[]): Promise<void> => {
  const channels = await readChannelsOf(tx, flag);
  await leaveChannels(
    tx,
    channels.map(({ nest }) => nest),
    ships,
  );
  await removeEverywhere(tx, ships, { group: flag });
};

type Changed = {
  /** As it is after the change. */
  readonly hosted: StoredGroup;
  /** Without the one who acts. */
  readonly admins: readonly string[];
};

/** Rows that tell ships of one action: 50 ms. */
const MOST_TOLD = 4_000;

const whyTooMany = ({ admins }: Changed, consequences: readonly Consequence[]): string | undefined => {
  const most = Math.max(1, Math.floor(MOST_TOLD / (admins.length + 1)));
  const isTooMany = consequences.some(
    (what) => (what.kind === 'kicked' || what.kind === 'asked') && what.ships.length > most,
  );
  const joined = consequences.filter(({ kind }) => kind === 'joined').length;
  return isTooMany || joined > most
    ? `At most ${most} ships at once: each of the ${admins.length} admins is told of each.`
    : undefined;
};

/** What a change means for others; answers what they are told of it. */
const follow = async (
  tx: Transaction,
  { hosted, admins }: Changed,
  what: Consequence,
  acting: Acting,
): Promise<readonly NewActivity[]> => {
  const { flag, group } = hosted;
  switch (what.kind) {
    case 'left':
      await leaveAll(tx, flag, [what.ship]);
      return toEach(admins, { 'group-kick': { group: flag, ship: what.ship } });
    case 'kicked':
      await leaveAll(tx, flag, what.ships);
      return what.ships.flatMap((ship) => toEach([...admins, ship], { 'group-kick': { group: flag, ship } }));
    case 'invited':
      return toEach(what.ships, { 'group-invite': { group: flag, ship: acting.actor } });
    case 'joined':
      await join(tx, hosted, what.all ? Object.keys(group.channels) : joinedByAll(group), [what.ship], acting);
      return toEach(admins, { 'group-join': { group: flag, ship: what.ship } });
    case 'asked':
      return what.ships.flatMap((ship) => toEach(admins, { 'group-ask': { group: flag, ship } }));
    case 'roles-given':
      return what.ships.map((ship) => ({
        owner: ship,
        event: { 'group-role': { group: flag, ship, roles: [...what.roles] } },
      }));
    case 'role-deleted':
      await deleteWriters(tx, flag, what.role);
      return [];
    case 'channel-listed': {
      const members = Object.entries(group.fleet).flatMap(([ship, { joined }]) => (joined > 0 ? [ship] : []));
      await join(tx, hosted, [what.nest], members, acting);
      return [];
    }
    case 'flagged':
      return toEach(admins, flagEvent(flag, what));
  }
};

const create = async (tx: Transaction, flag: string, group: Group, acting: Acting): Promise<ActResult> => {
  if (hostOf(flag) !== acting.actor) return refuse('You can make groups of your own only.');
  const { fleet, cabals, zones } = newGroup({ host: acting.actor, title: '', now: acting.now });
  const members = Object.entries({ ...fleet, ...group.fleet });
  const whole: Group = {
    ...group,
    // What no group is without. Only the host has come by now.
    fleet: Object.fromEntries(
      members.map(([ship, { sects }]) => [ship, { sects, joined: ship === acting.actor ? acting.now : 0 }]),
    ),
    cabals: { ...cabals, ...group.cabals },
    zones: { ...zones, ...group.zones },
    'zone-ord': [...new Set([...group['zone-ord'], ...Object.keys({ ...zones, ...group.zones })])],
  };
  const others = difference(Object.keys(whole.fleet), [acting.actor]);
  if (others.length > MOST_SHIPS) return refuse(TOO_MANY_SHIPS);
  const fresh = { group: whole, entry: NO_ENTRY };
  const fitting = { group: whole, entry: fitEntry(fresh, fresh, acting) };
  const texts = textsOf(fitting);
  const tooLarge = whyTooLarge(whole, texts);
  if (tooLarge !== undefined) return refuse(tooLarge);
  if (!(await storeNewGroup(tx, flag, fitting, texts))) return refuse(`There is a group ${flag} already.`);
  const invitations = toEach(others, { 'group-invite': { group: flag, ship: acting.actor } });
  await recordActivity(tx, invitations, acting.now);
  return DONE;
};

/** Members and channels, roles and reports: about 50,000 members. */
const LARGEST_GROUP = 4 * 1024 * 1024;
const MOST_ROLES = 1_000;

const whyTooLarge = ({ cabals, bloc }: Group, { group, entry }: GroupTexts): string | undefined => {
  if (Math.max(Object.keys(cabals).length, bloc.length) > MOST_ROLES) {
    return `A group has at most ${MOST_ROLES} roles, and as many that make an admin.`;
  }
  return Buffer.byteLength(group) + Buffer.byteLength(entry) > LARGEST_GROUP
    ? `A group has at most ${LARGEST_GROUP} bytes as JSON.`
    : undefined;
};

const isThere = async (tx: Transaction, flag: string, asked: FlagContent): Promise<boolean> => {
  const {
    nest,
    'post-key': { post, reply },
  } = asked;
  if ((await readChannel(tx, nest))?.flag !== flag) return false;
  const known = await readPost(tx, nest, digits(post));
  if (known === undefined || known === 'deleted') return false;
  return reply === null || replyOf(known, reply) !== undefined;
};

export const actOnGroups: ActIn<ActionGroups> = (tx, { flag, update: { diff } }, acting) =>
  'create' in diff ? create(tx, flag, diff.create, acting) : changeStored(tx, flag, diff, acting);

export const actOnEntry: ActIn<ActionEntry> = (tx, { flag, diff }, acting) =>
  changeStored(tx, flag, { entry: diff }, acting);

export const actOnSections: ActIn<ActionSections> = (tx, { flag, ...sections }, acting) =>
  changeStored(tx, flag, { sections }, acting);

const changeStored = async (tx: Transaction, flag: string, diff: GroupDiff, acting: Acting): Promise<ActResult> => {
  const stored = await readGroupToChange(tx, flag);
  if (!stored || !mayKnow(stored, acting.actor)) return refuse(`There is no group ${flag}.`);
  const change = changeGroup(stored, diff, acting);
  if (change.kind === 'refused') return refuse(change.reason);
  if (change.kind === 'unchanged') return DONE;
  if ('flag-content' in diff && !(await isThere(tx, flag, diff['flag-content']))) {
    return refuse(`${flag} has no such post in ${diff['flag-content'].nest}.`);
  }
  if (change.kind === 'deleted') {
    await removeGroup(tx, stored);
    const { group, entry } = stored;
    await removeEverywhere(tx, union(Object.keys(group.fleet), Object.keys(entry.invited)), { group: flag });
    return DONE;
  }
  const texts = textsOf(change);
  await turnIfLarge(texts.group.length);
  const tooLarge = whyTooLarge(change.group, texts);
  if (tooLarge !== undefined) return refuse(tooLarge);
  const after = { ...stored, group: change.group };
  const admins = Object.keys(after.group.fleet).filter((ship) => ship !== acting.actor && isAdmin(after, ship));
  const changed = { hosted: after, admins };
  const tooMany = whyTooMany(changed, change.consequences);
  if (tooMany !== undefined) return refuse(tooMany);
  await storeGroup(tx, stored, change, texts);
  const uninvited = uninvitedBy(stored, change);
  if (uninvited.length > 0) await removeEverywhere(tx, uninvited, { group: flag });
  for (const consequence of change.consequences) {
    await recordActivity(tx, await follow(tx, changed, consequence, acting), acting.now);
  }
  if (mayCloseChannels(diff)) await closeChannels(tx, after);
  return DONE;
};

/** Whoever declined, and whose invitation was taken back. */
const uninvitedBy = (before: GroupAndEntry, after: GroupAndEntry): string[] =>
  Object.keys(before.entry.invited).filter(
    (ship) => !Object.hasOwn(after.entry.invited, ship) && !isMember(after.group, ship),
  );

/** Whether it may take from somebody what they could read before. */
const mayCloseChannels = (diff: GroupDiff): boolean =>
  'cabal' in diff ||
  'bloc' in diff ||
  ('channel' in diff && !['add', 'join', 'zone'].some((harmless) => harmless in diff.channel.diff)) ||
  ('fleet' in diff && 'del-sects' in diff.fleet.diff) ||
  'cordon' in diff ||
  ('entry' in diff && 'ban' in diff.entry);

/** Whoever may read a channel no longer is in it no longer. */
const closeChannels = async (tx: Transaction, hosted: StoredGroup): Promise<void> => {
  for (const { nest } of await readChannelsOf(tx, hosted.flag)) {
    if (hosted.group.channels[nest]?.readers.length === 0) continue; // every member reads it
    for (let after: string | undefined = ''; after !== undefined; ) {
      const ships = await readMembersOf(tx, nest, after);
      await leaveChannels(
        tx,
        [nest],
        ships.filter((ship) => !mayRead(hosted, nest, ship)),
      );
      after = ships.at(-1);
    }
  }
};

const deleteWriters = async (tx: Transaction, flag: string, role: string): Promise<void> => {
  for (const { nest } of await readChannelsOf(tx, flag)) {
    const channel = await readChannelToChange(tx, nest);
    if (!channel?.doc.writers.includes(role)) continue;
    const writers = difference(channel.doc.writers, [role]);
    await storeChannel(tx, channel, { ...channel.doc, writers }, { writers });
  }
};

const flagEvent = (group: string, { nest, post, reply }: Extract<Consequence, { kind: 'flagged' }>): IncomingEvent => {
  const keyOf = (id: string) => ({ id: `${hostOf(nest)}/${withDots(id)}`, time: withDots(id) });
  return reply === null
    ? { 'flag-post': { key: keyOf(post), channel: nest, group } }
    : { 'flag-reply': { key: keyOf(reply), parent: keyOf(post), channel: nest, group } };
};
