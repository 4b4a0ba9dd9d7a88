// Messages on the queue of a hook become fires, or rows of the ledger that say why not; stored
// together with the end of their deliveries.
import type { Delivery, Reader } from '../../broker/broker.ts';
import type { Clock } from '../../core/clock.ts';
import { nextTurn } from '../../core/clock.ts';
import { errorCode } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { CompiledHook } from '../evaluation/evaluator.ts';
import { isRendered } from '../firing/fire.ts';
import type { FireRunner } from '../firing/fire-runner.ts';
import type { HookCache } from '../hooks/hook-cache.ts';
import type { CommitMessages } from './commit-messages.ts';
import { type EvaluatedMessage, type EvaluateMessage, unstorableMessage } from './evaluate-message.ts';

export type MessageReaderSettings = {
  readonly cache: HookCache;
  readonly evaluateMessage: EvaluateMessage;
  readonly commitMessages: CommitMessages;
  readonly runner: Pick<FireRunner, 'whenRoom' | 'isEnding'>;
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
  const { cache, evaluateMessage, commitMessages, runner, clock, log } = settings;

  /**
   * The first of them, in order and one at a time: so the slow template of a hook holds up that
   * hook, and takes one worker.
   */
  const evaluateSome = async (hook: CompiledHook, deliveries: readonly Delivery[]): Promise<EvaluatedMessage[]> => {
    const messages: EvaluatedMessage[] = [];
    const began = clock.monotonic();
    let turnBegan = began;
    let bytes = 0;
    for (const delivery of deliveries) {
      const message = await evaluateMessage(hook, delivery);
      messages.push(message);
      bytes += (isRendered(message.fire) ? message.fire.task.length : 0) + (message.fire.payload?.length ?? 0);
      const now = clock.monotonic();
      if (runner.isEnding()) break; // what was evaluated is stored
      if (messages.length === MOST_AT_ONCE || bytes >= MOST_BYTES || now - began >= LONGEST_MS) break;
      if (now - turnBegan < LONGEST_TURN_MS) continue;
      await nextTurn();
      turnBegan = clock.monotonic();
    }
    return messages;
  };

  /**
   * After they failed together: one message's trouble is not another's, and what can never be
   * stored is recorded as such.
   */
  const commitEach = async (hook: CompiledHook, messages: readonly EvaluatedMessage[]) => {
    for (const message of messages) {
      const outcome = await commitMessages({ hook, messages: [message], atOnce: false }).catch((error: unknown) => {
        if (!isOfTheData(error)) throw error;
        const instead = unstorableMessage(hook, message.delivery, error);
        return commitMessages({ hook, messages: [instead], atOnce: false });
      });
      if (outcome === 'stale') return 'stale'; // those before it are over, and will be found to be
    }
    return 'committed';
  };

  return async (deliveries) => {
    const [first] = deliveries;
    if (!first) return;
    let left = deliveries;
    let reloads = 0;
    let hook = await cache.getByUid(first.queue);
    // When the hook is gone its queue is, too.
    while (hook && left.length > 0) {
      const current = hook;
      await runner.whenRoom(); // a queue that is slow to take tasks slows this down, and the messages wait where they are
      if (left !== deliveries && runner.isEnding()) throw new Error('the server is ending; others go on with the rest');
      const messages = await evaluateSome(current, left);
      const outcome = await commitMessages({ hook: current, messages, atOnce: true }).catch((error: unknown) => {
        log.debug({ err: error, hookUid: current.uid }, 'messages not committed together; each is tried alone');
        return commitEach(current, messages);
      });
      if (outcome === 'committed') {
        left = left.slice(messages.length);
        reloads = 0;
        continue;
      }
      if (reloads === MOST_RELOADS) throw new Error(`the hook ${current.uid} changes all the time`);
      reloads += 1;
      hook = await cache.reloadByUid(current.uid);
    }
  };
};

/** PostgreSQL's classes of errors: data exception, program limit exceeded. */
const isOfTheData = (error: unknown): boolean => /^(22|54)/.test(errorCode(error) ?? '');
