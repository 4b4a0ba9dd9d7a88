// What is new in the ledger, for all who follow it in this process: read once, when a notification
// says so, and at most ten times a second.
import { toIso } from '../../core/clock.ts';
import { createLoop } from '../../core/loop.ts';
import type { Base } from '../../database/base.ts';
import { keepListening, wakes } from '../../database/keep-listening.ts';
import { statement } from '../../database/statement.ts';
import { FOUND_COLUMNS, type FoundRaw, type FoundRow, foundRow } from './found-row.ts';
import { LEDGER_CHANNEL, LOOK_EVERY_MS } from './tell-written.ts';

export type OnNew = (rows: readonly FoundRow[]) => void;

export type Tail = {
  /**
   * Calls with what is committed from now on, oldest first, each entry once; until it is told to
   * stop. Resolves when none is missed any more.
   */
  readonly follow: (onNew: OnNew) => Promise<() => void>;
};

/**
 * Entries are committed a little later than the time that they bear, and not in that order. Looked
 * back at every look, and once after the last one: as far as clocks may differ, and transactions
 * take.
 */
const BACK_MS = 500;
export const FAR_BACK_MS = 10_000;
const FAR_BACK_AFTER_MS = 1_000;
const MOST_AT_ONCE = 1_000;

const findNew = statement<FoundRaw>(
  'ledger.new',
  `select ${FOUND_COLUMNS} from ledger where at >= $1 and seq <> all($2::bigint[]) order by at, seq limit $3`,
);

export const createTail = ({ database, clock, log }: Pick<Base, 'database' | 'clock' | 'log'>): Tail => {
  const followers = new Set<OnNew>();
  let running: { readonly isReady: Promise<unknown>; readonly end: AbortController } | undefined;
  /** Entries that were told, or were there before; those that a look may still meet. */
  let known = new Map<number, number>();
  let newest = 0;
  let lookedAt = 0;
  let lookedFarBackAt = 0;

  const look = async (backMs: number): Promise<FoundRow[]> => {
    const rows = await database.query(findNew, [toIso(newest - backMs), [...known.keys()], MOST_AT_ONCE]);
    for (const { seq, at } of rows) {
      known.set(seq, at);
      newest = Math.max(newest, Math.min(at, clock.now())); // another's clock may be ahead
    }
    return rows.map(foundRow);
  };

  const turn = async (): Promise<number | undefined> => {
    await clock.sleep(lookedAt + LOOK_EVERY_MS - clock.monotonic(), running?.end.signal);
    lookedAt = clock.monotonic();
    const isFarBack = lookedAt - lookedFarBackAt >= FAR_BACK_AFTER_MS;
    if (isFarBack) {
      lookedFarBackAt = lookedAt;
      known = new Map([...known].filter(([, at]) => at >= newest - FAR_BACK_MS));
    }
    const rows = await look(isFarBack ? FAR_BACK_MS : BACK_MS);
    if (rows.length > 0) for (const onNew of [...followers]) onNew(rows);
    if (rows.length === MOST_AT_ONCE) return 0;
    return isFarBack && rows.length === 0 ? undefined : FAR_BACK_AFTER_MS;
  };

  const start = () => {
    const end = new AbortController();
    const loop = createLoop({ name: 'tail of the ledger', clock, log, turn });
    const begin = async () => {
      const listening = await keepListening({ database, clock, log }, LEDGER_CHANNEL, wakes(loop), end.signal);
      known = new Map();
      newest = clock.now();
      while ((await look(FAR_BACK_MS)).length === MOST_AT_ONCE);
      lookedFarBackAt = clock.monotonic();
      void loop.run(end.signal).finally(() => listening?.[Symbol.asyncDispose]());
    };
    running = { isReady: begin(), end };
    running.isReady.catch(stop);
  };
  const stop = () => {
    running?.end.abort();
    running = undefined;
  };

  return {
    follow: async (onNew) => {
      followers.add(onNew);
      if (!running) start();
      const leave = () => {
        if (followers.delete(onNew) && followers.size === 0) stop();
      };
      await running?.isReady.catch((error: unknown) => {
        leave();
        throw error;
      });
      return leave;
    },
  };
};
