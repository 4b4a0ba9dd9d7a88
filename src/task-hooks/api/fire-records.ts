// Everything that became of the events of a hook, as `listFires` answers it.
import { toIso } from '../../core/clock.ts';
import type { LedgerRow } from '../../ledger/entry.ts';
import type { FireRecord, PendingFire } from '../definition.ts';
import type { UnfinishedFire } from '../firing/fire-store.ts';

export const fireRecordOf = (row: LedgerRow): FireRecord => ({
  kind: row.kind === 'attempt' ? 'attempt' : 'fire',
  ...(row.kind === 'fire' && { outcome: row.outcome }),
  firedBy: row.firedBy ?? '',
  ...(row.taskId !== null && { taskId: row.taskId }),
  arrived: toIso(row.arrived),
  ended: toIso(row.at),
  attempts: row.attempts,
  ...(row.clientId !== null && { clientId: row.clientId }),
  requestId: row.requestId,
  ...(row.error !== null && { error: row.error }),
  ...(row.detail !== null && { detail: row.detail }),
});

export const pendingFireOf = ({ arrived, givesUp, clientId, error, ...fire }: UnfinishedFire): PendingFire => ({
  ...fire,
  arrived: toIso(arrived),
  givesUp: toIso(givesUp),
  ...(clientId !== undefined && { clientId }),
  ...(error !== null && { error }),
});
