// Workers that wait for tasks. Those of one process that wait for the same queue ask the database
// together; while there is no task, they sleep until a notification says that there is.
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../../core/clock.ts';
import { newUuid } from '../../../core/ids.ts';
import type { Database } from '../../../database/database.ts';
import type { StoredTask } from '../tasks/task.ts';
import { PENDING_CHANNEL } from '../tasks/task-store.ts';
import { announceQueue } from './announced-queues.ts';
import type { ClaimTasks, WorkRequest } from './claim-tasks.ts';

export type WorkRequests = AsyncDisposable & {
  /**
   * Tasks for a worker: at once when there are some, perhaps fewer than asked for. Else the first
   * that come; none when LONGEST_WAIT_MS are over, or the signal aborts, or the server ends.
   */
  readonly claim: (taskQueueId: string, request: WorkRequest, gone: AbortSignal) => Promise<readonly StoredTask[]>;
};

export type WorkRequestsSettings = {
  readonly database: Database;
  readonly clock: Clock;
  readonly claimTasks: ClaimTasks;
  /** Aborts when the server ends: all requests end. */
  readonly ending: AbortSignal;
};

/** As Taskcluster; clients give up after 30 s. */
const LONGEST_WAIT_MS = 20_000;
/**
 * A queue for which a worker waited stays announced for this long, so that the next worker has
 * nothing to write.
 */
const ANNOUNCED_MS = 3 * LONGEST_WAIT_MS;
/**
 * A transaction that began to store a task before the announcement does not notify us. After this
 * long it has committed, as a rule.
 */
const SOON_MS = 250;
/** A notification may get lost with its connection. */
const LISTENING_LOOK_MS = 5_000;
const DEAF_LOOK_MS = 1_000;
/** Tasks that one transaction gives away at most, and one request may ask for 32. */
const MOST_AT_ONCE = 100;
/** Queues whose announcement is cached; anybody can make up names of queues. */
const MOST_CACHED = 10_000;

type Waiter = WorkRequest & {
  /** It is part of a transaction at the moment, which may have tasks for it. */
  isServed: boolean;
  /** The worker does not wait any more. */
  isOver: boolean;
  readonly finish: (tasks: readonly StoredTask[]) => void;
  readonly fail: (error: unknown) => void;
};

/** Those who wait for one queue. */
type Line = {
  readonly taskQueueId: string;
  readonly waiters: Set<Waiter>;
  isWoken: boolean;
  wakeUp: (() => void) | undefined;
};

export const createWorkRequests = (settings: WorkRequestsSettings): WorkRequests => {
  const { database, clock, claimTasks, ending } = settings;
  const holder = newUuid();
  const lines = new Map<string, Line>();
  /** Until when. */
  const announced = new LRUCache<string, number>({ max: MOST_CACHED });
  let isListening = true;
  let listening: Promise<AsyncDisposable> | undefined;

  const wake = (line: Line | undefined) => {
    if (!line) return;
    line.isWoken = true;
    line.wakeUp?.();
  };

  const listen = async () => {
    listening ??= database.listen(PENDING_CHANNEL, {
      onNotification: (taskQueueId) => wake(lines.get(taskQueueId)),
      onInterruption: (state) => {
        isListening = state === 'restored';
        for (const line of lines.values()) wake(line);
      },
    });
    await listening.catch((error: unknown) => {
      listening = undefined; // the next one who waits tries again
      throw error;
    });
  };

  const sleep = async (line: Line, ms: number) => {
    const waking = new AbortController();
    line.wakeUp = () => waking.abort();
    if (line.isWoken) waking.abort();
    await clock.sleep(ms, waking.signal);
    line.wakeUp = undefined;
  };

  /** Answers whether there may be more to have at once. */
  const serve = async (line: Line): Promise<boolean> => {
    const served: Waiter[] = [];
    let wanted = 0;
    for (const waiter of line.waiters) {
      if (served.length > 0 && wanted + waiter.most > MOST_AT_ONCE) break;
      served.push(waiter);
      wanted += waiter.most;
    }
    for (const waiter of served) waiter.isServed = true;
    try {
      const { lists, hasMore } = await claimTasks(line.taskQueueId, served);
      for (const [index, waiter] of served.entries()) {
        const tasks = lists[index] ?? [];
        waiter.isServed = false;
        if (tasks.length > 0 || waiter.isOver) waiter.finish(tasks);
      }
      return hasMore || (lists.at(-1)?.length ?? 0) > 0;
    } catch (error) {
      for (const waiter of served) waiter.fail(error);
      return true;
    }
  };

  /**
   * From here on, each transaction that makes tasks of this queue pending notifies us. Answers
   * whether the queue was not announced before.
   */
  const announce = async (taskQueueId: string): Promise<boolean> => {
    const now = clock.now();
    const until = announced.get(taskQueueId);
    if (until !== undefined && until > now + LONGEST_WAIT_MS && until <= now + ANNOUNCED_MS) return false;
    await listen();
    await announceQueue(database, { taskQueueId, holder, until: now + ANNOUNCED_MS, now });
    announced.set(taskQueueId, now + ANNOUNCED_MS);
    return true;
  };

  const attend = async (line: Line) => {
    let isAnnouncedJustNow = false;
    while (line.waiters.size > 0) {
      line.isWoken = false;
      try {
        if ((await serve(line)) || line.isWoken || line.waiters.size === 0) continue;
        if (!isAnnouncedJustNow && (await announce(line.taskQueueId))) {
          isAnnouncedJustNow = true;
          continue; // what became pending before it was announced
        }
      } catch (error) {
        for (const waiter of line.waiters) waiter.fail(error);
      }
      if (isAnnouncedJustNow) await sleep(line, SOON_MS);
      else await sleep(line, isListening ? LISTENING_LOOK_MS : DEAF_LOOK_MS);
      isAnnouncedJustNow = false;
    }
    lines.delete(line.taskQueueId);
  };

  return {
    claim: (taskQueueId, { worker, most }, gone) =>
      new Promise((resolve, reject) => {
        if (gone.aborted || ending.aborted) return resolve([]);
        const known = lines.get(taskQueueId);
        const line: Line = known ?? { taskQueueId, waiters: new Set(), isWoken: false, wakeUp: undefined };
        const over = () => {
          waiter.isOver = true;
          if (!waiter.isServed) waiter.finish([]);
        };
        const cancelTimeout = clock.after(LONGEST_WAIT_MS, over);
        const end = () => {
          line.waiters.delete(waiter);
          cancelTimeout();
          for (const signal of [gone, ending]) signal.removeEventListener('abort', over);
          if (line.waiters.size === 0) wake(line);
        };
        const waiter: Waiter = {
          ...{ worker, most, isServed: false, isOver: false },
          finish: (tasks) => {
            end();
            resolve(tasks);
          },
          fail: (error) => {
            end();
            reject(error);
          },
        };
        for (const signal of [gone, ending]) signal.addEventListener('abort', over, { once: true });
        line.waiters.add(waiter);
        if (known) return wake(line);
        lines.set(taskQueueId, line);
        void attend(line);
      }),
    [Symbol.asyncDispose]: async () => {
      await (await listening?.catch(() => undefined))?.[Symbol.asyncDispose]();
    },
  };
};
