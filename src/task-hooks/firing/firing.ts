// Firing, put together: fires begin in one place, are attempted by the runner, and end in one
// place.
import type { Base } from '../../database/base.ts';
import type { Ledger } from '../../ledger/create-ledger.ts';
import type { Queue } from '../../queue/queue.ts';
import { createBeginAtOnce } from './at-once/begin-at-once.ts';
import { createBeginWhole } from './at-once/begin-whole.ts';
import { type BeginFires, createBeginFires } from './begin-fires.ts';
import { createEndFires, type EndFires } from './end-fires.ts';
import type { FailureMail } from './failure-mail.ts';
import { createFireLog } from './fire-log.ts';
import { createFireMetrics } from './fire-metrics.ts';
import { createFireRunner, type FireRunner, type FireRunnerSettings } from './fire-runner.ts';
import type { FireStore } from './fire-store.ts';

export type FiringSettings = Base & {
  readonly ledger: Ledger;
  readonly store: FireStore;
  readonly queue: Queue;
  readonly render: FireRunnerSettings['render'];
  readonly failureMail: FailureMail;
  /** Called when rows of the ledger were committed. */
  readonly tellWritten?: () => void;
};

export type Firing = {
  readonly beginFires: BeginFires;
  readonly endFires: EndFires;
  readonly runner: FireRunner;
};

export const createFiring = (settings: FiringSettings): Firing => {
  const { database, clock, log, metrics, ledger, queue, render, failureMail, tellWritten = () => {} } = settings;
  const store: FireStore = {
    ...settings.store,
    postpone: (...values) => settings.store.postpone(...values).then(tellWritten),
  };
  const common = { clock, store, fireLog: createFireLog(log), fireMetrics: createFireMetrics(metrics) };
  const endFires = createEndFires({ ...common, database, ledger, failureMail, tellWritten });
  const runner = createFireRunner({ ...common, log, queue, render, endFires });
  const { createTasksIn, plainTasks } = queue;
  const plain = plainTasks && { database, ledger, plainTasks, clock };
  const beginFires = createBeginFires({
    ...{ ...common, database, runner, endFires, createTasksIn },
    atOnce: plain && createBeginAtOnce(plain),
    wholeWith: plain && ((cause) => createBeginWhole(plain, cause)),
  });
  return { beginFires, endFires, runner };
};
