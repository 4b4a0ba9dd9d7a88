// The library of script hooks, as the airlock asks for it.
import type { HooksPort } from '../airlock/agents/hooks/hooks-port.ts';
import type { Clock } from '../core/clock.ts';
import type { ScriptLibrary } from '../script-hooks/library/library.ts';

export type HooksPortSettings = {
  readonly library: ScriptLibrary;
  /** The ship whose hooks these are. */
  readonly our: string;
  readonly clock: Clock;
};

export const createHooksPort = ({ library, our, clock }: HooksPortSettings): HooksPort => ({
  ...library,
  our,
  act: (action, actor) => library.act(action, { actor, now: clock.now() }),
});
