import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Broker, Delivery } from '../broker/broker.ts';
import { statement } from '../database/statement.ts';
import type { HookDefinition } from './definition.ts';
import { UNAVAILABLE } from './test-support/fake-queue.ts';
import { createInlinePool } from './test-support/inline-pool.ts';
import { createWorld, ME, NAME, type ServerOptions, scheduledHook } from './test-support/world.ts';

const listFires = statement<{ cause: string; task: string }>(
  'test.fires',
  'select cause, task::text as task from fires',
);

const ECHO = { said: { $eval: 'payload' }, by: { $eval: 'firedBy' }, at: { $eval: 'now' } };
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
  const entries = async () => {
    await server.pursuit.whenIdle();
    await server.pursuit.settled(uid);
    return world.entries(uid);
  };
  const tasks = () => [...world.queue.tasks.values()].map((text) => JSON.parse(text) as Record<string, unknown>);
  return { ...world, server, uid, deliver, acknowledged, isOver, mailed, entries, tasks };
};

describe('a message', () => {
  it('becomes a task with its payload and nobody for a caller, and its fire says when the broker had it', async (t) => {
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
    await server.pursuit.whenIdle();
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

  it('comes again while templates cannot be rendered for want of room', async (t) => {
    const pool = createInlinePool(() => true);
    const task = { list: { $map: [1], 'each(x)': { $eval: 'x' } } };
    const { server, deliver, acknowledged, entries } = await createReading(t, { task }, { pool });
    await assert.rejects(server.readMessages([deliver('1', '{}')]), /too many evaluations/);
    assert.deepEqual([acknowledged, await entries()], [[], []]);
  });

  it('fires the hook as it is when the message is read, also just after a change through another server', async (t) => {
    const { server, startServer, deliver, tasks } = await createReading(t);
    await server.readMessages([deliver('1', '{}')]); // the hook is remembered from now on
    const other = await startServer({ isIdle: true });
    await other.changes.update(NAME, (known) => ({ ...known, task: { said: 'new' } }), ME);
    await server.readMessages([deliver('2', '{}')]);
    await server.pursuit.whenIdle();
    assert.deepEqual(
      tasks().map(({ said }) => said),
      [{}, 'new'],
    );
    await other.changes.update(NAME, (known) => ({ ...known, triggerSchema: VERSIONED }), ME);
    await server.readMessages([deliver('3', '{}')]);
    await server.readMessages([deliver('4', '{"version": 1}')]);
    await server.pursuit.whenIdle();
    assert.equal(tasks().length, 3);
  });

  it('for a hook that is gone is nobody’s', async (t) => {
    const { server, deliver, tasks, acknowledged } = await createReading(t);
    await server.changes.remove(NAME, ME);
    await server.readMessages([deliver('1', '{}')]);
    assert.deepEqual([tasks(), acknowledged], [[], []]);
  });
});
