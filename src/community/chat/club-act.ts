// Group chats without a host: what one does to their copy is done to the copy of everybody who is
// in it or invited.
import type { Transaction } from '../../database/database.ts';
import { type ActIn, type Acting, type ActResult, DONE, refuse } from '../acting.ts';
import { removeSource } from '../activity/act.ts';
import { recordActivity } from '../activity/record.ts';
import { recordChanges } from '../changes/record-changes.ts';
import { unknownShips, whyNoShip } from '../ships/ships.ts';
import type { ActionClub, ClubDelta } from '../types/chat.ts';
import { applyMessage } from './apply-message.ts';
import { blockersOf } from './blocks.ts';
import { addChats, type Chat, lockClubOf, removeChat, storeChats } from './chat-store.ts';
import { type Club, type ClubChange, changeClub, isInClub, NO_CLUB } from './club.ts';

/** In it and invited. */
const MOST_IN_CLUB = 100;
const LARGEST_META_BYTES = 10_000;

export const actOnClub: ActIn<ActionClub> = async (tx, { id, diff: { delta } }, acting) => {
  const copies = await lockClubOf(tx, id);
  const own = copies.find(({ owner }) => owner === acting.actor);
  if ('init' in delta) return begin(tx, { id, copies, init: delta.init }, acting);
  if (!own?.club || !isInClub(own.club, acting.actor)) return refuse('You are not in this club.');
  const others = copies.filter(({ owner, club }) => owner !== acting.actor && club && isInClub(club, acting.actor));
  const chats = [own, ...others];
  if ('writ' in delta) return applyMessage(tx, { ...delta.writ, chats }, acting);
  return change(tx, { id, own, chats, delta }, acting);
};

type ClubInit = Extract<ClubDelta, { init: unknown }>['init'];

const begin = async (
  tx: Transaction,
  { id, copies, init }: { readonly id: string; readonly copies: readonly Chat[]; readonly init: ClubInit },
  acting: Acting,
): Promise<ActResult> => {
  const { actor, now } = acting;
  if (copies.some(({ owner }) => owner === actor)) return DONE; // it has begun
  if (copies.length > 0) return refuse(`There is a club ${id} already.`);
  const begun = changeClub(NO_CLUB, { init }, { actor, owner: actor });
  if (begun.kind !== 'changed') return DONE;
  const { team, hive, meta } = begun.club;
  if (!team.includes(actor)) return refuse('Whoever begins a club is in its team.');
  const owners = [...team, ...hive];
  const refusal = await whyNotInvited(tx, begun.club, owners, actor);
  if (refusal !== undefined) return refuse(refusal);
  await addChats(
    tx,
    owners.map((owner) => copyOf(id, owner, begun.club)),
  );
  await tell(tx, id, begun.invited, now);
  const told = { team: [...team], hive: [...hive], meta };
  await recordChanges(tx, [{ kind: 'club', id, owners, delta: { init: told } }]);
  return DONE;
};

const copyOf = (whom: string, owner: string, club: Club) => ({
  ...{ owner, whom, club },
  state: club.team.includes(owner) ? ('open' as const) : ('invited' as const),
});

const tell = (tx: Transaction, club: string, owners: readonly string[], now: number) =>
  recordActivity(
    tx,
    owners.map((owner) => ({ owner, event: { 'dm-invite': { club } } })),
    now,
  );

/** Why these cannot be put into the club. */
const whyNotInvited = async (
  tx: Transaction,
  { team, hive, meta }: Club,
  ships: readonly string[],
  actor: string,
): Promise<string | undefined> => {
  if (team.length + hive.length > MOST_IN_CLUB) return `A club has at most ${MOST_IN_CLUB} ships, with those invited.`;
  const tooLarge = whyNoMeta(meta);
  if (tooLarge !== undefined) return tooLarge;
  const [unknown] = await unknownShips(tx, ships);
  if (unknown !== undefined) return whyNoShip(unknown);
  const [blocker] = await blockersOf(tx, actor, ships);
  return blocker === undefined ? undefined : `${blocker} takes no messages from ${actor}.`;
};

const whyNoMeta = (meta: Club['meta']): string | undefined =>
  Buffer.byteLength(JSON.stringify(meta)) > LARGEST_META_BYTES
    ? `The title and what belongs to it have at most ${LARGEST_META_BYTES} bytes.`
    : undefined;

type PlainDelta = Exclude<ClubDelta, { writ: unknown } | { init: unknown }>;

type ClubAction = {
  readonly id: string;
  readonly own: Chat;
  readonly chats: readonly Chat[];
  readonly delta: PlainDelta;
};

const change = async (tx: Transaction, { id, own, chats, delta }: ClubAction, acting: Acting): Promise<ActResult> => {
  const { actor, now } = acting;
  const club = own.club as Club;
  const refusal = whyNot(club, delta, actor);
  if (refusal !== undefined) return refuse(refusal);
  const changed = changeClub(club, delta, { actor, owner: actor });
  if (changed.kind === 'unchanged') return DONE;
  if (changed.kind === 'left') return leave(tx, id, chats, acting);
  const notInvited = await whyNotInvited(tx, changed.club, changed.invited, actor);
  if (notInvited !== undefined) return refuse(notInvited);
  await spread(tx, chats, (chat) => changeClub(chat.club as Club, delta, { actor, owner: chat.owner }));
  await addChats(
    tx,
    changed.invited.map((owner) => copyOf(id, owner, changed.club)),
  );
  await tell(tx, id, changed.invited, now);
  await recordChanges(tx, [{ kind: 'club', id, owners: [...ownersOf(chats), ...changed.invited], delta }]);
  return DONE;
};

/** What the rules of a copy do not ask: whether the one who acts is the one who is named. */
const whyNot = (club: Club, delta: PlainDelta, actor: string): string | undefined => {
  const isMember = club.team.includes(actor);
  if ('team' in delta) {
    const { ship, ok } = delta.team;
    const answersForOther = ship !== actor && !club.team.includes(ship);
    return answersForOther || (ok && ship !== actor) ? `Only ${ship} can answer its invitation.` : undefined;
  }
  if (!isMember) return 'Only members of a club change it.';
  if ('meta' in delta) return whyNoMeta(delta.meta);
  return delta.hive.by === actor ? undefined : `You are ${actor}, and cannot invite as ${delta.hive.by}.`;
};

/** Whoever leaves drops their own copy; to the others they are out of the team. */
const leave = async (tx: Transaction, id: string, chats: readonly Chat[], { actor }: Acting): Promise<ActResult> => {
  const delta = { team: { ship: actor, ok: false } };
  await spread(tx, chats, (chat) => changeClub(chat.club as Club, delta, { actor, owner: chat.owner }));
  await drop(tx, actor, id);
  await recordChanges(tx, [{ kind: 'club', id, owners: ownersOf(chats), delta }]);
  return DONE;
};

const ownersOf = (chats: readonly Chat[]) => chats.map(({ owner }) => owner);

const drop = async (tx: Transaction, owner: string, id: string): Promise<void> => {
  await removeSource(tx, owner, { dm: { club: id } });
  await removeChat(tx, owner, id);
};

/** A copy whose owner is no longer in the club goes. */
const spread = async (tx: Transaction, chats: readonly Chat[], apply: (chat: Chat) => ClubChange): Promise<void> => {
  const kept: Chat[] = [];
  for (const chat of chats) {
    const after = apply(chat);
    if (after.kind !== 'changed') continue;
    if (isInClub(after.club, chat.owner)) kept.push({ ...chat, ...copyOf(chat.whom, chat.owner, after.club) });
    else await drop(tx, chat.owner, chat.whom);
  }
  await storeChats(tx, kept);
};
