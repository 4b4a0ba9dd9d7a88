// What clients do in conversations: by mark, in any age of the protocol.
import type { ActIn, ActResult } from '../../../community/acting.ts';
import { chat } from '../../../community/chat/chat.ts';
import { normalizeShip } from '../../../community/schema/ship.ts';
import { unknownShips, whyNoShip } from '../../../community/ships/ships.ts';
import type { Clock } from '../../../core/clock.ts';
import type { Database } from '../../../database/database.ts';
import { isObject, type JsonObject, objectOf } from '../../vocabulary/json.ts';
import { communityWritsDelta } from '../../vocabulary/messages.ts';
import type { ActAs } from '../acting.ts';
import { DONE, type Json, type PokeResult, refuse } from '../agent.ts';

export type ChatPokeSettings = {
  readonly database: Database;
  readonly clock: Clock;
  readonly actAs: ActAs;
};

type Poke = (json: Json, ship: string) => Promise<PokeResult>;

const NO_META = { title: '', description: '', image: '', cover: '' };
const MESSAGE_ID = /^~[a-z-]{3,62}\/\d{1,3}(\.\d{3})*$/;

export const createChatPoke = ({ database, clock, actAs }: ChatPokeSettings) => {
  /** What is no action of its own: done in a transaction. */
  const inTransaction = async <Asked>(act: ActIn<Asked>, asked: Asked, actor: string): Promise<PokeResult> => {
    const result: ActResult = await database.transaction((tx) => act(tx, asked, { actor, now: clock.now() }));
    return result.kind === 'refused' ? refuse(result.reason) : DONE;
  };

  const dmAction: Poke = (json, ship) => actAs({ dm: withDelta(json, communityWritsDelta) }, ship);
  const clubAction: Poke = (json, ship) => actAs({ club: withDelta(json, communityClubDelta) }, ship);
  const rsvp: Poke = async (json, actor) => {
    const { ship, ok } = objectOf(json);
    const other = normalizeShip(ship);
    if (other === null || typeof ok !== 'boolean') return refuse('An answer has a ship, and ok: true or false.');
    return inTransaction(chat.answerDm, { ship: other, ok }, actor);
  };
  const block =
    (isBlocked: boolean): Poke =>
    async (json, actor) => {
      const other = normalizeShip(isObject(json) ? json.ship : json);
      if (other === null) return refuse('Only a ship is blocked.');
      return inTransaction(isBlocked ? blockKnown : unblock, other, actor);
    };

  const pokes: Readonly<Record<string, Poke>> = {
    'chat-dm-action': dmAction,
    'chat-dm-action-1': dmAction,
    'chat-dm-action-2': dmAction,
    'chat-club-action': clubAction,
    'chat-club-action-0': clubAction,
    'chat-club-action-1': clubAction,
    'chat-club-action-2': clubAction,
    'chat-club-create': (json, ship) => {
      const { id, hive } = objectOf(json);
      return actAs({ club: { id, diff: { delta: { init: { team: [ship], hive, meta: NO_META } } } } }, ship);
    },
    'chat-dm-rsvp': rsvp,
    'dm-rsvp': rsvp,
    'chat-dm-archive': (json, ship) => rsvp({ ship: json, ok: false }, ship),
    'chat-block-ship': block(true),
    'chat-unblock-ship': block(false),
    'chat-toggle-message': async (json, actor) => {
      const { hide, show = hide } = objectOf(json);
      if (typeof show !== 'string' || !MESSAGE_ID.test(show)) return refuse('A message is hidden or shown by its id.');
      return inTransaction(chat.hide, { id: show, isHidden: hide !== undefined }, actor);
    },
    'chat-remark-action': async (json, ship) => {
      const { whom, diff } = objectOf(json);
      if (!('read' in objectOf(diff))) return DONE; // watching changes nothing
      const source = { dm: typeof whom === 'string' && whom.startsWith('0v') ? { club: whom } : { ship: whom } };
      return actAs({ activity: { read: { source, action: { all: { time: null, deep: true } } } } }, ship);
    },
  };
  return async (mark: string, json: Json, ship: string): Promise<PokeResult | undefined> =>
    Object.hasOwn(pokes, mark) ? pokes[mark]?.(json, ship) : undefined;
};

const blockKnown: ActIn<string> = async (tx, other, { actor }) => {
  if (other === actor) return refuse('Nobody blocks themselves.');
  if ((await unknownShips(tx, [other])).length > 0) return refuse(whyNoShip(other));
  await chat.block(tx, actor, other);
  return DONE;
};

const unblock: ActIn<string> = async (tx, other, { actor }) => {
  await chat.unblock(tx, actor, other);
  return DONE;
};

/** The action with its delta in the community's words. */
const withDelta = (json: Json, translate: (delta: unknown) => unknown): unknown => {
  if (!isObject(json) || !isObject(json.diff)) return json;
  return { ...json, diff: { ...json.diff, delta: translate(json.diff.delta) } };
};

const communityClubDelta = (delta: unknown): unknown => {
  if (!isObject(delta) || !isObject(delta.writ)) return delta;
  const writ: JsonObject = delta.writ;
  return { writ: { ...writ, delta: communityWritsDelta(writ.delta) } };
};
