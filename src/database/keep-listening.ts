// Listens as soon as the database lets it; from then on the connection heals by itself.
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import { retry } from '../core/retry.ts';
import type { Database, Listener } from './database.ts';

type Surroundings = { readonly database: Database; readonly clock: Clock; readonly log: Log };

/** Resolves with how to stop, or with undefined when the signal aborts before. Never rejects. */
export const keepListening = (
  { database, clock, log }: Surroundings,
  channel: string,
  listener: Listener,
  signal: AbortSignal,
): Promise<AsyncDisposable | undefined> =>
  retry(() => database.listen(channel, listener), { name: `listening to ${channel}`, clock, log, signal });

/**
 * A listener that wakes a loop (`core/loop.ts`): at each notification, and after a gap in them.
 */
export const wakes = (loop: {
  readonly wake: () => void;
  readonly setListening: (isListening: boolean) => void;
}): Listener => ({
  onNotification: loop.wake,
  onInterruption: (state) => loop.setListening(state === 'restored'),
});
