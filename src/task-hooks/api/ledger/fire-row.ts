// A row of the ledger, as `searchFires` and `followFires` answer it: without what belongs to the
// payload.
import { toIso } from '../../../core/clock.ts';
import { cut } from '../../../http/cut.ts';
import type { FoundRow } from '../../../ledger/search/found-row.ts';
import type { FireRow } from './schemas.ts';

const LONGEST_REASON = 1_000;

export const fireRowOf = (row: FoundRow): FireRow => {
  const reason = reasonOf(row);
  const detail = detailOf(row.detail);
  return {
    seq: row.seq,
    kind: row.kind as FireRow['kind'],
    ...(row.outcome !== null && { outcome: row.outcome as NonNullable<FireRow['outcome']> }),
    hookGroupId: row.hookGroupId,
    hookId: row.hookId,
    ...(row.hookRevision !== null && { revision: row.hookRevision }),
    ...(row.cause !== null && { cause: row.cause }),
    ...(row.firedBy !== null && { firedBy: row.firedBy }),
    ...(row.taskId !== null && { taskId: row.taskId }),
    arrived: toIso(row.arrived),
    ended: toIso(row.at),
    attempts: row.attempts,
    ...(row.clientId !== null && { clientId: row.clientId }),
    requestId: row.requestId,
    ...(reason !== undefined && { reason }),
    ...(detail !== undefined && { detail }),
  };
};

export const reasonOf = ({ error, beginning }: FoundRow): string | undefined => {
  if (beginning === null) return undefined;
  const message = (error as { readonly message?: unknown } | null)?.message;
  if (typeof message === 'string') return cut(message, LONGEST_REASON);
  return cut(error === null ? beginning.replace(/^\{(?:"name":"Error",)?"message":"/, '') : beginning, LONGEST_REASON);
};

/** Leaves out the beginning of a message, which the ledger has, too. */
export const detailOf = (detail: unknown): unknown => {
  if (typeof detail !== 'object' || detail === null) return undefined;
  const { message: _, sample, ...rest } = detail as Record<string, unknown>;
  return sample === undefined ? rest : { ...rest, sample: detailOf(sample) };
};
