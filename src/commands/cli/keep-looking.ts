// Commands that look again and again until Ctrl-C, and wait for a server that is away.
import type { Connection } from '../calls/api-connection.ts';
import type { Call } from './command.ts';
import { EXIT_STATUS } from './exit-status.ts';
import { isUnreachable } from './explain-error.ts';
import { heedInterruption } from './interruption.ts';

export type Look = {
  /** Asked again each time: a server that was started anew may be elsewhere. */
  readonly connection: Connection;
  /** To be called when the server has answered, before anything is said of the answer. */
  readonly answered: () => void;
  readonly signal: AbortSignal;
};

/** The first look is not forgiven: a wrong name or wrong credentials are said at once. */
export const keepLooking = async (
  call: Call,
  everyMs: number,
  look: (look: Look) => Promise<void>,
): Promise<number> => {
  const { output, clock } = call;
  const { signal, grace } = heedInterruption(clock);
  let state = 'new' as 'new' | 'there' | 'away';
  const answered = () => {
    if (state === 'away') output.remark('The server is there again.');
    state = 'there';
  };
  while (!signal.aborted) {
    try {
      await look({ connection: await call.connect(), answered, signal });
    } catch (error) {
      if (signal.aborted) break;
      if (state === 'new' || !isUnreachable(error)) throw error;
      if (state === 'there') output.remark('The server cannot be reached; waiting for it.');
      state = 'away';
    }
    await clock.sleep(everyMs, signal);
  }
  await grace();
  return EXIT_STATUS.done;
};
