// The one door through which agents let ships act: what a client sent is an action only when it
// fits.
import type { Act } from '../../community/community.ts';
import { decoder } from '../../community/schema/decode.ts';
import { Action } from '../../community/types/effect.ts';
import { DONE, type PokeResult, refuse } from './agent.ts';

export type DoAction = (action: unknown, ship: string) => Promise<PokeResult>;

const decodeAction = decoder(Action);

export const createDoAction =
  (act: Act): DoAction =>
  async (action, actor) => {
    const decoded = decodeAction(action);
    if (!decoded.ok) return refuse(`The action is wrong at ${decoded.pointer || 'its root'}: ${decoded.reason}`);
    const result = await act(decoded.value, { actor });
    return result.kind === 'done' ? DONE : refuse(result.reason);
  };
