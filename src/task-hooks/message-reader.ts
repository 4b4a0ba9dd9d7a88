// A message on the queue of a hook becomes a fire, or a row of the ledger that says why not; stored together with the end of the delivery.
import type { Broker, Delivery, Reader } from '../broker/broker.ts';
import { type Clock, toIso } from '../core/clock.ts';
import { newSlugId, newUuid } from '../core/ids.ts';
import type { Database } from '../database/database.ts';
import { ApiError } from '../http/api-error.ts';
import { parseJsonBody } from '../http/body.ts';
import type { Ledger } from '../ledger/create-ledger.ts';
import type { LedgerEntry } from '../ledger/entry.ts';
import { type Evaluation, reasonOf } from './evaluation.ts';
import type { CompiledHook, Evaluator } from './evaluator.ts';
import type { Fire, FireStore } from './fire-store.ts';
import type { HookMemory } from './hook-memory.ts';
import { LEASE_MS, type Notice, type Pursuit } from './pursue.ts';
import { givesUpAt } from './task-times.ts';

export type MessageReaderSettings = {
  readonly database: Database;
  readonly acknowledge: Broker['acknowledge'];
  readonly memory: HookMemory;
  readonly evaluator: Evaluator;
  readonly fires: FireStore;
  readonly ledger: Ledger;
  readonly pursuit: Pursuit;
  readonly notice: Notice;
  readonly clock: Clock;
};

/** What becomes of one message at one revision of its hook. */
type Reading =
  | { readonly kind: 'fire'; readonly fire: Fire }
  | { readonly kind: 'unfired'; readonly entry: LedgerEntry & { kind: 'fire'; taskId: string } };

const STALE = Symbol('the hook was changed meanwhile');
const MOST_RELOADS = 5;
const LONGEST_SAMPLE = 1_000;

export const createMessageReader = (settings: MessageReaderSettings): Reader => {
  const { database, acknowledge, memory, evaluator, fires, ledger, pursuit, notice, clock } = settings;

  const read = async (hook: CompiledHook, delivery: Delivery): Promise<Reading> => {
    const arrived = delivery.accepted;
    const now = clock.now();
    const taskId = newSlugId();
    const evaluation = await evaluate(hook, delivery, taskId, now);
    if (evaluation.outcome === 'limited' && evaluation.mayPass) throw new Error(evaluation.message); // it comes again
    const { hookGroupId, hookId } = hook.definition;
    const event = {
      hookUid: hook.uid,
      hookGroupId,
      hookId,
      cause: `message:${delivery.id}`,
      firedBy: 'pulseMessage',
      taskId,
      arrived,
      attempts: 0,
      requestId: newUuid(),
    } as const;
    if (evaluation.outcome === 'rendered') {
      const { task, deadline } = evaluation;
      const none = { payloadHash: undefined, clientId: undefined };
      return { kind: 'fire', fire: { ...event, ...none, task, givesUp: givesUpAt(deadline, now) } };
    }
    const message = reasonOf(evaluation);
    const { exchange, routingKey, messageId } = delivery;
    const detail = { exchange, routingKey, messageId, message: sampleOf(delivery.body) };
    const none = { payloadHash: null, clientId: null };
    const { outcome } = evaluation;
    return {
      kind: 'unfired',
      entry: { kind: 'fire', outcome, at: now, ...event, ...none, error: { message }, detail },
    };
  };

  const evaluate = async (hook: CompiledHook, { body }: Delivery, taskId: string, now: number): Promise<Evaluation> => {
    let payload: unknown;
    try {
      payload = parseJsonBody(body, 'application/json');
    } catch (error) {
      if (error instanceof ApiError) return { outcome: 'rejected', problems: [error.message] };
      throw error;
    }
    return evaluator.evaluate(hook, { firedBy: 'pulseMessage', taskId, now: toIso(now), payload }, body.length);
  };

  /** 'over': the delivery is over, here or elsewhere. */
  const store = async (hook: CompiledHook, reading: Reading, delivery: Delivery): Promise<Fire | 'over' | 'stale'> => {
    try {
      return await database.transaction(async (tx) => {
        if ((await acknowledge(tx, [delivery])).size > 0) return 'over';
        if (reading.kind === 'unfired') {
          const { entry } = reading;
          await ledger.write([entry], tx);
          if (entry.outcome === 'failed' || entry.outcome === 'limited') {
            await notice(tx, { ...entry, firedBy: 'pulseMessage' }, entry.outcome, entry.error);
          }
          return 'over';
        }
        const { fire } = reading;
        const stored = await fires.storeAll(tx, [{ hook, fire, leaseEnds: clock.now() + LEASE_MS }]);
        if (stored.length === 0) throw STALE; // undoes the acknowledgement
        return fire;
      });
    } catch (error) {
      if (error === STALE) return 'stale';
      throw error;
    }
  };

  const readOne = async (delivery: Delivery): Promise<void> => {
    await pursuit.whenRoom(); // a queue that is slow to take tasks slows this down, and the messages wait where they are
    let hook = await memory.getByUid(delivery.queue);
    for (let reloads = 0; hook; reloads += 1) {
      const reading = await read(hook, delivery);
      // Nothing checks the revision of what makes no fire, so it is checked here.
      const current = reading.kind === 'unfired' ? await memory.reloadByUid(hook.uid) : hook;
      const stored = current === hook ? await store(hook, reading, delivery) : 'stale';
      if (stored === 'over') return;
      if (stored !== 'stale') return pursuit.follow([stored]);
      if (reloads === MOST_RELOADS) throw new Error(`the hook ${hook.uid} changes all the time`);
      hook = await memory.reloadByUid(hook.uid);
    }
    // The hook is gone, and its queue with it.
  };

  return async (deliveries) => {
    for (const delivery of deliveries) await readOne(delivery);
  };
};

/** The beginning of what came, for the owner of the hook to recognize it. */
const sampleOf = (body: Buffer): string => body.toString('utf8', 0, LONGEST_SAMPLE).replaceAll('\0', '\u{fffd}');
