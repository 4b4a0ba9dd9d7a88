// npm run chaos -- --kills 200 [--seed N] [--callers 8]: kills a server at random moments under load and says what was lost.
import { parseArgs } from 'node:util';
import { lastFirst } from '../support/wait.ts';
import { runChaos } from './run-chaos.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
    callers: { type: 'string', default: '8' },
  },
});
const wholeNumber = (name: keyof typeof values): number => {
  const value = Number(values[name]);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`--${name} is "${values[name]}". Give a whole number`);
};
const options = { kills: wholeNumber('kills'), seed: wholeNumber('seed'), callers: wholeNumber('callers') };

const undo = new AsyncDisposableStack();
const ending = new AbortController();
// The first one ends the kills and has what was done so far judged; a second one ends at once.
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => ending.abort());

const again = `npm run chaos -- --kills ${options.kills} --seed ${options.seed} --callers ${options.callers}`;
console.log(`To repeat the same kills (their moments are the machine's affair too): ${again}`);
try {
  const cleanup = lastFirst({ after: (step) => undo.defer(step) });
  const report = await runChaos(cleanup, { ...options, tell: console.log, signal: ending.signal });
  const { problems, ...figures } = report;
  console.log(figures);
  for (const problem of problems) console.log(`BROKEN: ${problem}`);
  console.log(problems.length === 0 ? 'All promises were kept.' : `${problems.length} promises were broken. ${again}`);
  process.exitCode = problems.length === 0 ? 0 : 1;
} finally {
  await undo.disposeAsync();
}
