// Those who trigger hooks while the server dies under them, and what each of them was told.
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { taskcluster } from '../support/client.ts';
import { type Reply, send } from '../support/request.ts';
import { createRandom, type Random } from './random.ts';
import type { Victim } from './victim.ts';

/**
 * `patient`: chooses the taskId and asks again, with the same payload, until there is an answer, as
 * real clients do; at times it asks twice at once. `once`: chooses the taskId and asks once.
 * `plain`: lets the server choose, and asks once.
 */
const MANNERS = ['patient', 'plain', 'patient', 'once'] as const;
export type Manner = (typeof MANNERS)[number];

export type Payload = {
  readonly taskId?: string;
  readonly mark: string;
  readonly list: readonly number[];
  readonly text: string;
};

export type Sent = {
  readonly hookId: string;
  readonly manner: Manner;
  readonly payload: Payload;
  /** How often it was put on the wire. */
  tries: number;
  /** The taskId of the acknowledgement, once there is one. */
  acknowledged: string | undefined;
  /** The definition of the task as the queue told it after the acknowledgement. */
  firstSeen: string | undefined;
  /** Anything but 200 that was no 5xx. */
  refused: string | undefined;
};

export type Callers = {
  readonly sent: readonly Sent[];
  /** How many triggers were acknowledged so far. */
  readonly acknowledged: () => number;
  /** No new triggers from now on. Resolves when every patient caller has been answered. */
  readonly finish: () => Promise<void>;
};

export const GROUP = 'chaos';
export const HOOK_IDS = ['light', 'heavy/in-a-worker'] as const;

/** Of one caller at once: those that are asked again go on beside the new ones. */
const MOST_ASKING = 16;
/** How long a caller waits for one answer before it sends the next trigger. */
const NEXT_AFTER_MS = 250;
const LONGEST_WAIT_MS = 30_000;
const TWICE_AT_ONCE = 0.1;

export const startCallers = (victim: Victim, count: number, seed: number): Callers => {
  const sent: Sent[] = [];
  let isOver = false;
  let acknowledged = 0;
  const agent = new http.Agent({ keepAlive: true, maxSockets: 256 });
  const whenUp = async (): Promise<string> => {
    for (;;) {
      const address = victim.address();
      if (address !== undefined) return address;
      await sleep(5);
    }
  };

  /** undefined: the connection broke, or the answer never came. */
  const ask = async (method: string, path: string, body?: unknown): Promise<Reply | undefined> => {
    const url = await whenUp();
    const options = {
      method,
      agent,
      credentials: victim.credentials(),
      ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    };
    const patience = new AbortController();
    try {
      return await Promise.race([
        send(url, path, options),
        sleep(LONGEST_WAIT_MS, undefined, { signal: patience.signal }),
      ]);
    } catch {
      return undefined;
    } finally {
      patience.abort();
    }
  };

  const isAnswer = (reply: Reply | undefined): reply is Reply => reply !== undefined && reply.status < 500;

  const trigger = async (one: Sent): Promise<boolean> => {
    one.tries += 1;
    const path = `/api/hooks/v1/hooks/${GROUP}/${encodeURIComponent(one.hookId)}/trigger`;
    const reply = await ask('POST', path, one.payload);
    if (!isAnswer(reply)) return false;
    if (reply.status === 200 && reply.json?.taskId === reply.json?.status?.taskId) {
      acknowledged += 1;
      one.acknowledged = reply.json.taskId;
    } else one.refused = `${reply.status} ${reply.text}`;
    return true;
  };

  /**
   * What the queue says of the task now. A server that has died meanwhile is asked again when it is
   * back.
   */
  const look = async (one: Sent): Promise<void> => {
    for (;;) {
      const reply = await ask('GET', `/api/queue/v1/task/${one.acknowledged}`);
      if (!isAnswer(reply)) continue;
      // Acknowledged while the fire was another process's, which is dead: the task comes when the
      // lease has run out.
      if (reply.status === 200) one.firstSeen = reply.text;
      return;
    }
  };

  const pursue = async (one: Sent, random: Random): Promise<void> => {
    const isPatient = one.manner === 'patient';
    const twice = isPatient && random.isTrue(TWICE_AT_ONCE);
    let isAnswered = (await Promise.all(twice ? [trigger(one), trigger(one)] : [trigger(one)])).some(Boolean);
    while (isPatient && !isAnswered) {
      isAnswered = await trigger(one);
      if (!isAnswered) await sleep(random.between(5, 50));
    }
    if (one.acknowledged !== undefined) await look(one);
  };

  const runCaller = async (caller: number): Promise<void> => {
    const random = createRandom(seed + 1 + caller); // each its own, so that one's haste does not change another's luck
    const manner = MANNERS[caller % MANNERS.length] ?? 'plain';
    const asking = new Set<Promise<void>>();
    for (let number = 0; !isOver; number += 1) {
      await whenUp();
      const payload = {
        ...(manner !== 'plain' && { taskId: taskcluster.slugid() as string }),
        mark: `${caller}-${number}`,
        list: Array.from({ length: random.between(0, 5) }, () => random.between(0, 1000)),
        text: 'ü\u0000"\\'.repeat(random.between(0, 40)),
      };
      const hookId = HOOK_IDS[random.between(0, 9) === 0 ? 1 : 0];
      const one: Sent = {
        hookId,
        manner,
        payload,
        tries: 0,
        acknowledged: undefined,
        firstSeen: undefined,
        refused: undefined,
      };
      sent.push(one);
      const pursuit = pursue(one, random).finally(() => asking.delete(pursuit));
      asking.add(pursuit);
      await Promise.race([pursuit, sleep(NEXT_AFTER_MS)]);
      if (one.acknowledged === undefined) await sleep(random.between(5, 50)); // a database that is gone refuses quickly
      if (asking.size >= MOST_ASKING) await Promise.race(asking);
    }
    await Promise.all(asking);
  };

  const running = Promise.all(Array.from({ length: count }, (_, caller) => runCaller(caller)));
  running.catch(() => {});
  return {
    sent,
    acknowledged: () => acknowledged,
    finish: async () => {
      isOver = true;
      await running;
      agent.destroy();
    },
  };
};
