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

/** null: they are there, and more than is read at once. */
type Row = { readonly is_there: boolean; readonly changes: readonly Change[] | null };

const MOST_AT_ONCE = 200;
const MOST_BYTES = 4_000_000;
const CLEAN_EVERY_MS = 60_000;

const readChanges = statement<Row>(
  'changes.read',
  `select is_there, case when bytes <= ${MOST_BYTES} or position = 1 then changes end as changes from (
     select position, c.id is not null as is_there, c.changes,
       sum(octet_length(c.changes::text)) over (order by position) as bytes
     from unnest($1::bigint[]) with ordinality as wanted (id, position) left join community_changes c using (id)) w
   order by position`,
);
const forgetOld = statement('changes.forget', `delete from community_changes where at < now() - interval '2 minutes'`);

export const createChangeFeed = (settings: ChangeFeedSettings): ChangeFeed => {
  const { database, clock, log, onChanges, onGap } = settings;
  let waiting: string[] = [];
  const opened = Promise.withResolvers<void>();

  const turn = async (): Promise<void> => {
    while (waiting.length > 0) {
      const ids = waiting.slice(0, MOST_AT_ONCE);
      const rows = await database.query(readChanges, [ids]);
      const beyond = rows.findIndex((row) => row.is_there && row.changes === null);
      const read = beyond < 0 ? rows : rows.slice(0, beyond);
      waiting = waiting.slice(read.length);
      if (read.some((row) => !row.is_there)) onGap();
      try {
        await onChanges(read.flatMap(({ changes }) => changes ?? []));
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
