// A loop that is woken by notifications of the database, as soon as and as long as those can be
// had.
import { backoff } from '../core/backoff.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Database } from '../database/database.ts';
import type { Loop } from './loop.ts';

export type Listening = { readonly database: Database; readonly clock: Clock; readonly log: Log };

const CANNOT_LISTEN = { firstMs: 100, longestMs: 5_000 };

/** Tries until it listens. Resolves with nothing when the signal aborts before. */
export const listenForLoop = async (
  { database, clock, log }: Listening,
  channel: string,
  loop: Pick<Loop, 'wake' | 'setListening'>,
  signal: AbortSignal,
): Promise<AsyncDisposable | undefined> => {
  const onInterruption = (state: 'lost' | 'restored') => loop.setListening(state === 'restored');
  for (let failures = 0; !signal.aborted; failures += 1) {
    try {
      return await database.listen(channel, { onNotification: loop.wake, onInterruption });
    } catch (error) {
      log[failures === 0 ? 'warn' : 'debug']({ err: error }, 'messages cannot be listened to; trying again');
      await clock.sleep(backoff(failures, CANNOT_LISTEN), signal);
    }
  }
  return undefined;
};
