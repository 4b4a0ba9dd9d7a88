// Kills a server at random moments while users post in channels with script hooks, and tells what
// was lost or done twice.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cleanup } from '../../support/database.ts';
import { newDataFolder } from '../../support/server.ts';
import { eventually } from '../../support/wait.ts';
import type { Connection } from '../oracle.ts';
import { createRandom, type Random } from '../random.ts';
import { createVictim, KILLS } from '../victim.ts';
import { makeCommunity } from './hooks.ts';
import { countWaiting, judge } from './oracle.ts';
import { startUsers, type Users } from './users.ts';

export type CommunityChaosOptions = {
  readonly kills: number;
  readonly seed: number;
  readonly users: number;
  /** Called with one line now and then. */
  readonly tell: (line: string) => void;
  readonly signal?: AbortSignal;
  /** Does harm behind the server's back, so that a test sees the oracle notice. */
  readonly sabotage?: (connection: Connection) => Promise<void>;
};

export type CommunityChaosReport = {
  /** Empty when all promises were kept. */
  readonly problems: readonly string[];
  readonly said: number;
  readonly done: number;
  readonly denied: number;
  readonly unknown: number;
  readonly posts: number;
  readonly ticks: number;
};

const MOST_ANSWERS_IN_A_LIFE = 60;
const LONGEST_LIFE_MS = 2_000;
const LONGEST_MOMENT_MS = 20;
/** A lease of some seconds, and the work itself on a machine that is busy. */
const DONE_WITHIN_MS = 60_000;
const ANSWERED_WITHIN_MS = 60_000;

export const runCommunityChaos = async (t: Cleanup, options: CommunityChaosOptions): Promise<CommunityChaosReport> => {
  const { kills, seed, tell, signal } = options;
  const random = createRandom(seed);
  const victim = createVictim(t, await newDataFolder(t), random);
  await victim.start();
  await makeCommunity(victim.credentials());
  const users = startUsers(victim, options.users, seed);
  for (let number = 1; number <= kills && !signal?.aborted; number += 1) {
    await live(users, random);
    const kill = KILLS[random.between(0, KILLS.length - 1)] as (typeof KILLS)[number];
    await victim.kill(kill);
    tell(`kill ${number} of ${kills}: ${kill}; ${users.said.length} actions so far`);
    await victim.start();
  }
  // The last life is a whole one, so that there is something to judge also without any kill.
  const enough = users.answered() + MOST_ANSWERS_IN_A_LIFE;
  await eventually('users are answered', () => users.answered() >= enough, ANSWERED_WITHIN_MS);
  await users.finish();
  const connection = await victim.connection();
  const problems: string[] = [];
  const isDone = async () => (await countWaiting(connection)) === 0;
  await eventually('every effect is done', isDone, DONE_WITHIN_MS).catch((error: Error) =>
    problems.push(error.message),
  );
  await options.sabotage?.(connection);
  const verdict = await judge(users.said, connection);
  const count = (outcome: string) => users.said.filter((one) => one.outcome === outcome).length;
  return {
    problems: [...problems, ...verdict.problems],
    said: users.said.length,
    ...{ done: count('done'), denied: count('denied'), unknown: count('unknown') },
    ...{ posts: verdict.posts, ticks: verdict.ticks },
  };
};

const live = async (users: Users, random: Random): Promise<void> => {
  const enough = users.answered() + random.between(0, MOST_ANSWERS_IN_A_LIFE);
  const moment = random.between(0, LONGEST_MOMENT_MS);
  const latest = performance.now() + LONGEST_LIFE_MS;
  while (users.answered() < enough && performance.now() < latest) await sleep(1);
  await sleep(moment);
};
