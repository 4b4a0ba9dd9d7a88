// The one place where fires begin. A cause (a call, a tick, a message) makes them, and hands them
// in here. Where the queue lives in our database a fire, its task and its outcome are one commit:
// nothing is half done, and nothing has to be taken up again. Elsewhere, and for what may come
// again, the fire is stored first, and the runner makes the attempts.
import type { Clock } from '../../core/clock.ts';
import { createBatch } from '../../database/batch.ts';
import type { Database, Transaction } from '../../database/database.ts';
import type { WholePiece } from '../../database/statement.ts';
import type { CreateTaskAnswer, Queue } from '../../queue/queue.ts';
import type { HookRevision } from '../definition.ts';
import type { TaskValue } from '../evaluation/evaluate.ts';
import { findUnchanged } from '../hooks/hook-store.ts';
import type { BeginAtOnce, BegunAtOnce, PlainFire } from './at-once/begin-at-once.ts';
import type { BeginWhole } from './at-once/begin-whole.ts';
import type { AfterCommit, EndFires } from './end-fires.ts';
import {
  type AttemptsEnd,
  CREATED,
  type EndedFire,
  endBy,
  endedBy,
  type Fire,
  isEnded,
  isRendered,
  type NewFire,
  type StoredFire,
  taskRequestOf,
} from './fire.ts';
import { sizeOfFire } from './fire-inserts.ts';
import type { FireLog } from './fire-log.ts';
import type { FireMetrics } from './fire-metrics.ts';
import { type FireRunner, LEASE_MS } from './fire-runner.ts';
import type { FireStore } from './fire-store.ts';
import { isToRemember, rememberEvents } from './repeats/remember-events.ts';

export type BeginFires = {
  /**
   * Begins fires in the transaction of their cause, which sees to it that each event comes once.
   * Answers what is to be done when it is committed.
   */
  readonly inTransaction: (tx: Transaction, fires: readonly NewFire[], how: Beginning) => Promise<AfterCommit>;
  /** The same, and how those ended that ended at once. */
  readonly withEnds: (
    tx: Transaction,
    fires: readonly NewFire[],
    how: Beginning,
  ) => Promise<{ readonly ends: ReadonlyMap<NewFire, EndedFire>; readonly afterCommit: AfterCommit }>;
  /**
   * Begins a fire in a commit that it shares with those that come at the same time. `changed`:
   * nothing was done, because the hook is at another revision or gone, or the event is known
   * already. `pending`: it is stored, and attempts go on after `patienceMs`. `value`: its task,
   * where that need not be parsed.
   */
  readonly alone: (
    hook: HookRevision,
    fire: Fire,
    patienceMs: number,
    value?: TaskValue,
  ) => Promise<AttemptsEnd | { readonly outcome: 'pending' } | { readonly outcome: 'changed' }>;
  /**
   * As `alone`, for an event that may come again; a repeat finds its fire, unfinished or in the
   * ledger. `changed`: it did, or the hook has changed.
   */
  readonly once: BeginFires['alone'];
  /**
   * For fires that begin with what this cause writes, in one statement. Absent: the queue is
   * elsewhere.
   */
  readonly wholeWith: ((cause: WholePiece) => BeginWithCause) | undefined;
  /** An event that makes no fire, in a commit of its own. */
  readonly ended: (fire: EndedFire) => Promise<void>;
};

export type Beginning = {
  /** Tasks are created in the same transaction, where the queue can. */
  readonly atOnce: boolean;
  /** Who makes the attempts of what is stored. */
  readonly leaseOf: 'this process' | 'anybody';
};

/**
 * Resolves when the statement is sent, whose values for the cause these are; `answer` rejects when
 * anything of it was not as it should be, and nothing is done then. `notPlain`: because of this
 * fire nothing was sent.
 */
export type BeginWithCause = (
  fires: readonly Item[],
  causeValues: readonly unknown[],
  tx?: Transaction,
) => Promise<{ readonly answer: Promise<AfterCommit> } | { readonly notPlain: Fire }>;

export type BeginFiresSettings = {
  readonly database: Database;
  readonly store: FireStore;
  readonly runner: Pick<FireRunner, 'attempt' | 'enqueue' | 'hasRoom'>;
  readonly endFires: EndFires;
  /** Where the queue lives in our database. */
  readonly createTasksIn: Queue['createTasksIn'] | undefined;
  /** The short ways for plain tasks. */
  readonly atOnce: BeginAtOnce | undefined;
  readonly wholeWith: ((cause: WholePiece) => BeginWhole) | undefined;
  readonly clock: Clock;
  readonly fireLog: FireLog;
  readonly fireMetrics: FireMetrics;
};

const MOST_AT_ONCE = 200;

export type Item = { readonly hook: HookRevision; readonly fire: Fire };

export const createBeginFires = (settings: BeginFiresSettings): BeginFires => {
  const { database, store, runner, endFires, createTasksIn, atOnce, wholeWith, clock, fireLog, fireMetrics } = settings;

  /** By fire. */
  const createTasks = async (tx: Transaction, fires: readonly Fire[]): Promise<Map<NewFire, CreateTaskAnswer>> => {
    if (!createTasksIn || fires.length === 0) return new Map();
    const answers = await createTasksIn(tx, fires.map(taskRequestOf));
    return new Map(fires.map((fire, index) => [fire, answers[index] as CreateTaskAnswer]));
  };

  const storeFires = async (tx: Transaction, fires: readonly StoredFire[], leaseOf: Beginning['leaseOf']) => {
    if (fires.length === 0) return [];
    const now = clock.now();
    return store.storeAll(tx, fires, leaseOf === 'this process' ? now + LEASE_MS : now);
  };

  /** Makes those that are plain, in one statement, with their rows of the ledger. Answers which. */
  const makePlain = async (tx: Transaction, fires: readonly Fire[]): Promise<ReadonlySet<NewFire>> => {
    const plain: PlainFire[] = [];
    for (const fire of atOnce ? fires : []) {
      const one = await atOnce?.prepare(fire);
      if (one) plain.push(one);
    }
    const begun = plain.length > 0 ? await atOnce?.begin(plain, tx) : [];
    return new Set(plain.filter((_, index) => begun?.[index] === 'made').map(({ fire }) => fire));
  };

  const begin = async (tx: Transaction, fires: readonly NewFire[], { atOnce, leaseOf }: Beginning) => {
    const began = clock.now();
    const rendered = atOnce && createTasksIn ? fires.filter(isRendered) : [];
    const made = await makePlain(tx, rendered);
    const others = rendered.filter((fire) => !made.has(fire));
    const answers = await createTasks(tx, others);
    for (const fire of made) answers.set(fire, CREATED);
    const toStore = fires.filter((fire): fire is StoredFire => !isEnded(fire) && !answers.has(fire));
    const stored = await storeFires(tx, toStore, leaseOf);
    const ends = new Map<NewFire, EndedFire>();
    for (const fire of fires) {
      const answer = answers.get(fire);
      if (isEnded(fire)) ends.set(fire, fire);
      else if (answer) ends.set(fire, endedBy(fire, answer));
    }
    const unrecorded = [...ends].filter(([fire]) => !made.has(fire)).map(([, end]) => end);
    const told = await endFires.inTransaction(tx, unrecorded);
    const afterCommit = () => {
      for (const fire of answers.keys()) fireMetrics.begun(fire, began);
      endFires.told([...made]);
      told();
      for (const fire of stored) fireLog.stored(fire);
      if (leaseOf === 'this process') runner.enqueue(stored);
    };
    return { answers, ends, afterCommit };
  };

  const makeTogether = createBatch<PlainFire, BegunAtOnce>({
    maxItems: MOST_AT_ONCE,
    concurrency: 2,
    sizeOf: ({ fire }) => sizeOfFire(fire),
    run: async (plain) => {
      if (!atOnce) return plain.map(() => 'left');
      const began = clock.now();
      const begun = await atOnce.begin(plain);
      tellMade(
        plain.filter((_, index) => begun[index] === 'made'),
        began,
      );
      return begun;
    },
  });

  const tellMade = (made: readonly PlainFire[], began: number) => {
    const fires = made.map(({ fire }) => fire);
    for (const fire of fires) fireMetrics.begun(fire, began);
    endFires.told(fires);
  };

  const beginTogether = createBatch<Item, CreateTaskAnswer | undefined>({
    maxItems: MOST_AT_ONCE,
    concurrency: 2,
    sizeOf: ({ fire }) => sizeOfFire(fire),
    run: async (items) => {
      const { answers, afterCommit } = await database.transaction(async (tx) => {
        const fires = (await findFresh(tx, items)).map(({ fire }) => fire);
        return begin(tx, fires, { atOnce: true, leaseOf: 'this process' });
      });
      afterCommit();
      return items.map(({ fire }) => answers.get(fire));
    },
  });

  const storeAndAttempt = async (
    storeWith: FireStore['store'],
    ...[hook, fire, patienceMs]: Parameters<BeginFires['alone']>
  ): ReturnType<BeginFires['alone']> => {
    // Whoever does not wait is not held back by a queue that is slow: what has no room here is left
    // in the database.
    const isOurs = patienceMs > 0 || runner.hasRoom();
    if (!(await storeWith(hook, fire, clock.now() + (isOurs ? LEASE_MS : 0)))) return { outcome: 'changed' };
    fireLog.stored(fire);
    if (patienceMs === 0) {
      if (isOurs) runner.enqueue([fire]);
      return { outcome: 'pending' };
    }
    return (await runner.attempt(fire, patienceMs)) ?? { outcome: 'pending' };
  };

  return {
    inTransaction: async (tx, fires, how) => (await begin(tx, fires, how)).afterCommit,
    withEnds: begin,
    alone: async (hook, fire, patienceMs, value) => {
      if (!createTasksIn) return storeAndAttempt(fire.known ? store.storeOnce : store.store, hook, fire, patienceMs);
      const plain = await atOnce?.prepare(fire, hook, value);
      const begun = plain ? await makeTogether(plain) : 'left';
      if (begun !== 'left') return { outcome: begun === 'made' ? 'created' : 'changed' };
      const answer = await beginTogether({ hook, fire });
      return answer ? endBy(answer) : { outcome: 'changed' };
    },
    once: (hook, fire, patienceMs) => storeAndAttempt(store.storeOnce, hook, fire, patienceMs),
    wholeWith:
      wholeWith &&
      ((cause) => {
        const beginWhole = wholeWith(cause);
        return async (fires, causeValues, tx) => {
          const plain: PlainFire[] = [];
          for (const { fire, hook } of fires) {
            const one = await atOnce?.prepare(fire, hook);
            if (!one) return { notPlain: fire };
            plain.push(one);
          }
          const began = clock.now();
          const { answer } = await beginWhole(plain, causeValues, tx);
          return { answer: answer.then(() => () => tellMade(plain, began)) };
        };
      }),
    ended: endFires.alone,
  };
};

/** Those whose hook is unchanged, and whose event was not known: one statement for either kind. */
const findFresh = async (tx: Transaction, items: readonly Item[]): Promise<Item[]> => {
  const remembered = items.filter(isToRemember);
  const others = remembered.length === 0 ? items : items.filter((item) => !isToRemember(item));
  const unchanged = others.length === 0 ? [] : await findUnchanged(tx, others);
  return [...unchanged, ...(await rememberEvents(tx, remembered))];
};
