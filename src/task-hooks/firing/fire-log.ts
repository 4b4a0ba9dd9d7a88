// What the log says of a fire: always by which request, of which hook and task, so that the lines
// of one fire can be found together.
import type { Log } from '../../core/log.ts';
import type { Ending, FireEvent } from './fire.ts';

export type NamedFire = Pick<FireEvent, 'hookGroupId' | 'hookId' | 'requestId' | 'firedBy'> & {
  readonly taskId: string | null;
};

export type FireLog = {
  readonly stored: (fire: NamedFire) => void;
  readonly attempted: (fire: NamedFire, attempt: number) => void;
  /** `due`: when it is tried again; ms. */
  readonly postponed: (fire: NamedFire, error: unknown, due: number, what: string) => void;
  readonly ended: (fire: NamedFire, ending: Pick<Ending, 'outcome' | 'error'>) => void;
  /** What became of it could not be written to the database. */
  readonly lost: (fire: NamedFire, error: unknown) => void;
};

export const createFireLog = (log: Log): FireLog => ({
  stored: (fire) => log.debug(nameOf(fire), 'fire stored'),
  attempted: (fire, attempt) => log.debug({ ...nameOf(fire), attempt }, 'task requested'),
  postponed: (fire, error, due, what) => log.warn({ ...nameOf(fire), err: error, due }, `${what}; fire postponed`),
  ended: (fire, { outcome, error }) => {
    if (outcome === 'created') log.debug(nameOf(fire), 'fire created its task');
    else log.info({ ...nameOf(fire), outcome, error }, 'fire ended without a task');
  },
  lost: (fire, error) =>
    log.error({ ...nameOf(fire), err: error }, 'fire not recorded; it is taken up again when its lease ends'),
});

const nameOf = ({ hookGroupId, hookId, taskId, requestId, firedBy }: NamedFire) => ({
  hookGroupId,
  hookId,
  taskId,
  requestId,
  firedBy,
});
