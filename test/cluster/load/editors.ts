// Those who make, change and remove hooks all the while: with bindings, whose messages must find
// them, and with schedules that go on.
import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom, type Random } from '../../chaos/random.ts';
import type { Action, Change, Events, Message, Task } from '../oracle/events.ts';
import { type Api, type ApiRequest, hookPath, isBound } from './api.ts';
import { fillingOf, type Load } from './callers.ts';
import { SCHEDULED, scheduledHook, triggeredHook } from './hooks.ts';
import type { Publish } from './publishers.ts';

export type EditorSettings = {
  readonly api: Api;
  readonly publish: Publish;
  readonly events: Events;
  readonly tasks: () => Promise<readonly Task[]>;
  readonly seed: number;
};

const EDITORS = 2;
/** When the faults are over a binding is active and a message has made its task within that. */
const LONGEST_WAIT_MS = 90_000;
const LOOK_EVERY_MS = 100;
const LONGEST_PAUSE_MS = 400;

const REQUESTS: Record<Action, string> = { created: 'PUT', updated: 'POST', deleted: 'DELETE' };

/** Asks until it is answered, and counts. */
export const change = async (
  { api, events: { changes } }: Pick<EditorSettings, 'api' | 'events'>,
  hookId: string,
  action: Action,
  body?: unknown,
): Promise<void> => {
  const known = changes.find((one) => one.hookId === hookId && one.action === action);
  const one: Change = known ?? { hookId, action, requests: 0, answered: 0 };
  if (!known) changes.push(one);
  const request: ApiRequest = { method: REQUESTS[action], path: hookPath(hookId), body };
  const reply = await api.insist(request, () => {
    one.requests += 1;
  });
  if (reply.status !== 200) throw new Error(`${action} ${hookId} was answered ${reply.status} ${reply.text}`);
  one.answered += 1;
};

export const startEditors = (settings: EditorSettings): Load => {
  const { api, publish, events, tasks, seed } = settings;
  let isOver = false;
  let giveUpAt = Number.POSITIVE_INFINITY;

  const until = async (what: string, hookId: string, look: () => Promise<boolean>): Promise<void> => {
    while (!(await look())) {
      if (performance.now() > giveUpAt) {
        const { text } = await api.insist({ method: 'GET', path: hookPath(hookId, '/status') });
        throw new Error(`never came true, though ${LONGEST_WAIT_MS} ms without faults passed: ${what}; ${text}`);
      }
      await sleep(LOOK_EVERY_MS);
    }
  };

  const tell = async (hookId: string, routingKey: string, mark: string, random: Random): Promise<void> => {
    const payload = fillingOf(mark, 2, random);
    const message: Message = {
      hookIds: [hookId],
      routingKey,
      payload,
      messageId: undefined,
      published: 0,
      confirmed: 0,
    };
    events.messages.push(message);
    await publish(message);
    // Before its hook goes: a queue that is removed takes along what waits in it.
    await until(`the tasks of ${mark}`, hookId, async () => {
      const made = (await tasks()).filter(
        ({ definition: { payload: by } }) => by.said?.mark === mark && by.hookId === hookId,
      );
      return made.length >= message.confirmed;
    });
  };

  /** The life of one hook. */
  const live = async (hookId: string, random: Random): Promise<void> => {
    const key = `changing.${hookId.replace(/\W/g, '-')}`;
    const pattern = `${key}.#`;
    await change(settings, hookId, 'created', triggeredHook(hookId, pattern));
    await until(`the binding of ${hookId} is active`, hookId, () => isBound(api, hookId));
    await tell(hookId, key, `${hookId} 1`, random);
    await change(settings, hookId, 'updated', triggeredHook(hookId, pattern, 2));
    await until(`the binding of ${hookId} is active again`, hookId, () => isBound(api, hookId));
    await tell(hookId, `${key}.again`, `${hookId} 2`, random);
    if (random.isTrue(0.7)) await change(settings, hookId, 'deleted');
  };

  const runEditor = async (editor: number): Promise<void> => {
    const random = createRandom(seed + editor);
    for (let number = 0; !isOver; number += 1) {
      await live(`changing/${editor}-${number}`, random);
      await sleep(random.between(0, LONGEST_PAUSE_MS));
    }
  };

  const runRescheduler = async (): Promise<void> => {
    const random = createRandom(seed + EDITORS);
    for (let version = 2; !isOver; version += 1) {
      const hookId = SCHEDULED[random.between(0, SCHEDULED.length - 1)] ?? SCHEDULED[0];
      await change(settings, hookId, 'updated', scheduledHook(hookId, ['* * * * * *'], version));
      await sleep(random.between(LONGEST_PAUSE_MS, 4 * LONGEST_PAUSE_MS));
    }
  };

  const running = Promise.all([...Array.from({ length: EDITORS }, (_, editor) => runEditor(editor)), runRescheduler()]);
  running.catch(() => {}); // whoever waits for the end hears of it
  return {
    finish: async () => {
      isOver = true;
      giveUpAt = performance.now() + LONGEST_WAIT_MS;
      await running;
    },
  };
};
