// What goes wrong in a cluster test, and in which order.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../chaos/random.ts';
import type { Members } from './members.ts';
import type { Postgres, PostgresEnd } from './postgres.ts';

export type Fault = {
  readonly name: string;
  /** How often among fifteen or so. */
  readonly weight: number;
  /** What it strikes; nothing is struck again before it is whole again. */
  readonly target: string;
  /** Strikes, and resolves when what it struck is whole again. */
  readonly strike: (random: Random) => Promise<void>;
};

const LONGEST_DEATH_MS = 1_200;
const LONGEST_WITHOUT_DATABASE_MS = 800;
const LONGEST_START_MS = 900;

export const memberFaults = ({ all }: Members): readonly Fault[] => {
  const one = (random: Random) => all[random.between(0, all.length - 1)] as (typeof all)[number];
  return [
    {
      name: 'a member is killed',
      weight: 4,
      target: 'members',
      strike: async (random) => {
        const member = one(random);
        await member.kill();
        await sleep(random.between(0, LONGEST_DEATH_MS));
        member.revive();
      },
    },
    {
      name: 'a member is killed, and again while it starts',
      weight: 1,
      target: 'members',
      strike: async (random) => {
        const member = one(random);
        await member.kill();
        member.revive();
        await sleep(random.between(0, LONGEST_START_MS));
        await member.kill();
        member.revive();
      },
    },
    {
      name: 'all members are killed',
      weight: 1,
      target: 'members',
      strike: async (random) => {
        await Promise.all(all.map((member) => member.kill()));
        await sleep(random.between(0, LONGEST_DEATH_MS));
        for (const member of all) member.revive();
      },
    },
  ];
};

export const databaseFaults = (postgres: Postgres): readonly Fault[] =>
  (
    [
      ['PostgreSQL is restarted', 'fast'],
      ['PostgreSQL is ended at once', 'immediate'],
      ['the postmaster is killed', 'kill'],
    ] as const satisfies readonly (readonly [string, PostgresEnd])[]
  ).map(([name, how]) => ({
    name,
    weight: 1,
    target: 'PostgreSQL',
    strike: async (random) => {
      await postgres.end(how);
      await sleep(random.between(0, LONGEST_WITHOUT_DATABASE_MS));
      await postgres.start();
    },
  }));

/** As many as asked, each as often as its weight says, in an order that the seed decides. */
export const planFaults = (faults: readonly Fault[], count: number, random: Random): readonly Fault[] => {
  const bag = faults.flatMap((fault) => Array.from({ length: fault.weight }, () => fault));
  const plan: Fault[] = [];
  while (plan.length < count) plan.push(...shuffle(bag, random));
  return plan.slice(0, count);
};

const shuffle = <T>(all: readonly T[], random: Random): T[] => {
  const left = [...all];
  return all.map(() => left.splice(random.between(0, left.length - 1), 1)[0] as T);
};
