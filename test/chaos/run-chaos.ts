// Kills a server at random moments under load, again and again, and tells what was lost or done
// twice.

import { setTimeout as sleep } from 'node:timers/promises';
import { heavy } from '../../src/task-hooks/test-support/heavy-template.ts';
import { ECHO_SCOPES, echoHook, rootClients } from '../support/client.ts';
import type { Cleanup } from '../support/database.ts';
import { newDataFolder } from '../support/server.ts';
import { eventually } from '../support/wait.ts';
import { type Callers, GROUP, HOOK_IDS, type Sent, startCallers } from './callers.ts';
import { type Connection, countUnfinished, judge } from './oracle.ts';
import { createRandom, type Random } from './random.ts';
import { createVictim, type Kill, type Victim } from './victim.ts';

export type ChaosOptions = {
  readonly kills: number;
  readonly seed: number;
  readonly callers: number;
  /** Called with one line now and then. */
  readonly tell: (line: string) => void;
  readonly signal?: AbortSignal;
  /** Does harm behind the server's back, so that a test sees the oracle notice. */
  readonly sabotage?: (connection: Connection, sent: readonly Sent[]) => Promise<void>;
};

export type ChaosReport = {
  /** Empty when all promises were kept. */
  readonly problems: readonly string[];
  readonly sent: number;
  readonly acknowledged: number;
  /** Acknowledged only when asked again. */
  readonly askedAgain: number;
  /** Never acknowledged, and the task is there or not. */
  readonly unanswered: number;
  /**
   * Acknowledged before the task was there: the fire was left by a dead process and its lease had
   * not run out.
   */
  readonly early: number;
  readonly tasks: number;
  /** From the last start to the last fire that the kills had left unfinished. */
  readonly recoveredInMs: number;
  readonly killed: Readonly<Record<Kill, number>>;
};

/**
 * A server lives until it has acknowledged so many more triggers, or for so long, and then a moment
 * longer.
 */
const MOST_ACKNOWLEDGED_IN_A_LIFE = 60;
const LONGEST_LIFE_MS = 2_000;
const LONGEST_MOMENT_MS = 20;
/** A lease of 15 s, the second between two looks, and the work itself on a machine that is busy. */
const RECOVERED_WITHIN_MS = 15_000 + 10_000;

export const runChaos = async (t: Cleanup, options: ChaosOptions): Promise<ChaosReport> => {
  const { kills, seed, callers: count, tell, signal } = options;
  const random = createRandom(seed);
  const victim = createVictim(t, await newDataFolder(t), random);
  await victim.start();
  await makeHooks(victim);
  const callers = startCallers(victim, count, seed);
  const killed = { server: 0, database: 0, everything: 0, start: 0 };
  for (let number = 1; number <= kills && !signal?.aborted; number += 1) {
    await live(callers, random);
    const kill = chooseKill(random);
    killed[kill] += 1;
    await victim.kill(kill);
    tell(`kill ${number} of ${kills}: ${kill}; ${callers.sent.length} triggers so far`);
    await victim.start();
  }
  const lastStart = performance.now();
  await live(callers, random);
  const { recoveredInMs, problems } = await recover(victim, callers, lastStart);
  const connection = await victim.connection();
  await options.sabotage?.(connection, callers.sent);
  const verdict = await judge(callers.sent, connection, rootClients(victim.credentials()));
  const acknowledged = callers.sent.filter((one) => one.acknowledged !== undefined);
  return {
    problems: [...problems, ...verdict.problems],
    sent: callers.sent.length,
    acknowledged: acknowledged.length,
    askedAgain: acknowledged.filter(({ tries }) => tries > 1).length,
    unanswered: callers.sent.length - acknowledged.length,
    early: acknowledged.filter(({ firstSeen }) => firstSeen === undefined).length,
    tasks: verdict.tasks,
    recoveredInMs,
    killed,
  };
};

const live = async (callers: Callers, random: Random): Promise<void> => {
  const enough = callers.acknowledged() + random.between(0, MOST_ACKNOWLEDGED_IN_A_LIFE);
  const moment = random.between(0, LONGEST_MOMENT_MS);
  const latest = performance.now() + LONGEST_LIFE_MS;
  while (callers.acknowledged() < enough && performance.now() < latest) await sleep(1);
  await sleep(moment);
};

const chooseKill = (random: Random): Kill => {
  const dice = random.next();
  if (dice < 0.5) return 'server';
  if (dice < 0.7) return 'everything';
  return dice < 0.9 ? 'database' : 'start';
};

const makeHooks = async (victim: Victim): Promise<void> => {
  const { hooks, auth } = rootClients(victim.credentials());
  const [light, weighty] = HOOK_IDS;
  const { task } = echoHook();
  const said = { said: { $eval: 'payload' }, taskId: { $eval: 'taskId' } };
  const copy = heavy({ $eval: 'payload.list' });
  await hooks.createHook(
    GROUP,
    light,
    echoHook({ task: { ...task, payload: { ...said, list: { $eval: 'payload.list' } } } }),
  );
  await hooks.createHook(GROUP, weighty, echoHook({ task: { ...task, payload: { ...said, list: copy } } }));
  await auth.createRole(`hook-id:${GROUP}/*`, { scopes: ECHO_SCOPES, description: '' });
};

/**
 * Waits until everybody who insists was answered and no fire is left, and says how long the latter
 * took.
 */
const recover = async (victim: Victim, callers: Callers, lastStart: number) => {
  const finished = callers.finish();
  const problems: string[] = [];
  const connection = await victim.connection();
  const isEmpty = async () => (await countUnfinished(connection)) === 0;
  await eventually('no fire is unfinished', isEmpty, RECOVERED_WITHIN_MS).catch(async () => {
    problems.push(
      `${await countUnfinished(connection)} fires are unfinished ${RECOVERED_WITHIN_MS} ms after the last start`,
    );
  });
  const recoveredInMs = Math.round(performance.now() - lastStart);
  await finished;
  await eventually('the last triggers are finished', isEmpty, 5_000).catch((error: Error) =>
    problems.push(error.message),
  );
  return { recoveredInMs, problems };
};
