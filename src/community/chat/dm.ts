// Conversations of two ships, and notes to oneself.
import type { Transaction } from '../../database/database.ts';
import { type ActIn, type Acting, type ActResult, DONE, refuse } from '../acting.ts';
import { removeSource } from '../activity/act.ts';
import { recordActivity } from '../activity/record.ts';
import type { Change } from '../changes/change.ts';
import { recordChanges } from '../changes/record-changes.ts';
import { idFromMillis, STEP } from '../schema/id.ts';
import { unknownShips, whyNoShip } from '../ships/ships.ts';
import type { ActionDM } from '../types/chat.ts';
import { applyMessage } from './apply-message.ts';
import { blockersOf } from './blocks.ts';
import { addChats, type Chat, lockPairOf, removeChat, storeChats } from './chat-store.ts';

/** The first message opens the conversation; whoever answers has accepted it. */
export const actOnDm: ActIn<ActionDM> = async (tx, { ship, diff: { id, delta } }, acting) => {
  const { actor } = acting;
  if ((await unknownShips(tx, [ship])).length > 0) return refuse(whyNoShip(ship));
  const blockers = ship === actor ? new Set() : await blockersEitherWay(tx, actor, ship);
  if (blockers.has(ship)) return refuse(`${ship} takes no messages from ${actor}.`);
  if (blockers.has(actor)) return refuse(`You have blocked ${ship}.`);
  const speaks = 'add' in delta;
  const chats = speaks ? await open(tx, ship, acting) : await lockPairOf(tx, actor, ship);
  if (!chats.some(({ owner }) => owner === actor)) return DONE;
  const result = await applyMessage(tx, { id, delta, chats }, acting);
  if (result.kind === 'refused') return result;
  if (speaks && chats.some(({ owner, state }) => owner === actor && state === 'invited'))
    await accept(tx, chats, actor);
  return result;
};

const blockersEitherWay = async (tx: Transaction, one: string, other: string): Promise<ReadonlySet<string>> =>
  new Set([...(await blockersOf(tx, one, [other])), ...(await blockersOf(tx, other, [one]))]);

/** Both copies; those that are missing are made. */
const open = async (tx: Transaction, ship: string, { actor, now }: Acting): Promise<readonly Chat[]> => {
  const known = await lockPairOf(tx, actor, ship);
  const hasOwn = known.some(({ owner }) => owner === actor);
  const hasOther = ship === actor || known.some(({ owner }) => owner === ship);
  if (hasOwn && hasOther) return known;
  // Whoever answers after having declined is as one that was invited.
  const state = ship === actor ? 'open' : hasOther ? 'invited' : 'inviting';
  await addChats(tx, [
    { owner: actor, whom: ship, state, club: null },
    ...(ship === actor ? [] : [{ owner: ship, whom: actor, state: 'invited' as const, club: null }]),
  ]);
  const chats = await lockPairOf(tx, actor, ship);
  // Somebody else may have opened it meanwhile.
  const isNewToOther = !hasOther && chats.some(({ owner, state }) => owner === ship && state === 'invited');
  if (isNewToOther) {
    const time = String(idFromMillis(now) - STEP); // before the message
    await recordActivity(tx, [{ owner: ship, time, event: { 'dm-invite': { ship: actor } } }], now);
    await recordChanges(tx, [invitationsOf(ship)]);
  }
  return chats;
};

const accept = async (tx: Transaction, chats: readonly Chat[], invited: string): Promise<void> => {
  await storeChats(
    tx,
    chats.map((chat) => ({ ...chat, state: 'open' as const })),
  );
  await recordChanges(tx, [invitationsOf(invited)]);
};

const invitationsOf = (owner: string): Change => ({ kind: 'dm-invitations', owners: [owner] });

/** What an invited ship answers; who declines keeps nothing of the conversation. */
export const answerDm = async (
  tx: Transaction,
  { ship, ok }: { readonly ship: string; readonly ok: boolean },
  { actor }: Acting,
): Promise<ActResult> => {
  const chats = await lockPairOf(tx, actor, ship);
  const own = chats.find(({ owner }) => owner === actor);
  if (!own) return refuse(`You have no conversation with ${ship}.`);
  if (ok) {
    if (own.state === 'invited') await accept(tx, chats, actor);
    return DONE;
  }
  await removeSource(tx, actor, { dm: { ship } });
  await removeChat(tx, actor, ship);
  await recordChanges(tx, [invitationsOf(actor)]);
  return DONE;
};
