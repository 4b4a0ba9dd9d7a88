// Says to all processes that the ledger was written to: after the commit, and at most ten times a
// second, because a notification inside of a commit makes the others wait for it.
import type { Base } from '../../database/base.ts';
import { statement } from '../../database/statement.ts';

export const LEDGER_CHANNEL = 'ledger_written';
const SOON_MS = 10;
export const LOOK_EVERY_MS = 100;

const notify = statement<unknown>('ledger.notify', `select pg_notify('${LEDGER_CHANNEL}', '')`);

/** Answers the function to call after something was written. */
export const createTellWritten = ({ database, clock, log }: Pick<Base, 'database' | 'clock' | 'log'>): (() => void) => {
  let isWaiting = false;
  let toldAt = -LOOK_EVERY_MS;
  const tell = () => {
    isWaiting = false;
    toldAt = clock.monotonic();
    // Who follows the ledger looks again by and by.
    database.query(notify).catch((error: unknown) => log.debug({ err: error }, 'followers of the ledger not told'));
  };
  return () => {
    if (isWaiting) return;
    isWaiting = true;
    clock.after(Math.max(SOON_MS, toldAt + LOOK_EVERY_MS - clock.monotonic()), tell);
  };
};
