// Those who trigger hooks by the API and by webhooks, and what each of them was told.
import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom, type Random } from '../../chaos/random.ts';
import { taskcluster } from '../../support/client.ts';
import type { Reply } from '../../support/request.ts';
import type { Call, Events, Kind, Manner, Payload } from '../oracle/events.ts';
import { type Api, hookPath } from './api.ts';
import { CALLED } from './hooks.ts';

export type Load = {
  /** Nothing new from now on. Resolves when everybody who insists was answered. */
  readonly finish: () => Promise<void>;
};

const CALLERS: readonly { readonly door: Call['door']; readonly manner: Manner }[] = [
  { door: 'call', manner: 'patient' },
  { door: 'call', manner: 'plain' },
  { door: 'webhook', manner: 'insistent' },
  { door: 'call', manner: 'patient' },
  { door: 'call', manner: 'once' },
  { door: 'webhook', manner: 'plain' },
];

/**
 * Of one caller at once: those that are asked again, or wait for a queue that is in trouble, go on
 * beside the new ones.
 */
const MOST_ASKING = 12;
const NEXT_AFTER_MS = 200;
const LONGEST_PAUSE_MS = 120;
const TWICE_AT_ONCE = 0.1;

/** @param tokens hookId → the token of its webhook. */
export const startCallers = (api: Api, tokens: ReadonlyMap<string, string>, { calls }: Events, seed: number): Load => {
  let isOver = false;

  const note = (one: Call, { status, text, json }: Reply): void => {
    const isAboutPayload = status === 400 && json?.code === 'InputError' && one.payload.kind === 'misfits';
    if (status === 200 && json?.taskId !== undefined && json.taskId === json.status?.taskId) {
      one.acknowledged.push(json.taskId);
    } else if (status === 200 && text === '{}') one.declined += 1;
    else if (isAboutPayload) one.refused += 1;
    else one.strange.push(`${status} ${text}`);
  };

  const trigger = async (one: Call): Promise<boolean> => {
    const isUnsigned = one.door === 'webhook';
    const more = isUnsigned ? `/trigger/${encodeURIComponent(tokens.get(one.hookId) ?? '')}` : '/trigger';
    const request = { method: 'POST', path: hookPath(one.hookId, more), body: one.payload, isUnsigned };
    const reply = await api.ask(request, () => {
      one.requests += 1;
    });
    if (reply) note(one, reply);
    return reply !== undefined;
  };

  const pursue = async (one: Call, random: Random): Promise<void> => {
    const mayRepeat = one.manner === 'patient' || one.manner === 'insistent';
    const twice = one.manner === 'patient' && random.isTrue(TWICE_AT_ONCE);
    let isAnswered = (await Promise.all(twice ? [trigger(one), trigger(one)] : [trigger(one)])).some(Boolean);
    while (mayRepeat && !isAnswered) {
      await sleep(random.between(5, LONGEST_PAUSE_MS));
      isAnswered = await trigger(one);
    }
  };

  const runCaller = async ({ door, manner }: (typeof CALLERS)[number], caller: number): Promise<void> => {
    const random = createRandom(seed + caller); // each its own, so that one's haste does not change another's luck
    const asking = new Set<Promise<void>>();
    for (let number = 0; !isOver; number += 1) {
      const hookId = CALLED[random.between(0, 4) === 0 ? 1 : 0];
      const payload = payloadOf(`call ${caller}-${number}`, manner, random);
      const one: Call = {
        ...{ hookId, door, manner, payload },
        ...{ requests: 0, acknowledged: [], declined: 0, refused: 0, strange: [] },
      };
      calls.push(one);
      const pursuit = pursue(one, random).finally(() => asking.delete(pursuit));
      asking.add(pursuit);
      await Promise.race([pursuit, sleep(NEXT_AFTER_MS)]);
      await sleep(random.between(5, LONGEST_PAUSE_MS));
      if (asking.size >= MOST_ASKING) await Promise.race(asking);
    }
    await Promise.all(asking);
  };

  const running = Promise.all(CALLERS.map(runCaller));
  running.catch(() => {}); // whoever waits for the end hears of it
  return {
    finish: async () => {
      isOver = true;
      await running;
    },
  };
};

/**
 * Whether an event without a task is in the ledger can be told only by a taskId that was chosen.
 */
const payloadOf = (mark: string, manner: Manner, random: Random): Payload => {
  const isChosen = manner === 'patient' || manner === 'once';
  return {
    ...fillingOf(mark, isChosen ? random.between(0, 9) : 2, random),
    ...(isChosen && { taskId: taskcluster.slugid() as string }),
  };
};

/** @param dice 0: declined; 1: refused by the schema. */
export const fillingOf = (mark: string, dice: number, random: Random): Payload => {
  const kind: Kind = dice === 0 ? 'declines' : dice === 1 ? 'misfits' : 'fits';
  const list = Array.from({ length: random.between(0, 5) }, () => random.between(0, 1000));
  return {
    ...{ mark, kind },
    list: kind === 'misfits' ? 'no list' : list,
    text: 'ü\u0000"\\'.repeat(random.between(0, 20)),
  };
};
