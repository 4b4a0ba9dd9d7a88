// How long a person waits for a command, from the spawn to its end, through bin/hookwright.js and
// against a running server.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Bench, figure, type Measure, median } from '../harness/measure.ts';
import { startServer } from '../harness/server.ts';

const LAUNCHER = join(import.meta.dirname, '../../bin/hookwright.js');
/** What a person does not notice as waiting. */
const ANSWER_MS = 300;
/** Of each command in each round; the first after an edit compiles, and does not count alone. */
const TIMES = 5;

export const commands: Measure = {
  name: 'commands',
  about: 'how long hookwright help, whoami, hooks list and hooks trigger take, from spawn to end',
  take: async (bench) => {
    await using server = await startServer(bench, bench.stable.newFolder('commands'));
    const { data } = server;
    const definition = `${data}.hook.yaml`;
    writeFileSync(definition, JSON.stringify(PLAIN_HOOK));
    await timed(bench, ['roles', 'grant', 'hook-id:bench/command', ...SCOPES, '--data', data]);
    await timed(bench, ['hooks', 'create', 'bench/command', definition, '--data', data]);
    const cases: readonly (readonly [string, readonly string[]])[] = [
      ['help', ['help']],
      ['whoami', ['whoami', '--data', data]],
      ['hooks list', ['hooks', 'list', '--data', data]],
      ['hooks show (YAML)', ['hooks', 'show', 'bench/command', '--data', data]],
      ['hooks trigger', ['hooks', 'trigger', 'bench/command', '--data', data]],
    ];
    const rounds = cases.map(() => [] as number[]);
    for (let round = 0; round < bench.rounds; round++) {
      for (const [at, [name, args]] of cases.entries()) {
        const times: number[] = [];
        for (let time = 0; time < TIMES; time++) times.push(await timed(bench, args));
        rounds[at]?.push(median(times));
        bench.say(`hookwright ${name}: ${Math.round(median(times))} ms`);
      }
    }
    return cases.map(([name], at) =>
      figure(`hookwright ${name}`, 'ms', rounds[at] ?? [], { bar: { of: 'value', atMost: ANSWER_MS } }),
    );
  },
};

const SCOPES = [
  'queue:create-task:lowest:bench/worker',
  'queue:create-task:project:none',
  'queue:scheduler-id:-',
].flatMap((scope) => ['--scope', scope]);

const PLAIN_HOOK = {
  metadata: { name: 'command', description: '', owner: 'bench@example.com' },
  task: {
    taskQueueId: 'bench/worker',
    payload: {},
    metadata: { name: 'command', description: '', owner: 'bench@example.com', source: 'https://example.com/' },
  },
};

/** Milliseconds. Rejects when the command ends with another status than 0. */
const timed = (bench: Bench, args: readonly string[]): Promise<number> =>
  new Promise((resolve, reject) => {
    const startedAt = bench.clock.monotonic();
    const child = bench.stable.spawn(process.execPath, [LAUNCHER, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    child.once('error', reject);
    child.once('close', (status) => {
      if (status === 0) resolve(bench.clock.monotonic() - startedAt);
      else reject(new Error(`hookwright ${args.join(' ')} ended with ${status}: ${said}`));
    });
  });
