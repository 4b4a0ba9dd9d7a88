// `npm run bench`: measures the server as a process of its own, beside a reference where there is
// one, and says which bars are met.
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock, toIso } from '../src/core/clock.ts';
import { describeError } from '../src/core/errors.ts';
import { bounds } from './bounds/bounds.ts';
import { hostile } from './bounds/hostile.ts';
import { bindings } from './fires/bindings.ts';
import { evaluating } from './fires/evaluating.ts';
import { manyHooks } from './fires/many-hooks.ts';
import { messages } from './fires/messages.ts';
import { replays } from './fires/replays.ts';
import { schedulers } from './fires/schedulers.ts';
import { schedules } from './fires/schedules.ts';
import { taskcluster } from './fires/taskcluster.ts';
import { triggers } from './fires/triggers.ts';
import { webhooks } from './fires/webhooks.ts';
import type { Bench, Measure, Row } from './harness/measure.ts';
import { describeMachine, formatReport, type Report } from './harness/report.ts';
import { openStable } from './harness/stable.ts';
import { community } from './scripts/community.ts';
import { scriptHooks } from './scripts/script-hooks.ts';
import { auth } from './service/auth.ts';
import { commands } from './service/commands.ts';
import { ledger } from './service/ledger.ts';
import { memory } from './service/memory.ts';
import { queue } from './service/queue.ts';
import { start, startThroughLauncher } from './service/start.ts';

/** Taken in this order. */
const MEASURES: readonly Measure[] = [
  triggers,
  taskcluster,
  evaluating,
  webhooks,
  schedules,
  schedulers,
  manyHooks,
  hostile,
  bounds,
  auth,
  queue,
  bindings,
  messages,
  commands,
  start,
  startThroughLauncher,
  memory,
  scriptHooks,
  community,
  ledger,
  replays,
];

const HELP = `
npm run bench -- [options]

  --only NAME       take this measure only; may be given several times
  --rounds N        rounds of each measure, of which the median counts (default 5)
  --seconds N       how long each side of a round is under load (default 5)
  --rows N          entries in the ledger that is searched (default 1000000)
  --json FILE       write the result as JSON too; - writes it to standard output and the table to standard error
  --entry FILE      the server to measure: a file that takes "serve --port 0 --data DIR" (default src/main.ts)
  --strict          exit with 1 when a bar is missed, not only when a measure fails
  --help            say this

Measures:
${MEASURES.map(({ name, about }) => `  ${name.padEnd(16)}  ${about}`).join('\n')}

The server runs with an embedded database in a temporary folder; DATABASE_URL and its other settings are not handed on.
All processes share this machine's cores. Close what else is busy, and trust ratios more than absolute figures.
`.trim();

const readOptions = () => {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '5' },
      rows: { type: 'string', default: '1000000' },
      json: { type: 'string' },
      entry: { type: 'string', default: join(import.meta.dirname, '../src/main.ts') },
      strict: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const unknown = values.only?.find((name) => !MEASURES.some((measure) => measure.name === name));
  if (unknown !== undefined) {
    throw new Error(`There is no measure "${unknown}". There are: ${MEASURES.map(({ name }) => name).join(', ')}`);
  }
  return {
    ...values,
    entry: resolve(values.entry),
    rounds: positive('--rounds', values.rounds, Number.isInteger),
    seconds: positive('--seconds', values.seconds, Number.isFinite),
    rows: positive('--rows', values.rows, Number.isInteger),
    measures: MEASURES.filter(({ name }) => values.only === undefined || values.only.includes(name)),
  };
};

const positive = (option: string, text: string, isRight: (value: number) => boolean): number => {
  const value = Number(text);
  if (!isRight(value) || value <= 0) throw new Error(`${option} takes a number above 0, not "${text}"`);
  return value;
};

const main = async (): Promise<number> => {
  const options = readOptions();
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  const stable = openStable();
  process.once('exit', stable.close);
  for (const [signal, status] of Object.entries({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 })) {
    process.once(signal, () => process.exit(status));
  }

  const bench: Bench = {
    rounds: options.rounds,
    seconds: options.seconds,
    rows: options.rows,
    entry: options.entry,
    clock: systemClock,
    stable,
    say: (line) => console.error(line),
  };
  const machine = describeMachine();
  const rows: Row[] = [];
  const failures: { measure: string; problem: string }[] = [];
  for (const measure of options.measures) {
    try {
      rows.push(...(await measure.take(bench)));
    } catch (error) {
      failures.push({ measure: measure.name, problem: describeError(error) });
      bench.say(`${measure.name}: FAILED`);
    }
  }
  const { rounds, seconds, entry } = options;
  const report: Report = {
    taken: toIso(systemClock.now()),
    machine,
    options: { rounds, seconds, entry },
    rows,
    failures,
  };
  const table = formatReport(report);
  const json = `${JSON.stringify(report, null, 2)}\n`;
  if (options.json === '-') {
    process.stderr.write(table);
    process.stdout.write(json);
  } else {
    process.stdout.write(table);
    if (options.json !== undefined) writeFileSync(options.json, json);
  }
  const isMissed = rows.some((row) => row.value !== null && row.met === false);
  return failures.length > 0 || (options.strict && isMissed) ? 1 : 0;
};

try {
  process.exitCode = await main();
} catch (error) {
  console.error(describeError(error));
  process.exitCode = 1;
}
