// The queue against what it ought to do (test-support/model.ts): random operations by several
// workers in two processes while time passes.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { roundsOf } from '../../../test/support/test-length.ts';
import { toIso } from '../../core/clock.ts';
import { newSlugId } from '../../core/ids.ts';
import { statement } from '../../database/statement.ts';
import { ApiError } from '../../http/api-error.ts';
import { createModel, type Model } from '../test-support/model.ts';
import { createWorld, type World } from '../test-support/world.ts';

const RUNS = roundsOf(25);
/**
 * All times are multiples of this, so that whatever happens by itself happens at the end of a step.
 */
const STEP_MS = 5_000;
const PRIORITIES = ['highest', 'very-high', 'high', 'medium', 'low', 'very-low', 'lowest'];
const MOST_TASKS = 10;

/** `which`: of the tasks so far, from the last one backwards. */
type Operation =
  | {
      readonly do: 'create';
      readonly dependencies: readonly number[];
      readonly dependsOnItself: boolean;
      readonly requires: 'all-completed' | 'all-resolved';
      readonly priority: number;
      readonly retries: number;
      readonly deadline: number;
      readonly expires: number;
    }
  | { readonly do: 'create again' | 'cancel' | 'schedule' | 'rerun'; readonly which: number }
  | { readonly do: 'claim'; readonly worker: string; readonly most: number }
  | { readonly do: 'reclaim'; readonly which: number; readonly back: number }
  | { readonly do: 'report'; readonly which: number; readonly back: number; readonly what: string }
  | { readonly do: 'pass'; readonly steps: number };

const which = fc.nat({ max: MOST_TASKS - 1 });
const back = fc.constantFrom(0, 0, 0, 0, 1, -1);
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('create' as const),
      dependencies: fc.uniqueArray(fc.nat({ max: 3 }), { maxLength: 3 }),
      dependsOnItself: fc.constantFrom(false, false, false, false, false, false, true),
      requires: fc.constantFrom('all-completed' as const, 'all-resolved' as const),
      priority: fc.nat({ max: 6 }),
      retries: fc.constantFrom(0, 1, 2, 49),
      deadline: fc.integer({ min: 1, max: 60 }),
      expires: fc.constantFrom(0, 1, 10, 100, 1_000),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('create again' as const, 'cancel' as const, 'schedule' as const, 'rerun' as const),
      which,
    }),
  },
  {
    weight: 9,
    arbitrary: fc.record({
      do: fc.constant('claim' as const),
      worker: fc.constantFrom('w1', 'w2', 'w3'),
      most: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('reclaim' as const), which, back }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('report' as const),
      which,
      back,
      what: fc.constantFrom(
        ...['completed', 'completed', 'completed', 'failed', 'worker-shutdown', 'intermittent-task'],
        ...['malformed-payload', 'resource-unavailable', 'internal-error'],
      ),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('pass' as const), steps: fc.constantFrom(1, 1, 2, 5, 20) }) },
);

const clear = statement('test.clear-queue', 'truncate tasks, task_dependencies, task_groups');

describe('the queue, whatever is done to it', () => {
  for (const claimSteps of [3, 40]) {
    it(`does what it ought to, with claims of ${(claimSteps * STEP_MS) / 1000} s`, async (t) => {
      const claimMs = claimSteps * STEP_MS;
      const world = await createWorld(t, { claimMs });
      const another = world.anotherQueue();
      const run = async (operations: readonly Operation[]) => {
        await world.database.query(clear);
        await compare(world, [world.call, another.call], createModel(claimMs), operations);
      };
      // Time goes on from one list of operations to the next, so that a shorter list would not be
      // the same again.
      await fc.assert(fc.asyncProperty(fc.array(operation, { minLength: 10, maxLength: 60 }), run), {
        numRuns: RUNS,
        endOnFailure: true,
      });
    });
  }
});

const codeOf = async (call: Promise<unknown>): Promise<number> => {
  try {
    await call;
    return 200;
  } catch (error) {
    if (error instanceof ApiError) return error.statusCode;
    throw error;
  }
};

/** Asks once: who has gone by the time of the answer does not wait for more. */
const claimOnce = async (call: World['call'], workerId: string, tasks: number) => {
  const gone = new AbortController();
  const payload = { workerGroup: 'group', workerId, tasks };
  const claiming = call('claimWork', { taskQueueId: 'prov/wt' }, payload, { gone: gone.signal });
  gone.abort();
  return (await claiming).tasks as readonly { readonly status: { readonly taskId: string }; readonly runId: number }[];
};

const compare = async (
  world: World,
  calls: readonly World['call'][],
  model: Model,
  operations: readonly Operation[],
) => {
  const { clock } = world;
  const tasks: { readonly taskId: string; readonly definition: object; readonly add: () => number }[] = [];
  const at = (index: number) => tasks[tasks.length - 1 - (index % Math.max(tasks.length, 1))];
  const runOf = (taskId: string, backwards: number) =>
    Math.max(0, (model.tasks.get(taskId)?.runs.length ?? 1) - 1 - backwards);

  const create = async (call: World['call'], wanted: Extract<Operation, { do: 'create' }>) => {
    const id = newSlugId();
    const others = [...new Set(wanted.dependencies.flatMap((index) => at(index)?.taskId ?? []))];
    const dependencies = wanted.dependsOnItself ? [...others, id] : others;
    const { requires, retries, priority } = wanted;
    const deadline = clock.now() + wanted.deadline * STEP_MS;
    const expires = deadline + wanted.expires * STEP_MS;
    const definition = world.definition({
      ...{ dependencies, requires, retries, priority: PRIORITIES[priority] },
      ...{ deadline: toIso(deadline), expires: toIso(expires) },
    });
    const created = clock.now();
    const add = () => model.create({ id, dependencies, requires, priority, retries, created, deadline, expires });
    const code = await codeOf(call('createTask', { taskId: id }, definition));
    assert.equal(code, add(), 'createTask');
    if (code === 200) tasks.push({ taskId: id, definition, add });
  };

  const claim = async (call: World['call'], worker: string, most: number) => {
    const possible = model.claimable();
    const given = await claimOnce(call, worker, most);
    const ranks = new Map(possible.map(({ id, rank }) => [id, rank]));
    assert.deepEqual(
      given.map(({ status }) => ranks.get(status.taskId)),
      possible.slice(0, most).map(({ rank }) => rank),
      'claimWork gives the best tasks that there are',
    );
    for (const { status } of given) model.claimed(status.taskId, worker);
  };

  const lookAtAll = async () => {
    for (const { taskId } of tasks) {
      const answer = await world.call('status', { taskId }).catch((error: ApiError) => {
        assert.equal(error.code, 'ResourceNotFound');
        return undefined;
      });
      const { state, retriesLeft, runs } = answer?.status ?? {};
      assert.deepEqual(answer && { state, retriesLeft, runs }, model.describe(taskId));
    }
    const pending = [...model.tasks.values()].filter((task) => model.state(task) === 'pending').length;
    assert.equal((await world.call('pendingTasks', { taskQueueId: 'prov/wt' })).pendingTasks, pending);
  };

  for (const [index, one] of operations.entries()) {
    const call = calls[index % calls.length] as World['call'];
    if (one.do === 'pass') {
      for (let step = 0; step < one.steps; step += 1) {
        await world.pass(STEP_MS);
        model.tick(clock.now());
      }
      await lookAtAll();
      continue;
    }
    model.begin(clock.now());
    if (one.do === 'create') {
      if (tasks.length < MOST_TASKS) await create(call, one);
      continue;
    }
    if (one.do === 'claim') {
      await claim(call, one.worker, one.most);
      continue;
    }
    const task = at(one.which);
    if (!task) continue;
    const { taskId, definition } = task;
    if (one.do === 'create again') {
      assert.equal(await codeOf(call('createTask', { taskId }, definition)), task.add());
    } else if (one.do === 'reclaim') {
      const runId = runOf(taskId, one.back);
      const code = await codeOf(call('reclaimTask', { taskId, runId: String(runId) }));
      assert.equal(code, model.reclaim(taskId, runId), 'reclaimTask');
    } else if (one.do === 'report') {
      const runId = runOf(taskId, one.back);
      const params = { taskId, runId: String(runId) };
      const { what } = one;
      const reported =
        what === 'completed'
          ? call('reportCompleted', params)
          : what === 'failed'
            ? call('reportFailed', params)
            : call('reportException', params, { reason: what });
      assert.equal(await codeOf(reported), model.report(taskId, runId, what), `${what} of run ${runId}`);
    } else {
      assert.equal(await codeOf(call(`${one.do}Task`, { taskId })), model[one.do](taskId), `${one.do}Task`);
    }
  }
  await lookAtAll();
};
