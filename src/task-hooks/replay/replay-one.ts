// One event comes again, at once, and who asked for it waits for what becomes of it.
import type { Clock } from '../../core/clock.ts';
import type { Database } from '../../database/database.ts';
import type { LedgerRow } from '../../ledger/entry.ts';
import type { BeginFires } from '../firing/begin-fires.ts';
import { type AttemptsEnd, isEnded, keyOf } from '../firing/fire.ts';
import type { FireRunner } from '../firing/fire-runner.ts';
import { commitReplays } from './commit-replays.ts';
import type { ReplayEvents, ReplayedBy } from './replay-event.ts';
import { addReplays, causeOfReplay, type ReplayKey, type Revision } from './replay-store.ts';
import type { ReplayFireAnswer } from './shapes.ts';

export type ReplayOne = (
  row: LedgerRow,
  revision: Revision,
  by: ReplayedBy,
  // A text: why it cannot come again. undefined: there is no room for it now.
) => Promise<ReplayFireAnswer | string | undefined>;

export type ReplayOneSettings = {
  readonly database: Database;
  readonly events: ReplayEvents;
  readonly beginFires: BeginFires;
  readonly runner: FireRunner;
  readonly clock: Clock;
};

/** How long a caller waits for a queue that is elsewhere. */
const PATIENCE_MS = 10_000;
const MOST_RELOADS = 5;

export const createReplayOne = (settings: ReplayOneSettings): ReplayOne => {
  const { database, events, beginFires, runner, clock } = settings;

  const replayOnce = async (key: ReplayKey, row: LedgerRow, revision: Revision, by: ReplayedBy) => {
    const found = await events.find(database, row, revision);
    if (typeof found === 'string') return found;
    const fire = await events.evaluate(found, key, by);
    if (!fire) return undefined;
    let whenEnded: Promise<AttemptsEnd | undefined> | undefined;
    const { done, afterCommit } = await database.transaction((tx) =>
      commitReplays(tx, beginFires, [{ key, found, fire }], { atOnce: true, leaseOf: 'this process' }),
    );
    const [end] = done;
    if (end?.outcome === 'pending' && !isEnded(fire)) whenEnded = runner.whenEnded(keyOf(fire), PATIENCE_MS);
    afterCommit();
    if (!end) return 'stale';
    const later = await whenEnded;
    const outcome = (later?.outcome ?? end.outcome) as ReplayFireAnswer['outcome'];
    const reason = later?.outcome === 'failed' ? later.refusal.message : end.reason;
    const hasTask = outcome === 'created' || outcome === 'pending';
    return {
      ...{ cause: causeOfReplay(key), outcome },
      ...(hasTask && fire.taskId !== null && { taskId: fire.taskId }),
      ...(reason !== null && { reason }),
    };
  };

  return async (row, revision, by) => {
    const found = await events.find(database, row, revision); // before a number is taken for it
    if (typeof found === 'string') return found;
    const [key] = await addReplays(database, [row], { job: null, now: clock.now() });
    for (let reloads = 0; key && reloads < MOST_RELOADS; reloads += 1) {
      const answer = await replayOnce(key, row, revision, by);
      if (answer !== 'stale') return answer;
    }
    throw new Error(`the hook ${row.hookGroupId}/${row.hookId} changes all the time`);
  };
};
