// Events that come again begin: each once, in the transaction that says so.
import type { Transaction } from '../../database/database.ts';
import type { BeginFires, Beginning } from '../firing/begin-fires.ts';
import type { AfterCommit } from '../firing/end-fires.ts';
import type { EndedFire, Fire } from '../firing/fire.ts';
import { findUnchanged } from '../hooks/hook-store.ts';
import type { Found } from './replay-event.ts';
import { type Done, markBegun, type ReplayKey } from './replay-store.ts';

export type ReadyReplay = { readonly key: ReplayKey; readonly found: Found; readonly fire: Fire | EndedFire };

export type CommittedReplays = {
  readonly done: readonly Done[];
  /** Their hook was changed meanwhile: nothing was done. */
  readonly stale: readonly ReadyReplay[];
  readonly afterCommit: AfterCommit;
};

/** What an event that cannot come again is recorded as. */
export const NOT_REPLAYED = 'not replayed';

const LONGEST_REASON = 1_000;

export const commitReplays = async (
  tx: Transaction,
  beginFires: Pick<BeginFires, 'withEnds'>,
  ready: readonly ReadyReplay[],
  how: Beginning,
): Promise<CommittedReplays> => {
  const unchanged = await findUnchanged(
    tx,
    ready.map((one) => ({ hook: one.found.hook, one })),
  );
  const current = new Set(unchanged.map(({ one }) => one));
  const begun = [...current];
  const fires = begun.map(({ fire }) => fire);
  const { ends, afterCommit } = await beginFires.withEnds(tx, fires, how);
  const done = begun.map(({ key, fire }) => ({ ...key, taskId: fire.taskId, ...endOf(ends.get(fire)) }));
  await markBegun(tx, done);
  return { done, stale: ready.filter((one) => !current.has(one)), afterCommit };
};

/** undefined: it is stored. */
const endOf = (end: EndedFire | undefined): Pick<Done, 'outcome' | 'reason'> => {
  if (!end) return { outcome: 'pending', reason: null };
  const { message } = (end.error ?? {}) as { readonly message?: unknown };
  return { outcome: end.outcome, reason: typeof message === 'string' ? message.slice(0, LONGEST_REASON) : null };
};
