// The one way from what a client asks to what the community does.
import { LARGEST_ACT_BYTES } from '../../community/api/declaration.ts';
import type { Act } from '../../community/community.ts';
import { decoder } from '../../community/schema/decode.ts';
import { Action } from '../../community/types/effect.ts';
import { DONE, type PokeResult, type Refused, refuse } from './agent.ts';

/** Does an action as the ship. It is not trusted: it is checked here. */
export type ActAs = (action: unknown, ship: string) => Promise<PokeResult>;

/** The refusal of an action that is too large to be looked at. */
export const refuseLarge = (action: unknown): Refused | undefined =>
  Buffer.byteLength(JSON.stringify(action)) > LARGEST_ACT_BYTES ? refuse(TOO_LARGE) : undefined;

const TOO_LARGE = `An action has at most ${LARGEST_ACT_BYTES} bytes.`;
const decodeAction = decoder(Action);

export const createActAs =
  (act: Act): ActAs =>
  async (action, ship) => {
    const large = refuseLarge(action);
    if (large) return large;
    const decoded = decodeAction(action);
    if (!decoded.ok) return refuse(`${decoded.pointer} ${decoded.reason}`);
    const result = await act(decoded.value, { actor: ship });
    return result.kind === 'done' ? DONE : refuse(result.reason);
  };
