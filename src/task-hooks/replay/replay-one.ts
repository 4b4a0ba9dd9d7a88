// One event comes again, at once, and who asked for it waits for what becomes of it.
import type { Clock } from '../../core/clock.ts';
import type { Database } from '../../database/database.ts';
import { ApiError } from '../../http/api-error.ts';
import type { LedgerRow } from '../../ledger/entry.ts';
import type { BeginFires } from '../firing/begin-fires.ts';
import { type AttemptsEnd, isEnded, keyOf } from '../firing/fire.ts';
import type { FireRunner } from '../firing/fire-runner.ts';
import { commitReplays } from './commit-replays.ts';
import type { ReplayEvents, ReplayedBy } from './replay-event.ts';
import {
  addReplayOnce,
  addReplays,
  BegunBefore,
  causeOfReplay,
  findReplay,
  type KnownReplay,
  type ReplayKey,
  type Revision,
} from './replay-store.ts';
import type { ReplayFireAnswer } from './shapes.ts';

export type ReplayOne = (
  row: LedgerRow,
  revision: Revision,
  by: ReplayedBy,
  /** Of the caller's choice: the same call again is answered as the first. */
  id: string | undefined,
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
    return answerOf({ ...end, outcome, reason });
  };

  return async (row, revision, by, id) => {
    const before = id === undefined ? undefined : await findReplay(database, id);
    if (before && before.seq !== row.seq) {
      throw new ApiError('RequestConflict', 'Another fire came again with this replayId. Choose another one, or none.');
    }
    if (before && before.outcome !== null) return answerOf(before);
    const found = await events.find(database, row, revision); // before a number is taken for it
    if (typeof found === 'string') return found;
    const now = clock.now();
    const [added] =
      id === undefined
        ? await addReplays(database, [row], { job: null, now })
        : [await addReplayOnce(database, row, id, now)];
    for (let reloads = 0; added && reloads < MOST_RELOADS; reloads += 1) {
      const { seq, n } = added;
      const answer = await replayOnce({ seq, n }, row, revision, by).catch((error: unknown) => {
        if (error instanceof BegunBefore && id !== undefined) return 'begun before' as const;
        throw error;
      });
      if (answer === 'begun before') return answerOf((await findReplay(database, id as string)) as KnownReplay);
      if (answer !== 'stale') return answer;
    }
    throw new Error(`the hook ${row.hookGroupId}/${row.hookId} changes all the time`);
  };
};

const answerOf = ({ seq, n, outcome, reason, taskId }: KnownReplay): ReplayFireAnswer => ({
  ...{ cause: causeOfReplay({ seq, n }), outcome: outcome as ReplayFireAnswer['outcome'] },
  ...((outcome === 'created' || outcome === 'pending') && taskId !== null && { taskId }),
  ...(reason !== null && { reason }),
});
