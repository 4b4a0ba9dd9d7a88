// Every change of the community, once and in the order of the commits, whichever process made it.
import { createLoop } from '../../core/loop.ts';
import type { Base } from '../../database/base.ts';
import { keepListening } from '../../database/keep-listening.ts';
import { statement } from '../../database/statement.ts';
import type { Change } from './change.ts';
import { CHANGES_CHANNEL } from './record-changes.ts';

export type ChangeFeedSettings = Base & {
  /** The next ones come when it resolves. What it throws is a gap. */
  readonly onChanges: (changes: readonly Change[]) => Promise<void>;
  /** Changes were lost: whoever watches begins anew. */
  readonly onGap: () => void;
};

export type ChangeFeed = {
  /** Until the signal aborts. Never rejects. */
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** Resolves when it listens. */
  readonly isOpen: Promise<void>;
};

type Row = { readonly id: string; readonly changes: readonly Change[] };

const MOST_AT_ONCE = 200;
const CLEAN_EVERY_MS = 60_000;

const readChanges = statement<Row>(
  'changes.read',
  `select c.id, c.changes from unnest($1::bigint[]) with ordinality as wanted (id, position)
   join community_changes c using (id) order by position`,
);
const forgetOld = statement('changes.forget', `delete from community_changes where at < now() - interval '10 minutes'`);

export const createChangeFeed = (settings: ChangeFeedSettings): ChangeFeed => {
  const { database, clock, log, onChanges, onGap } = settings;
  let waiting: string[] = [];
  const opened = Promise.withResolvers<void>();

  const turn = async (): Promise<void> => {
    while (waiting.length > 0) {
      const ids = waiting.slice(0, MOST_AT_ONCE);
      const rows = await database.query(readChanges, [ids]);
      waiting = waiting.slice(ids.length);
      if (rows.length < ids.length) onGap();
      try {
        await onChanges(rows.flatMap(({ changes }) => changes));
      } catch (error) {
        log.error({ err: error }, 'changes not told; watchers begin anew');
        onGap();
      }
    }
  };
  const reading = createLoop({ name: 'change feed', clock, log, turn });
  const cleaning = createLoop({
    ...{ name: 'cleanup of told changes', clock, log, everyMs: CLEAN_EVERY_MS },
    turn: () => database.query(forgetOld).then(() => {}),
  });

  const listener = {
    onNotification: (id: string) => {
      waiting.push(id);
      reading.wake();
    },
    onInterruption: (state: 'lost' | 'restored') => {
      if (state === 'restored') onGap();
    },
  };
  return {
    isOpen: opened.promise,
    run: async (signal) => {
      const listening = await keepListening({ database, clock, log }, CHANGES_CHANNEL, listener, signal);
      opened.resolve();
      await Promise.all([reading.run(signal), cleaning.run(signal)]);
      await listening?.[Symbol.asyncDispose]();
    },
  };
};
