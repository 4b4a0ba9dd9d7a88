// Messages on the queue of a hook become fires, or rows of the ledger that say why not; stored
// together with the end of their deliveries.
import type { Delivery, Reader } from '../../broker/broker.ts';
import type { Clock } from '../../core/clock.ts';
import { errorCode } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { CompiledHook } from '../evaluation/evaluator.ts';
import type { Pursuit } from '../firing/fire-runner.ts';
import type { HookMemory } from '../hooks/hook-cache.ts';
import type { ReadingStore } from './commit-messages.ts';
import type { MessageEvaluation, Reading } from './evaluate-message.ts';

export type MessageReaderSettings = {
  readonly memory: HookMemory;
  readonly evaluation: MessageEvaluation;
  readonly store: ReadingStore;
  readonly pursuit: Pick<Pursuit, 'whenRoom' | 'isEnding' | 'follow'>;
  readonly clock: Clock;
  readonly log: Log;
};

const MOST_RELOADS = 5;
/**
 * What is stored at once, for one hook: so many messages, tasks of so many bytes, or what came
 * together in that time.
 */
const MOST_AT_ONCE = 100;
const MOST_BYTES = 4 * 1024 * 1024;
const LONGEST_MS = 500;
/** Evaluations on this thread go on for so long before other things have their turn. */
const LONGEST_TURN_MS = 10;

export const createMessageReader = (settings: MessageReaderSettings): Reader => {
  const { memory, evaluation, store, pursuit, clock, log } = settings;

  /**
   * The first of them, in order and one at a time: so the slow template of a hook holds up that
   * hook, and takes one worker.
   */
  const readSome = async (hook: CompiledHook, deliveries: readonly Delivery[]): Promise<Reading[]> => {
    const readings: Reading[] = [];
    const began = clock.monotonic();
    let turnBegan = began;
    let bytes = 0;
    for (const delivery of deliveries) {
      const reading = await evaluation.read(hook, delivery);
      readings.push(reading);
      bytes += reading.kind === 'fire' ? reading.fire.task.length : 0;
      const now = clock.monotonic();
      if (pursuit.isEnding()) break; // what was read is stored
      if (readings.length === MOST_AT_ONCE || bytes >= MOST_BYTES || now - began >= LONGEST_MS) break;
      if (now - turnBegan < LONGEST_TURN_MS) continue;
      await nextTurn();
      turnBegan = clock.monotonic();
    }
    return readings;
  };

  const storeAndFollow = async (hook: CompiledHook, readings: readonly Reading[], atOnce: boolean) => {
    const stored = await store({ hook, readings, atOnce });
    if (stored === 'stale') return 'stale';
    pursuit.follow(stored);
    return 'stored';
  };

  /**
   * After they failed together: one message's trouble is not another's, and what can never be
   * stored is recorded as such.
   */
  const storeEach = async (hook: CompiledHook, readings: readonly Reading[]) => {
    for (const reading of readings) {
      const stored = await storeAndFollow(hook, [reading], false).catch((error: unknown) => {
        if (!isOfTheData(error)) throw error;
        return storeAndFollow(hook, [evaluation.unstorable(hook, reading, error)], false);
      });
      if (stored === 'stale') return 'stale'; // those before it are over, and will be found to be
    }
    return 'stored';
  };

  return async (deliveries) => {
    const [first] = deliveries;
    if (!first) return;
    let left = deliveries;
    let reloads = 0;
    let hook = await memory.getByUid(first.queue);
    // When the hook is gone its queue is, too.
    while (hook && left.length > 0) {
      const current = hook;
      await pursuit.whenRoom(); // a queue that is slow to take tasks slows this down, and the messages wait where they are
      if (left !== deliveries && pursuit.isEnding())
        throw new Error('the server is ending; others go on with the rest');
      const readings = await readSome(current, left);
      const stored = await storeAndFollow(current, readings, true).catch((error: unknown) => {
        log.debug({ err: error, hookUid: current.uid }, 'messages could not be taken in together; each is tried alone');
        return storeEach(current, readings);
      });
      if (stored === 'stored') {
        left = left.slice(readings.length);
        reloads = 0;
        continue;
      }
      if (reloads === MOST_RELOADS) throw new Error(`the hook ${current.uid} changes all the time`);
      reloads += 1;
      hook = await memory.reloadByUid(current.uid);
    }
  };
};

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** PostgreSQL's classes of errors: data exception, program limit exceeded. */
const isOfTheData = (error: unknown): boolean => /^(22|54)/.test(errorCode(error) ?? '');
