// What clients do to groups, in the words of today and of before.
import type { Static, TSchema } from 'typebox';
import { Type } from 'typebox';
import type { Act } from '../../../community/community.ts';
import { type Decoded, decoder } from '../../../community/schema/decode.ts';
import { Flag } from '../../../community/schema/scalars.ts';
import { uvText } from '../../../community/schema/uv.ts';
import type { Action } from '../../../community/types/effect.ts';
import { ActionGroups } from '../../../community/types/group.ts';
import type { Clock } from '../../../core/clock.ts';
import { newBits128 } from '../../../core/ids.ts';
import { changing, communityActions, decodeGroupAction, entering, leaving } from '../../vocabulary/group-action.ts';
import { refuseLarge } from '../acting.ts';
import { DONE, type PokeResult, refuse } from '../agent.ts';

/** By mark: what is to be done, or why nothing. */
type Poke = (json: unknown, ship: string) => readonly Action[] | string;

const checked =
  <T>(decode: (json: unknown) => Decoded<T>, then: (value: T, ship: string) => readonly Action[] | string): Poke =>
  (json, ship) => {
    const decoded = decode(json);
    return decoded.ok
      ? then(decoded.value, ship)
      : `The action is wrong at ${decoded.pointer || 'its root'}: ${decoded.reason}`;
  };

const of = <S extends TSchema>(schema: S, then: (value: Static<S>, ship: string) => Action): Poke =>
  checked(decoder(schema), (value, ship) => [then(value, ship)]);

const Join = Type.Object({ flag: Flag, 'join-all': Type.Boolean() });
const oldAction = of(ActionGroups, (groups) => ({ groups }));

export type GroupPokesSettings = { readonly act: Act; readonly clock: Clock };

export const createGroupPokes = ({ act, clock }: GroupPokesSettings) => {
  const newAction = checked(decodeGroupAction, (asked, actor) =>
    communityActions(asked, { actor, now: clock.now(), newToken: () => uvText(newBits128()) }),
  );
  const pokes: Readonly<Record<string, Poke>> = {
    'group-action-4': newAction,
    ...Object.fromEntries(['', '-0', '-1', '-2', '-3'].map((version) => [`group-action${version}`, oldAction])),
    'group-join': of(Join, ({ flag, 'join-all': all }) => entering(flag, { join: { 'join-all': all } })),
    'group-leave': of(Flag, (flag, ship) => changing(flag, leaving(ship))),
    'group-knock': of(Flag, (flag) => entering(flag, { knock: { note: null } })),
    'group-cancel': of(Flag, (flag) => entering(flag, { rescind: null })),
    'group-rescind': of(Flag, (flag) => entering(flag, { rescind: null })),
    'invite-decline': of(Flag, (flag) => entering(flag, { decline: null })),
  };

  /** undefined: there is no such mark. */
  return async (mark: string, json: unknown, ship: string): Promise<PokeResult | undefined> => {
    if (!Object.hasOwn(pokes, mark)) return undefined;
    const large = refuseLarge(json);
    if (large) return large;
    const actions = pokes[mark]?.(json, ship) ?? [];
    if (typeof actions === 'string') return refuse(actions);
    const result = await act(actions, { actor: ship });
    return result.kind === 'done' ? DONE : refuse(result.reason);
  };
};
