// Measures script hooks beside the floor: what the host's own JSON.parse(JSON.stringify(event))
// costs in the same round.
//   npm run bench -- --only script-hooks     takes it alone
import { systemClock } from '../../src/core/clock.ts';
import { checkAnswer } from '../../src/script-hooks/check-answer.ts';
import { bootImage } from '../../src/script-hooks/engine/boot.ts';
import { createCompiler } from '../../src/script-hooks/engine/compiler.ts';
import { createRunner } from '../../src/script-hooks/engine/runner.ts';
import { loadWasm } from '../../src/script-hooks/engine/wasm.ts';
import { createHostAnswers } from '../../src/script-hooks/host-answers.ts';
import {
  type Bowl,
  buildHook,
  createSandbox,
  DEFAULT_LIMITS,
  type Event,
  type ScriptHook,
} from '../../src/script-hooks/index.ts';
import { splitEvent } from '../../src/script-hooks/sandbox/lazy-event.ts';
import { type Bar, figure, type Measure, type Row } from '../harness/measure.ts';
import { bowl, EVENTS, postsOf, SCRIPTS } from './script-hooks-cases.ts';

export const scriptHooks: Measure = {
  name: 'script-hooks',
  about: 'runs of script hooks beside a JSON round trip, loaded scripts, large states and channels',
  take: ({ rounds, say }) => takeAll(rounds, say),
};

const takeAll = async (rounds: number, say: (line: string) => void): Promise<Row[]> => {
  const rows: Row[] = [];
  for (const take of [insideTheWorker, throughThePool, rates, loadedScripts, largeValues]) {
    say(`script hooks: ${take.name}`);
    rows.push(...(await take(rounds)));
  }
  return rows;
};

/** Long enough for a steady figure, short enough for many rounds. */
const ROUND_MS = 120;

/** CPU of this process, all its threads, in microseconds for one call of `work`. */
const cpuOf = async (work: () => unknown): Promise<number> => {
  const until = systemClock.monotonic() + ROUND_MS;
  const before = process.cpuUsage();
  let calls = 0;
  for (; systemClock.monotonic() < until; calls++) await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / calls;
};

const roundTrip = (event: Event) => (): unknown => JSON.parse(JSON.stringify(event));

/**
 * Everything that one run costs without the way to another thread: event apart, fresh memory, run,
 * outcome.
 */
const insideTheWorker = async (rounds: number): Promise<Row[]> => {
  const wasm = loadWasm();
  const image = bootImage(wasm, DEFAULT_LIMITS);
  const compile = createCompiler(wasm, image, DEFAULT_LIMITS);
  const known = createHostAnswers(bowl).known(new Set(['state']));
  const runner = createRunner(wasm, image, DEFAULT_LIMITS, () => ({ json: known.state ?? 'null', waitedMs: 0 }));
  const rows: Row[] = [];
  for (const [hook, [name, source]] of Object.entries(SCRIPTS).entries()) {
    const compiled = compile(source);
    if (compiled.kind !== 'compiled') throw new Error(compiled.message);
    for (const [size, event] of Object.entries(EVENTS)) {
      const run = () => {
        const pieces = splitEvent(event);
        const report = runner.run({
          ...pieces.given,
          hook,
          program: { bytecode: compiled.bytecode, loaded: undefined, differs: false },
          bowl: '{}',
          now: bowl.now,
          seed: 's',
          deadlineMs: 1000,
          known: name === 'limiter' ? known : {},
          owner: '0v1',
          passesWhenFailed: true,
        });
        const outcome = checkAnswer(report, { pieces, state: bowl.state, seed: 's' });
        if (outcome.outcome !== 'allowed') throw new Error(JSON.stringify(outcome));
      };
      const bar: Bar | undefined = name === 'trivial' && size === '7 KB' ? { of: 'ratio', atMost: 10 } : undefined;
      rows.push(await besideFloor(`${name}, ${size}, in the worker`, rounds, event, run, bar));
    }
  }
  return rows;
};

const besideFloor = async (
  measure: string,
  rounds: number,
  event: Event,
  run: () => unknown,
  bar?: Bar,
): Promise<Row> => {
  const [ours, floor]: [number[], number[]] = [[], []];
  await cpuOf(run);
  for (let round = 0; round < rounds; round++) {
    floor.push(await cpuOf(roundTrip(event)));
    ours.push(await cpuOf(run));
  }
  return figure(measure, 'µs CPU a run', ours, { reference: floor, ...(bar === undefined ? {} : { bar }) });
};

const throughThePool = async (rounds: number): Promise<Row[]> => {
  await using sandbox = createSandbox({ workers: 1 });
  const rows: Row[] = [];
  for (const [name, source] of Object.entries(SCRIPTS)) {
    await using hook = await buildHook(source, { sandbox });
    for (const [size, event] of Object.entries(EVENTS)) {
      const bar: Bar | undefined = name === 'trivial' && size === '7 KB' ? { of: 'ratio', atMost: 14 } : undefined;
      rows.push(
        await besideFloor(`${name}, ${size}, through the pool`, rounds, event, () => hook.run({ event, bowl }), bar),
      );
    }
  }
  return rows;
};

/**
 * How many runs one thread does in a second, and how long callers wait when they come at the rate
 * of the bar.
 */
const rates = async (rounds: number): Promise<Row[]> => {
  await using sandbox = createSandbox({ workers: 1 });
  const event = EVENTS['7 KB'] as Event;
  const rows: Row[] = [];
  for (const [name, atLeast] of [
    ['trivial', 1500],
    ['filter', 900],
  ] as const) {
    await using hook = await buildHook(SCRIPTS[name], { sandbox });
    const perSecond: number[] = [];
    const slowest: number[] = [];
    for (let round = 0; round < rounds; round++) {
      perSecond.push(await runsPerSecond(hook, event));
      slowest.push(await p99AtRate(hook, event, atLeast));
    }
    rows.push(figure(`${name}, 7 KB, 4 callers`, 'runs/s', perSecond, { bar: { of: 'value', atLeast } }));
    rows.push(figure(`${name}, 7 KB, p99 at ${atLeast} runs/s`, 'ms', slowest, { bar: { of: 'value', atMost: 5 } }));
  }
  return rows;
};

const runsPerSecond = async (hook: ScriptHook, event: Event): Promise<number> => {
  const since = systemClock.monotonic();
  let runs = 0;
  const caller = async () => {
    for (; systemClock.monotonic() - since < 500; runs++) await hook.run({ event, bowl });
  };
  await Promise.all(Array.from({ length: 4 }, caller));
  return (runs * 1000) / (systemClock.monotonic() - since);
};

const p99AtRate = async (hook: ScriptHook, event: Event, rate: number): Promise<number> => {
  const waits: number[] = [];
  const since = systemClock.monotonic();
  const pending: Promise<void>[] = [];
  for (let n = 0; n < rate / 2; n++) {
    const due = since + (n * 1000) / rate;
    while (systemClock.monotonic() < due) await new Promise((resolve) => setImmediate(resolve));
    pending.push(
      hook.run({ event, bowl }).then(() => {
        waits.push(systemClock.monotonic() - due);
      }),
    );
  }
  await Promise.all(pending);
  return waits.toSorted((left, right) => left - right)[Math.floor(waits.length * 0.99)] ?? Number.NaN;
};

/** What 1,000 different scripts add to the memory of the process, after each has run once. */
const loadedScripts = async (): Promise<Row[]> => {
  await using sandbox = createSandbox({ workers: 1 });
  const load = async (n: number) => {
    const hook = await buildHook(`${SCRIPTS.filter}\n// ${n}\nfunction only${n}() { return "${n}" }`, { sandbox });
    await hook.run({ event: EVENTS['2 KB'] as Event, bowl });
    return hook;
  };
  for (let n = 0; n < 100; n++) await (await load(n + 1000))[Symbol.asyncDispose]();
  global.gc?.();
  const before = process.memoryUsage().rss;
  const hooks: ScriptHook[] = [];
  for (let n = 0; n < 1000; n++) hooks.push(await load(n));
  global.gc?.();
  const perHook = (process.memoryUsage().rss - before) / 1000 / 1024;
  return [figure('1,000 loaded scripts', 'KB RSS each', [perHook], { bar: { of: 'value', atMost: 4 } })];
};

const largeValues = async (rounds: number): Promise<Row[]> => {
  await using sandbox = createSandbox({ workers: 1, limits: { state: 2 ** 21 } });
  const numbers = Object.fromEntries(Array.from({ length: 60_000 }, (_, n) => [`key-${n}`, n]));
  const posts = postsOf(5_000_000);
  const cases: [measure: string, code: string, around: Bowl, touched: unknown][] = [
    [
      `a state of ${(JSON.stringify(numbers).length / 1e6).toFixed(2)} MB read and written`,
      'const s = hooks.get_state(); s.x = 1; hooks.set_state(s);',
      { ...bowl, state: null, stateJson: JSON.stringify(numbers) },
      numbers,
    ],
    [
      `the last 20 of ${posts.length} messages (5 MB) read`,
      'hooks.print(hooks.get_chat_messages_here().slice(-20).map((p) => p.essay.content.length).join());',
      { ...bowl, channel: { nest: 'chat/~zod/lounge', posts: () => posts } },
      posts.slice(-20),
    ],
  ];
  const rows: Row[] = [];
  for (const [measure, code, around, touched] of cases) {
    const source = `const hooks = require("tlon_hooks"); module.exports = (event) => { ${code} return {event: {allowed: event}}; };`;
    await using hook = await buildHook(source, { sandbox });
    const [times, floor]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds + 2; round++) {
      const since = systemClock.monotonic();
      const outcome = await hook.run({ event: EVENTS['2 KB'] as Event, bowl: around, deadlineMs: 1000 });
      const ours = systemClock.monotonic() - since;
      if (outcome.outcome !== 'allowed') throw new Error(JSON.stringify(outcome).slice(0, 300));
      const floorSince = systemClock.monotonic();
      JSON.parse(JSON.stringify(touched));
      // The first two find out how much room the script needs.
      if (round < 2) continue;
      times.push(ours);
      floor.push(systemClock.monotonic() - floorSince);
    }
    rows.push(figure(measure, 'ms', times, { reference: floor, bar: { of: 'value', atMost: 40 } }));
  }
  return rows;
};
