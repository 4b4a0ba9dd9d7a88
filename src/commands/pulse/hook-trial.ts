// What a hook would make of a message: its definition is read from the server, and tried here with
// the server's own code.
import type { Hooks } from '#client';
import type { Delivery } from '../../broker/broker.ts';
import type { Clock } from '../../core/clock.ts';
import { silentLog } from '../../core/log.ts';
import type { HookDefinition } from '../../task-hooks/definition.ts';
import { type CompiledHook, createEvaluator } from '../../task-hooks/evaluation/evaluator.ts';
import { createEvaluationPool } from '../../task-hooks/evaluation/pool.ts';
import { isEnded } from '../../task-hooks/firing/fire.ts';
import { createEvaluateMessage } from '../../task-hooks/messages/evaluate-message.ts';
import { reasonOf } from '../cli/reason-of.ts';
import type { HookArguments } from '../hooks/hook-name.ts';

export type Verdict = {
  /**
   * `created`: the payload fits and the template renders to a task. Whether the hook's role may
   * create that task is not tried.
   */
  readonly outcome: 'created' | 'declined' | 'rejected' | 'failed' | 'limited';
  readonly reason?: string;
};

export type TriedMessage = Pick<Delivery, 'exchange' | 'routingKey' | 'messageId' | 'body'>;

export type HookTrial = AsyncDisposable & {
  /** Reads the definition again when some seconds have passed. */
  readonly refresh: (hooks: Hooks) => Promise<void>;
  readonly isBoundTo: (exchange: string) => boolean;
  readonly of: (message: TriedMessage) => Promise<Verdict>;
};

const READ_AGAIN_AFTER_MS = 3_000;

/** Throws what the server says when there is no such hook. */
export const createHookTrial = async (hooks: Hooks, name: HookArguments, clock: Clock): Promise<HookTrial> => {
  const pool = createEvaluationPool({ clock, log: silentLog });
  const evaluator = createEvaluator(pool);
  const evaluateMessage = createEvaluateMessage({
    evaluator,
    payloads: { keep: () => undefined },
    clock,
    log: silentLog,
  });
  let revision = 0;
  let readAt = 0;
  let known = '';
  let hook: CompiledHook;

  const read = async (from: Hooks) => {
    const definition = (await from.hook(...name)) as HookDefinition;
    readAt = clock.monotonic();
    const text = JSON.stringify(definition);
    if (text === known) return;
    known = text;
    revision += 1; // under which workers keep the compiled schema
    hook = evaluator.compile({ uid: name.join('/'), revision, definition, sealedToken: undefined });
  };
  await read(hooks);

  return {
    refresh: async (from) => {
      if (clock.monotonic() - readAt > READ_AGAIN_AFTER_MS) await read(from);
    },
    isBoundTo: (exchange) => hook.definition.bindings.some((binding) => binding.exchange === exchange),
    of: async (message) => {
      const { fire } = await evaluateMessage(hook, { ...message, queue: '', id: '', accepted: clock.now() });
      if (!isEnded(fire)) return { outcome: 'created' };
      const { outcome, error } = fire;
      return { outcome: outcome as Verdict['outcome'], ...(outcome !== 'declined' && { reason: reasonOf(error) }) };
    },
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  };
};
