// npm run chaos -- --kills 200 [--seed N] [--callers 8]: kills a server at random moments under
// load and says what was lost. npm run chaos -- --community --kills 200: the same of posts in
// channels with script hooks. npm run chaos -- --cluster --kills 200 [--seed N] [--backend
// standalone]: the same of three processes, PostgreSQL, RabbitMQ and the task queue; --only
// 'RabbitMQ|PostgreSQL' leaves the other faults away, --said prints what the processes wrote.
import { parseArgs } from 'node:util';
import { BACKENDS } from '../cluster/backends/all-backends.ts';
import { runCluster } from '../cluster/run-cluster.ts';
import type { Cleanup } from '../support/database.ts';
import { lastFirst } from '../support/wait.ts';
import { runCommunityChaos } from './community/run-community.ts';
import { runChaos } from './run-chaos.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
    callers: { type: 'string', default: '8' },
    community: { type: 'boolean', default: false },
    cluster: { type: 'boolean', default: false },
    backend: { type: 'string', default: 'deployment' },
    only: { type: 'string', default: '' },
    said: { type: 'boolean', default: false },
  },
});
const wholeNumber = (name: 'kills' | 'seed' | 'callers'): number => {
  const value = Number(values[name]);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`--${name} is "${values[name]}". Give a whole number`);
};
const [kills, seed, callers] = [wholeNumber('kills'), wholeNumber('seed'), wholeNumber('callers')];
const { cluster: isCluster, backend } = values;
const startBackend = BACKENDS[backend as keyof typeof BACKENDS];
if (startBackend === undefined) throw new Error(`--backend is "${backend}". Give one of ${Object.keys(BACKENDS)}`);

const undo = new AsyncDisposableStack();
const ending = new AbortController();
// The first one ends the kills and has what was done so far judged; a second one ends at once.
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => ending.abort());

const common = { seed, tell: console.log, signal: ending.signal };
const run = async (cleanup: Cleanup): Promise<readonly string[]> => {
  if (values.community) {
    const { problems, ...figures } = await runCommunityChaos(cleanup, { ...common, kills, users: callers });
    console.log(figures);
    return problems;
  }
  if (!isCluster) {
    const { problems, ...figures } = await runChaos(cleanup, { ...common, kills, callers });
    console.log(figures);
    return problems;
  }
  const { problems, figures, struck, said } = await runCluster(cleanup, {
    ...common,
    ...{ faults: kills, startBackend, only: new RegExp(values.only) },
  });
  console.log(figures, struck);
  if (values.said) console.log(said);
  return problems;
};

const more = isCluster
  ? `--cluster --backend ${backend}${values.only === '' ? '' : ` --only '${values.only}'`}`
  : `--callers ${callers}${values.community ? ' --community' : ''}`;
const again = `npm run chaos -- --kills ${kills} --seed ${seed} ${more}`;
console.log(`To repeat the same kills (their moments are the machine's affair too): ${again}`);
try {
  const problems = await run(lastFirst({ after: (step) => undo.defer(step) }));
  for (const problem of problems) console.log(`BROKEN: ${problem}`);
  console.log(problems.length === 0 ? 'All promises were kept.' : `${problems.length} promises were broken. ${again}`);
  process.exitCode = problems.length === 0 ? 0 : 1;
} finally {
  await undo.disposeAsync();
}
