import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { eventually } from '../../../test/support/wait.ts';
import type { Broker, Delivery } from '../../broker/broker.ts';
import { statement } from '../../database/statement.ts';
import type { HookDefinition } from '../definition.ts';
import type { Evaluation } from '../evaluation/evaluate.ts';
import type { EvaluationPool, PoolAnswer } from '../evaluation/pool.ts';
import type { WorkerRequest } from '../evaluation/worker.ts';
import { UNAVAILABLE } from '../test-support/fake-queue.ts';
import { heavy } from '../test-support/heavy-template.ts';
import { createInlinePool } from '../test-support/inline-pool.ts';
import { createWorld, ME, NAME, type ServerOptions, scheduledHook } from '../test-support/world.ts';

const listFires = statement<{ cause: string; task: string }>(
  'test.fires',
  'select cause, task::text as task from fires',
);

const ECHO = { said: { $eval: 'payload' }, by: { $eval: 'firedBy' }, at: { $eval: 'now' } };
const SLOW = { said: { $eval: 'payload' }, list: heavy([1]) };
const saidBy = ({ said }: Record<string, unknown>) => said;
const VERSIONED = { type: 'object', properties: { version: { type: 'integer' } }, required: ['version'] };

/** A hook with the queue of its bindings, and a server that reads from it. */
const createReading = async (t: TestContext, more: Partial<HookDefinition> = {}, options: ServerOptions = {}) => {
  const world = await createWorld(t);
  const mailed: string[] = [];
  const enqueueMail: ServerOptions['enqueueMail'] = async (_tx, { mail }) => void mailed.push(mail.text);
  const acknowledged: string[] = [];
  const isOver = new Set<string>();
  /** As the broker does it. */
  const acknowledge: Broker['acknowledge'] = async (_tx, deliveries) => {
    acknowledged.push(...deliveries.filter(({ id }) => !isOver.has(id)).map(({ id }) => id));
    return new Set(deliveries.filter(({ id }) => isOver.has(id)));
  };
  const server = await world.startServer({ isIdle: true, enqueueMail, acknowledge, ...options });
  await server.changes.create(scheduledHook([], { task: ECHO, ...more }), ME);
  const uid = (await server.hooks.find(NAME))?.uid ?? assert.fail();
  const deliver = (id: string, body: string, more: Partial<Delivery> = {}): Delivery => ({
    queue: uid,
    id,
    exchange: 'exchange/x',
    routingKey: 'a.b',
    messageId: 'm',
    body: Buffer.from(body),
    accepted: world.clock.now() - 1_000,
    ...more,
  });
  /** Lets time pass until they are read. */
  const read = async (...deliveries: readonly Delivery[]) => {
    let isOver = false;
    const reading = server.readMessages(deliveries).finally(() => {
      isOver = true;
    });
    await eventually('they are read', async () => {
      await world.clock.advance(1_000);
      return isOver;
    });
    await reading;
  };
  const entries = async () => {
    await server.runner.whenIdle();
    await server.runner.whenRecorded(uid);
    return world.entries(uid);
  };
  const tasks = () => [...world.queue.tasks.values()].map((text) => JSON.parse(text) as Record<string, unknown>);
  return { ...world, server, uid, deliver, read, acknowledged, isOver, mailed, entries, tasks };
};

describe('a message', () => {
  it('becomes a task with its payload and no clientId, and its fire says when the broker had it', async (t) => {
    const { server, deliver, tasks, entries, clock } = await createReading(t);
    await server.readMessages([deliver('1', '{"a": "ü\\u0000"}')]);
    const [row, ...others] = await entries();
    assert.deepEqual(others, []);
    assert.deepEqual(
      tasks().map(({ said, by, at }) => [said, by, at]),
      [[{ a: 'ü\0' }, 'pulseMessage', new Date(clock.now()).toISOString()]],
    );
    assert.deepEqual(
      [row?.outcome, row?.cause, row?.firedBy, row?.clientId, row?.arrived],
      ['created', 'message:1', 'pulseMessage', null, clock.now() - 1_000],
    );
  });

  it('is over when its fire is stored, whatever the queue of tasks does', async (t) => {
    const { server, deliver, acknowledged, database, queue } = await createReading(t);
    queue.behave(() => UNAVAILABLE);
    await server.readMessages([deliver('1', '{}')]);
    assert.deepEqual(acknowledged, ['1']);
    await server.runner.whenIdle();
    assert.deepEqual(
      (await database.query(listFires)).map(({ cause }) => cause),
      ['message:1'],
    );
  });

  it('that is over already fires no second time', async (t) => {
    const { server, deliver, isOver, entries, tasks } = await createReading(t);
    isOver.add('1');
    await server.readMessages([deliver('1', '{}')]);
    assert.deepEqual([tasks(), await entries()], [[], []]);
  });

  for (const [what, body, reason] of [
    ['does not fit the trigger schema', '{"version": "one"}', /version.*integer/],
    ['is no JSON', 'hello\0', /JSON/],
    ['is nothing', '', /./],
    ['is no object', '7', /./],
  ] as const) {
    it(`that ${what} is over, and the ledger has the reason and how it began`, async (t) => {
      const { server, deliver, acknowledged, entries, tasks, mailed } = await createReading(t, {
        triggerSchema: VERSIONED,
      });
      await server.readMessages([deliver('1', body)]);
      const [row, ...others] = await entries();
      assert.deepEqual([others, tasks(), acknowledged, mailed], [[], [], ['1'], []]);
      assert.deepEqual([row?.outcome, row?.cause], ['rejected', 'message:1']);
      assert.match(JSON.stringify(row?.error), reason);
      const message = body.replace('\0', '\u{fffd}');
      assert.deepEqual(row?.detail, { exchange: 'exchange/x', routingKey: 'a.b', messageId: 'm', message });
    });
  }

  it('whose task cannot be rendered is over, and the owner is mailed', async (t) => {
    const { server, deliver, entries, mailed } = await createReading(t, { task: { a: { $eval: 'payload.none' } } });
    await server.readMessages([deliver('1', '{}')]);
    assert.deepEqual(
      (await entries()).map(({ outcome }) => outcome),
      ['failed'],
    );
    assert.match(mailed[0] ?? '', /event: {4}a message, accepted at 2026-[\s\S]*InterpreterError at template\.a/);
  });

  it('waits for a while when templates cannot be rendered for want of room, and those behind it wait, too', async (t) => {
    let isBusy = true;
    const pool = createInlinePool(() => isBusy);
    const { server, deliver, tasks, read, clock } = await createReading(t, { task: SLOW }, { pool });
    const reading = read(deliver('1', '{"n": 1}'), deliver('2', '{"n": 2}'));
    await clock.asleep(1);
    isBusy = false;
    await reading;
    await server.runner.whenIdle();
    assert.deepEqual(tasks().map(saidBy), [{ n: 1 }, { n: 2 }]);
  });

  it('is recorded as limited when there is no room for too long', async (t) => {
    const pool = createInlinePool(() => true);
    const { read, deliver, acknowledged, entries } = await createReading(t, { task: SLOW }, { pool });
    await read(deliver('1', '{}'));
    const [row, ...others] = await entries();
    assert.deepEqual([row?.outcome, others, acknowledged], ['limited', [], ['1']]);
    assert.match(JSON.stringify(row?.error), /too many evaluations are waiting \(tried \d+ times\)/);
  });

  it('that is larger than the largest request ends in the ledger, unread', async (t) => {
    const { server, deliver, acknowledged, entries } = await createReading(t);
    await server.readMessages([deliver('1', `"${'x'.repeat(10 * 1024 * 1024)}"`)]);
    const [row] = await entries();
    assert.deepEqual([row?.outcome, acknowledged], ['limited', ['1']]);
    assert.match(JSON.stringify(row?.error), /at most 10 MB/);
  });

  it('whose evaluation fails inside, or whose task cannot be stored, is recorded as failed; those around it fire', async (t) => {
    const pool = createInlinePool();
    const run = pool.run;
    const breaking: EvaluationPool = {
      ...pool,
      run: async (request) => {
        if (JSON.stringify(request).includes('break')) throw new Error('inside');
        return run(request);
      },
    };
    // PostgreSQL refuses this text as JSON, which only something gone wrong can make of a template.
    const spoiling: EvaluationPool = {
      ...breaking,
      run: async <Result>(request: WorkerRequest) => {
        const answer = await breaking.run<Evaluation>(request);
        if (!answer.ok || answer.result.outcome !== 'rendered' || !answer.result.task.includes('spoil')) return answer;
        return { ok: true, result: { ...answer.result, task: '{"spoilt":' } } as PoolAnswer<Result>;
      },
    } as EvaluationPool;
    const { server, deliver, acknowledged, entries, tasks } = await createReading(
      t,
      { task: SLOW },
      { pool: spoiling },
    );
    const bodies = ['{"n": 1}', '{"n": "break"}', '{"n": 2}', '{"n": "spoil"}', '{"n": 3}'];
    await server.readMessages(bodies.map((body, index) => deliver(`${index}`, body)));
    const rows = await entries();
    assert.deepEqual(tasks().map(saidBy), [{ n: 1 }, { n: 2 }, { n: 3 }]);
    const failed = rows.filter(({ outcome }) => outcome === 'failed');
    assert.deepEqual(failed.map(({ cause }) => cause).sort(), ['message:1', 'message:3']);
    assert.match(
      JSON.stringify(failed),
      /failed inside: inside.*cannot be stored|cannot be stored.*failed inside: inside/s,
    );
    assert.deepEqual([...new Set(acknowledged)].sort(), ['0', '1', '2', '3', '4']);
  });

  it('fires the hook as it is when the message is read, also just after a change through another server', async (t) => {
    const { server, startServer, deliver, tasks } = await createReading(t);
    await server.readMessages([deliver('1', '{}')]); // the hook is cached from now on
    const other = await startServer({ isIdle: true });
    await other.changes.update(NAME, (known) => ({ ...known, task: { said: 'new' } }), ME);
    await server.readMessages([deliver('2', '{}')]);
    await server.runner.whenIdle();
    assert.deepEqual(
      tasks().map(({ said }) => said),
      [{}, 'new'],
    );
    await other.changes.update(NAME, (known) => ({ ...known, triggerSchema: VERSIONED }), ME);
    await server.readMessages([deliver('3', '{}')]);
    await server.readMessages([deliver('4', '{"version": 1}')]);
    await server.runner.whenIdle();
    assert.equal(tasks().length, 3);
  });

  it('for a hook that was removed makes no task and is not acknowledged', async (t) => {
    const { server, deliver, tasks, acknowledged } = await createReading(t);
    await server.changes.remove(NAME, ME);
    await server.readMessages([deliver('1', '{}')]);
    assert.deepEqual([tasks(), acknowledged], [[], []]);
  });
});
