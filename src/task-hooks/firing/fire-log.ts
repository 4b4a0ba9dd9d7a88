// What the log says of a fire: always by which request, of which hook and task, so that the lines
// of one fire can be found together.
import type { Log } from '../../core/log.ts';
import type { FireOutcome } from '../../ledger/entry.ts';
import type { StoredFire } from './fire-store.ts';

export type NamedFire = Pick<StoredFire, 'hookGroupId' | 'hookId' | 'requestId' | 'firedBy'> & {
  readonly taskId: string | null;
};

export const named = ({ hookGroupId, hookId, taskId, requestId, firedBy }: NamedFire) => ({
  hookGroupId,
  hookId,
  taskId,
  requestId,
  firedBy,
});

export const sayStored = (log: Log, fire: NamedFire): void => {
  log.debug(named(fire), 'a fire is stored');
};

export const sayAttempt = (log: Log, fire: NamedFire, attempt: number): void => {
  log.debug({ ...named(fire), attempt }, 'a task is asked for');
};

export const sayEnded = (log: Log, fire: NamedFire, outcome: FireOutcome, error: unknown): void => {
  if (outcome === 'created') log.debug(named(fire), 'a fire made its task');
  else log.info({ ...named(fire), outcome, error }, 'a fire ended without a task');
};
