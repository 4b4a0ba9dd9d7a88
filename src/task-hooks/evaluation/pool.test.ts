// biome-ignore-all lint/suspicious/noTemplateCurlyInString: JSON-e's, not JavaScript's.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AnySchemaObject } from 'ajv';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { familyOf, kill9 } from '../../../test/support/processes.ts';
import { eventually } from '../../../test/support/wait.ts';
import { systemClock } from '../../core/clock.ts';
import { type Log, silentLog } from '../../core/log.ts';
import type { Evaluation } from './evaluate.ts';
import { createEvaluationPool, DEFAULT_LIMITS, type EvaluationLimits, type PoolAnswer } from './pool.ts';
import type { WorkerRequest } from './worker.ts';

const IS_LINUX = process.platform === 'linux';

/** Deadlines here are real ones: what they end holds a real processor. */
const createPool = (t: TestContext, limits: Partial<EvaluationLimits> = {}) => {
  const pool = createEvaluationPool({ clock: systemClock, log: silentLog }, { ...DEFAULT_LIMITS, ...limits });
  t.after(() => pool[Symbol.asyncDispose]());
  return pool;
};

let jobs = 0;
const job = (template: unknown, triggerSchema: AnySchemaObject = {}, payload: unknown = {}): WorkerRequest => {
  jobs += 1;
  const context = { firedBy: 'triggerHook', taskId: 'T', now: '2026-11-20T00:00:00.000Z', payload } as const;
  return { kind: 'evaluate', job: { key: `job ${jobs}`, template, triggerSchema, context, payloadBytes: 0 } };
};
const EASY = job({ a: { $eval: 'payload' } }, {}, { b: 1 });

/** Would take longer than the age of the universe. */
const nestedMaps = (depth: number): unknown =>
  depth === 0 ? 1 : { $map: { $eval: 'range(0, 1000)' }, 'each(x)': nestedMaps(depth - 1) };
const ENDLESS = job({ a: nestedMaps(12) });

const taskOf = (answer: PoolAnswer<Evaluation>): Record<string, unknown> =>
  answer.ok && answer.result.outcome === 'rendered'
    ? JSON.parse(answer.result.task)
    : assert.fail(JSON.stringify(answer));
const isStopped = (answer: PoolAnswer<Evaluation>): string => (answer.ok ? assert.fail('it ended') : answer.message);

describe('the evaluation pool', () => {
  it('answers with the rendered task, what does not fit, what failed, and what declined', async (t) => {
    const pool = createPool(t);
    assert.deepEqual(taskOf(await pool.run(EASY)).a, { b: 1 });
    const rejected = await pool.run(job({}, { required: ['x'] }));
    assert.deepEqual(rejected, {
      ok: true,
      result: { outcome: 'rejected', problems: ["data must have required property 'x'"], pointers: [''] },
    });
    const failed = await pool.run<Evaluation>(job({ a: { $eval: 'nope' } }));
    assert.ok(failed.ok && failed.result.outcome === 'failed');
    assert.deepEqual(await pool.run(job({ $eval: 'null' })), { ok: true, result: { outcome: 'declined' } });
  });

  it('says what is wrong with a trigger schema, or nothing', async (t) => {
    const pool = createPool(t);
    const compile = (triggerSchema: AnySchemaObject) =>
      pool.run<string | undefined>({ kind: 'compile', triggerSchema });
    assert.deepEqual(await compile({ uniqueItems: true }), { ok: true, result: undefined });
    const answer = await compile({ type: 'text' });
    assert.ok(answer.ok);
    assert.match(answer.result ?? '', /\/type/);
  });

  it('stops an evaluation without end, says so and what to do, and the next one works', async (t) => {
    const pool = createPool(t, { deadlineMs: 200, workers: 1 });
    for (let round = 0; round < 2; round += 1) {
      const [endless, next] = await Promise.all([pool.run<Evaluation>(ENDLESS), pool.run<Evaluation>(EASY)]);
      assert.match(isStopped(endless), /took longer than 200 ms and was stopped. Simplify the template/);
      assert.deepEqual(taskOf(next).a, { b: 1 });
    }
  });

  it('stops an evaluation that eats all memory, says so, and the next one works', async (t) => {
    const pool = createPool(t, { deadlineMs: 30_000, memoryMb: 32, workers: 1 });
    const hungry = job({
      a: { $map: { $eval: 'range(0, 1000)' }, 'each(x)': { $eval: 'range(0, 100000)' } },
    });
    const [answer, next] = await Promise.all([pool.run<Evaluation>(hungry), pool.run<Evaluation>(EASY)]);
    assert.match(isStopped(answer), /more than 32 MB of memory and was stopped/);
    assert.deepEqual(taskOf(next).a, { b: 1 });
  });

  it('serves many jobs with few processes, each with its own answer', async (t) => {
    const pool = createPool(t);
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        pool.run<Evaluation>(
          job({ a: { $map: { $eval: 'payload.list' }, 'each(x)': 'x${x}' } }, {}, { list: [index] }),
        ),
      ),
    );
    assert.deepEqual(
      answers.map((answer) => taskOf(answer).a),
      answers.map((_, index) => [`x${index}`]),
    );
  });

  it('serves easy jobs with one worker while another is held', async (t) => {
    const clock = createFakeClock();
    const pool = createEvaluationPool({ clock, log: silentLog });
    t.after(() => pool[Symbol.asyncDispose]());
    const held = pool.run<Evaluation>(ENDLESS);
    for (let round = 0; round < 5; round += 1) assert.deepEqual(taskOf(await pool.run<Evaluation>(EASY)).a, { b: 1 });
    let isHeld = true;
    void held.then(() => {
      isHeld = false;
    });
    while (isHeld) {
      await clock.advance(DEFAULT_LIMITS.deadlineMs);
      await nextTurn();
    }
    assert.match(isStopped(await held), /took longer than/);
  });

  it('serves another hook before all jobs of one are done, and the check of a definition as well', async (t) => {
    const pool = createPool(t, { workers: 1 });
    const order: string[] = [];
    const noted = (name: string, request: WorkerRequest) => pool.run(request).then(() => order.push(name));
    const ofOne = (revision: number): WorkerRequest => {
      const one = job({});
      return one.kind === 'evaluate' ? { ...one, job: { ...one.job, key: `busy:${revision}` } } : one;
    };
    await Promise.all([
      ...Array.from({ length: 8 }, (_, at) => noted('busy', ofOne(at))),
      noted('another', EASY),
      noted('check', { kind: 'compile', triggerSchema: {} }),
    ]);
    assert.deepEqual(order.slice(0, 4).toSorted(), ['another', 'busy', 'busy', 'check'].toSorted(), `${order}`);
  });

  it('turns away what is of one hook when too many of it wait, and takes what is of others', async (t) => {
    const pool = createPool(t, { workers: 1, mostOfAHook: 2 });
    const busy = Array.from({ length: 4 }, () => pool.run<Evaluation>(EASY));
    const other = pool.run<Evaluation>(job({ a: 1 }));
    const answers = await Promise.all(busy);
    const away = answers.filter(({ ok }) => !ok);
    assert.equal(away.length, 2);
    for (const answer of away) assert.match(isStopped(answer), /^2 evaluations of this kind are waiting already/);
    assert.equal(taskOf(await other).a, 1);
  });

  it('turns jobs away at once when too many wait', async (t) => {
    const pool = createPool(t, { workers: 1, mostWaiting: 2, deadlineMs: 5_000 });
    const answers = await Promise.all(Array.from({ length: 4 }, () => pool.run<Evaluation>(EASY)));
    assert.deepEqual(
      answers.map(({ ok }) => ok),
      [true, true, false, false],
    );
    assert.match(isStopped(answers[2] as PoolAnswer<Evaluation>), /2 evaluations are waiting already; try again later/);
    assert.ok((await pool.run(EASY)).ok);
  });

  it('keeps its processes, whether jobs come one by one or together', async (t) => {
    const started: unknown[] = [];
    const log = { ...silentLog, info: (...line: unknown[]) => started.push(line) } as unknown as Log;
    const pool = createEvaluationPool({ clock: systemClock, log }, { ...DEFAULT_LIMITS, deadlineMs: 60_000 });
    t.after(() => pool[Symbol.asyncDispose]());
    // Each takes longer than a process takes to start; so both are there, and idle, afterwards.
    const slow = job({ a: { $map: { $eval: 'range(0, 60000)' }, 'each(x)': { $eval: '[x]' } } });
    await Promise.all([pool.run(slow), pool.run(slow)]);
    for (let round = 0; round < 30; round += 1) {
      assert.ok((await pool.run(EASY)).ok);
      await nextTurn(); // a process that was woken for nothing would end now
      for (const { ok } of await Promise.all([pool.run(EASY), pool.run(EASY)])) assert.ok(ok);
    }
    assert.deepEqual(started, []);
  });

  it('starts a process again after one was stopped, and says so', async (t) => {
    const said: unknown[] = [];
    const log = { ...silentLog, info: (_: object, message: string) => said.push(message) } as unknown as Log;
    const limits = { ...DEFAULT_LIMITS, workers: 1, deadlineMs: 200 };
    const pool = createEvaluationPool({ clock: systemClock, log }, limits);
    t.after(() => pool[Symbol.asyncDispose]());
    isStopped(await pool.run<Evaluation>(ENDLESS));
    assert.ok((await pool.run(EASY)).ok);
    assert.deepEqual(said, ['evaluation process started again']);
  });

  it('works on at once when an idle process was killed', {
    skip: !IS_LINUX && 'it looks in /proc',
  }, async (t) => {
    const pool = createPool(t, { workers: 1 });
    assert.ok((await pool.run(EASY)).ok);
    const [, ...workers] = await familyOf(process.pid);
    workers.forEach(kill9);
    await eventually('the pool answers', async () => {
      const answer = await pool.run(EASY);
      assert.ok(answer.ok || !/took longer/.test(answer.message)); // as if the job were at fault
      return answer.ok;
    });
  });

  it('lets the event loop turn while a job runs', async (t) => {
    const pool = createPool(t, { deadlineMs: 300 });
    let isRunning = true;
    const endless = pool.run<Evaluation>(ENDLESS).finally(() => {
      isRunning = false;
    });
    let turns = 0;
    while (isRunning) {
      await nextTurn();
      turns += 1;
    }
    assert.ok(turns > 100, `${turns} turns`);
    isStopped(await endless);
  });

  it('when disposed answers the jobs that wait and those that come later', async () => {
    const pool = createEvaluationPool({ clock: systemClock, log: silentLog }, { ...DEFAULT_LIMITS, deadlineMs: 200 });
    const waiting = Array.from({ length: 5 }, () => pool.run<Evaluation>(ENDLESS));
    await pool[Symbol.asyncDispose]();
    for (const answer of await Promise.all(waiting)) isStopped(answer);
    assert.match(isStopped(await pool.run(EASY)), /shutting down; try again/);
  });

  it('when disposed lets a job that runs have its answer', async () => {
    const pool = createEvaluationPool({ clock: systemClock, log: silentLog });
    await pool.run(EASY);
    const running = pool.run<Evaluation>(EASY);
    await nextTurn(); // an idle worker takes it within the turn
    await pool[Symbol.asyncDispose]();
    assert.deepEqual(taskOf(await running).a, { b: 1 });
  });

  it('that was never used can be disposed', async () => {
    await createEvaluationPool({ clock: systemClock, log: silentLog })[Symbol.asyncDispose]();
  });
});

describe('an evaluation made to hurt', () => {
  const doubling = (times: number, then: unknown = { $eval: 'x' }): unknown =>
    times === 0 ? then : { $let: { x: { $eval: 'x + x' } }, in: doubling(times - 1, then) };
  const nestedAnyOf = (depth: number): AnySchemaObject =>
    depth === 0 ? { required: ['never'] } : { anyOf: Array.from({ length: 8 }, () => nestedAnyOf(depth - 1)) };

  for (const [what, request] of Object.entries({
    'nested loops': job({ a: nestedMaps(4) }),
    'a range of ten million': job({ a: { $eval: 'range(0, 10000000)' } }),
    'ranges that are joined': job({ a: { $eval: "join(range(0, 10000000), '-')" } }),
    'text that doubles forty times': job({ a: { $let: { x: 'ab' }, in: doubling(40) } }),
    'a long text in pieces': job({ a: { $let: { x: 'ab' }, in: doubling(25, { $eval: "len(split(x, 'a'))" }) } }),
    'a sum of growing texts': job({
      a: { $reduce: { $eval: 'range(0, 100)' }, initial: 'ab', 'each(acc, x)': { $eval: 'acc + acc' } },
    }),
    'nested anyOf': job({}, nestedAnyOf(5)),
    'uniqueItems over thousands of objects': job(
      {},
      { properties: { list: { uniqueItems: true } } },
      { list: Array.from({ length: 20_000 }, (_, index) => ({ deep: { a: [index] } })) },
    ),
    'a pattern that backtracks': job(
      {},
      { properties: { s: { pattern: '^(?!b)(a+)+$' } } },
      { s: `${'a'.repeat(40)}!` },
    ),
    'a pattern with a backreference that backtracks': job(
      {},
      { properties: { s: { pattern: '^((a+)\\2?)+$' } } },
      { s: `${'a'.repeat(60)}!` },
    ),
    'a reference to itself': job({}, { $ref: '#' }),
    'references that multiply': job(
      {},
      {
        definitions: Object.fromEntries(
          Array.from({ length: 30 }, (_, index) => [
            `d${index}`,
            index === 0
              ? { required: ['never'] }
              : { anyOf: [{ $ref: `#/definitions/d${index - 1}` }, { $ref: `#/definitions/d${index - 1}` }] },
          ]),
        ),
        $ref: '#/definitions/d29',
      },
    ),
  })) {
    it(`(${what}) ends or is stopped, and no other is affected`, async (t) => {
      const pool = createPool(t, { workers: 1, deadlineMs: 400, memoryMb: 64 });
      const answer = await pool.run<Evaluation>(request);
      if (answer.ok) assert.ok(['rendered', 'rejected', 'failed', 'limited'].includes(answer.result.outcome));
      else assert.match(answer.message, /and was stopped|failed inside/);
      assert.deepEqual(taskOf(await pool.run<Evaluation>(EASY)).a, { b: 1 });
    });
  }
});
