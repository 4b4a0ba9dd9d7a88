// Idle memory of everything that a started server is: its processes and those of its embedded
// database.
import { basename } from 'node:path';
import { prepareHook } from '../harness/hook.ts';
import { figure, type Measure, unavailable } from '../harness/measure.ts';
import {
  databaseProcessesOf,
  familyOf,
  hasProc,
  listProcesses,
  NO_PROC,
  type ProcessInfo,
  pssBytesOf,
} from '../harness/proc.ts';
import { type RunningServer, startServer } from '../harness/server.ts';

export const memory: Measure = {
  name: 'memory',
  about: 'idle memory after one trigger, as the sum of PSS over the server, its descendants and its PostgreSQL',
  take: async (bench) => {
    if (!hasProc) return [unavailable(TOTAL, UNIT, NO_PROC)];
    const rounds: ReadonlyMap<string, number>[] = [];
    for (let round = 0; round < bench.rounds; round++) {
      await using server = await startServer(bench, bench.stable.newFolder('memory'));
      await prepareHook(server);
      await bench.clock.sleep(IDLE_MS);
      rounds.push(memoryByKind(server));
      bench.say(`memory: ${totalOf(rounds.at(-1)).toFixed(1)} ${UNIT}`);
    }
    const kinds = [...new Set(rounds.flatMap((round) => [...round.keys()]))];
    return [
      figure(TOTAL, UNIT, rounds.map(totalOf), {
        bar: { of: 'value', atMost: MOST_MB },
        note: '1 MB = 1,000,000 bytes',
      }),
      ...kinds.map((kind) =>
        figure(
          `${TOTAL}: ${kind}`,
          UNIT,
          rounds.map((round) => round.get(kind) ?? 0),
        ),
      ),
    ];
  },
};

const TOTAL = 'memory, idle';
const UNIT = 'MB';
/** The bar, the embedded database included. */
const MOST_MB = 160;
const IDLE_MS = 5000;

const totalOf = (byKind: ReadonlyMap<string, number> = new Map()): number =>
  [...byKind.values()].reduce((sum, megabytes) => sum + megabytes, 0);

/**
 * Megabytes by kind of process. Throws when a process that belongs to it may not be looked into: it
 * must not count as nothing.
 */
const memoryByKind = (server: RunningServer): Map<string, number> => {
  const all = listProcesses();
  const family = [
    ...familyOf(server.startedPid, all),
    ...familyOf(server.pid, all),
    ...databaseProcessesOf(server.data, all),
  ];
  const byKind = new Map<string, number>();
  for (const one of new Map(family.map((each) => [each.pid, each])).values()) {
    const kind = kindOf(one, server);
    byKind.set(kind, (byKind.get(kind) ?? 0) + pssBytesOf(one.pid) / 1e6);
  }
  return byKind;
};

const kindOf = (one: ProcessInfo, server: RunningServer): string => {
  if (one.pid === server.pid) return 'the server';
  if (one.pid === server.startedPid) return 'the launcher';
  const program = basename(one.args[0] ?? one.name);
  if (one.name !== 'postgres') return program === 'sh' ? "PostgreSQL's supervisor" : program;
  const purpose = /^postgres: (.*)/.exec(one.args[0] ?? '')?.[1];
  if (purpose === undefined) return 'PostgreSQL, postmaster';
  return purpose.includes('[local]') ? 'PostgreSQL, sessions' : 'PostgreSQL, background';
};
