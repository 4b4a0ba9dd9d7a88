// How long it takes from spawn to ready: the first time, when the database has to be made, and
// later.
import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Bench, figure, type Measure, type Row, unavailable } from '../harness/measure.ts';
import { startServer } from '../harness/server.ts';

export const start: Measure = {
  name: 'start',
  about: 'spawn to ready with an empty data folder, and later with the same one',
  take: (bench) => startsOf(bench, 'start', [process.execPath, bench.entry]),
};

export const startThroughLauncher: Measure = {
  name: 'launcher',
  about: 'the same through bin/hookwright.js, with the Node that the machine has',
  take: async (bench) => {
    const launcher = join(import.meta.dirname, '../../bin/hookwright.js');
    const node = nodeOfTheMachine();
    const cannot = (reason: string): Row[] => [
      unavailable('start through the launcher: first', 'ms', reason),
      unavailable('start through the launcher: later', 'ms', reason),
    ];
    if (!existsSync(launcher)) return cannot('there is no bin/hookwright.js');
    if (node === undefined) return cannot('no Node is installed on this machine outside of node_modules');
    const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
    return startsOf(bench, 'start through the launcher', [node, launcher], `launched by Node ${version}`);
  },
};

/** The bars, from the spawn to the first answer. */
const FIRST_MS = 2000;
const LATER_MS = 1000;

const startsOf = async (bench: Bench, name: string, command: readonly string[], note?: string): Promise<Row[]> => {
  const first: number[] = [];
  const later: number[] = [];
  for (let round = 0; round < bench.rounds; round++) {
    const data = bench.stable.newFolder('start');
    first.push(await startAndStop(bench, data, command));
    later.push(await startAndStop(bench, data, command));
    bench.stable.removeFolder(data);
    bench.say(`${name}: first ${Math.round(first.at(-1) ?? 0)} ms, later ${Math.round(later.at(-1) ?? 0)} ms`);
  }
  return [
    figure(`${name}: first`, 'ms', first, { bar: { of: 'value', atMost: FIRST_MS }, note }),
    figure(`${name}: later`, 'ms', later, { bar: { of: 'value', atMost: LATER_MS }, note }),
  ];
};

const startAndStop = async (bench: Bench, data: string, command: readonly string[]): Promise<number> => {
  const server = await startServer(bench, data, { command });
  await server.stop();
  return server.readyAfterMs;
};

/** npm puts node_modules/.bin in front of the path, and our own Node is there. */
const nodeOfTheMachine = (): string | undefined =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '' && !/node_modules|node-gyp-bin/.test(folder))
    .map((folder) => join(folder, 'node'))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
