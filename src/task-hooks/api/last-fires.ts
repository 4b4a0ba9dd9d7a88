// The last fires of a hook, as `listLastFires` answers them: what the ledger keeps, in the words of
// the API.
import { toIso } from '../../core/clock.ts';
import type { Ledger } from '../../ledger/create-ledger.ts';
import type { LedgerRow } from '../../ledger/entry.ts';
import type { Queue, TaskState } from '../../queue/queue.ts';
import type { LastFire } from '../definition.ts';

export type LastFires = { readonly lastFires: readonly LastFire[]; readonly continuationToken?: string };

/**
 * An attempt was made, or would have been had the template rendered: not what was declined or did
 * not fit the schema.
 */
export const ATTEMPTED = ['created', 'failed', 'exhausted', 'limited'] as const;
const LONGEST_ERROR = 128 * 1024;

export type LastFiresSources = {
  readonly ledger: Ledger;
  readonly queue: Queue;
  /**
   * Resolves when what this process knows stands in the ledger: who was answered must find their
   * fire here.
   */
  readonly whenRecorded: (hookUid: string) => Promise<void>;
};

export const readLastFires = async (
  { ledger, queue, whenRecorded }: LastFiresSources,
  hookUid: string,
  page: { readonly limit: number; readonly continuationToken: string | undefined },
): Promise<LastFires> => {
  await whenRecorded(hookUid);
  const { entries, continuationToken } = await ledger.page({
    hookUid,
    kinds: ['fire', 'attempt'],
    outcomes: ATTEMPTED,
    ...page,
  });
  const states = await queue.taskStates(entries.flatMap(({ taskId }) => taskId ?? []));
  const lastFires = entries.map((entry) => lastFireOf(entry, states));
  return continuationToken === undefined ? { lastFires } : { lastFires, continuationToken };
};

const lastFireOf = (entry: LedgerRow, states: ReadonlyMap<string, TaskState>): LastFire => ({
  hookGroupId: entry.hookGroupId,
  hookId: entry.hookId,
  firedBy: entry.firedBy as LastFire['firedBy'], // fires have one; the ledger serves runs too
  taskId: entry.taskId ?? '',
  taskCreateTime: toIso(entry.arrived),
  result: entry.outcome === 'created' ? 'success' : 'error',
  error: entry.error === null ? '' : JSON.stringify(entry.error, null, 2).slice(0, LONGEST_ERROR),
  taskState: states.get(entry.taskId ?? '') ?? 'unknown',
});
