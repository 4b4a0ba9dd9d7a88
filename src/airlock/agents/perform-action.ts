// What a client asks for, once it is in the community's words: checked as everything that comes
// from outside, then done through the one door.
import type { Act } from '../../community/community.ts';
import { decoder } from '../../community/schema/decode.ts';
import { Action } from '../../community/types/effect.ts';
import { DONE, type PokeResult, refuse } from './agent.ts';

/** `action` is not trusted. */
export type PerformAction = (action: unknown, ship: string) => Promise<PokeResult>;

const decodeAction = decoder(Action);

export const createPerformAction =
  (act: Act): PerformAction =>
  async (action, ship) => {
    const decoded = decodeAction(action);
    if (!decoded.ok) return refuse(`What was sent is no action: ${decoded.pointer} ${decoded.reason}.`);
    const result = await act(decoded.value, { actor: ship });
    return result.kind === 'done' ? DONE : refuse(result.reason);
  };
