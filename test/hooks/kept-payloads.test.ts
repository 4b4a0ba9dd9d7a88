// Every fire keeps what it was made of, whatever caused it and whatever became of it.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { systemClock, toIso } from '../../src/core/clock.ts';
import { newSlugId } from '../../src/core/ids.ts';
import { createSecretBox } from '../../src/core/secret-box.ts';
import { createLedger } from '../../src/ledger/create-ledger.ts';
import { createPayloads } from '../../src/ledger/payloads/payloads.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { eventually } from '../support/wait.ts';
import { bindingTo, definition, passTimeUntil } from './support/definitions.ts';
import { createWorld, type World } from './support/world.ts';

const SCHEMA = {
  type: 'object',
  properties: { n: { type: 'number' }, more: { default: 'filled in' }, text: {}, taskId: {} },
  required: ['n'],
};

const watch = (world: World) => {
  const ledger = createLedger(world.database);
  const payloads = createPayloads({ secretBox: createSecretBox(Buffer.alloc(32, 7)), clock: world.clock, days: 30 });
  /** What is kept of the fires of the hook, oldest first, when there are so many. */
  const look = async () => {
    const [hook] = await world.rows('select uid, revision from hooks');
    const { entries } = await ledger.page({ hookUid: hook.uid, kinds: ['fire'], limit: 100 });
    const rows = [];
    for (const entry of entries.toReversed()) {
      rows.push({ entry, kept: await payloads.read(world.database, entry) });
    }
    return rows;
  };
  return (count: number) =>
    eventually(`${count} fires`, async () => {
      const rows = await look();
      return rows.length === count && rows;
    });
};

const start = async (t: TestContext, more: object) => {
  const world = await createWorld(t, { clock: 'schedule' in more ? createFakeClock() : systemClock });
  const server = await world.start();
  await server.hooks.createHook('g', 'h', definition({ triggerSchema: SCHEMA, ...more }));
  return { world, server, read: watch(world) };
};

describe('what a fire was made of', () => {
  it('is kept of every call, as it came, with the revision of the hook', async (t) => {
    const { server, world, read } = await start(t, {});
    const chosen = newSlugId();
    await server.hooks.triggerHook('g', 'h', { n: 1 });
    await server.hooks.triggerHook('g', 'h', { n: 2, taskId: chosen });
    await server.hooks.triggerHook('g', 'h', { n: 2, taskId: chosen }); // again
    await assert.rejects(server.hooks.triggerHook('g', 'h', { n: 'three' }), { statusCode: 400 });
    await server.hooks.triggerHook('g', 'h', { n: 4, text: 'x'.repeat(150_000) }); // parsed elsewhere
    const { token } = await server.hooks.getTriggerToken('g', 'h');
    await server.send(`/api/hooks/v1/hooks/g/h/trigger/${token}`, { method: 'POST', body: '{ "n":  5 }' });
    const rows = await read(5);
    assert.deepEqual(
      rows.map(({ kept }) => kept?.text?.slice(0, 20)),
      ['{"n":1}', `{"n":2,"taskId":"${chosen.slice(0, 3)}`, '{"n":"three"}', '{"n":4,"text":"xxxxx', '{ "n":  5 }'],
    );
    assert.deepEqual(
      rows.map(({ entry }) => [entry.outcome, entry.hookRevision]),
      [...['created', 'created', 'rejected', 'created'].map((outcome) => [outcome, 1]), ['created', 2]],
    );
    assert.deepEqual(rows.at(0)?.kept?.context, {
      firedBy: 'triggerHook',
      taskId: rows[0]?.entry.taskId,
      now: toIso(rows[0]?.entry.arrived ?? 0),
      clientId: 'tester',
    });
    assert.equal((await world.rows('select 1 from payloads')).length, 5);
  });

  it('is kept of messages, with where they came from', async (t) => {
    const { world, read } = await start(t, bindingTo('e'));
    await world.publish('e', 'route.1', { n: 1 }, { n: 'two' });
    const rows = await read(2);
    assert.deepEqual(new Set(rows.map(({ kept }) => kept?.text)), new Set(['{"n":1}', '{"n":"two"}']));
    for (const { kept } of rows) {
      assert.equal(kept?.context.firedBy, 'pulseMessage');
      assert.partialDeepStrictEqual(kept?.context.message, { exchange: 'e', routingKey: 'route.1' });
    }
  });

  it('is kept of schedules: when they were due, and nothing else', async (t) => {
    const { world, read } = await start(t, { schedule: ['0 0 * * * *'], triggerSchema: { type: 'object' } });
    await passTimeUntil(world.clock as FakeClock, 'it fires', () => world.queue.tasks.size > 0, 60_000);
    const [row] = await read(1);
    assert.deepEqual([row?.kept?.context.firedBy, row?.kept?.text], ['schedule', undefined]);
    assert.equal(row?.kept?.context.now, toIso(row?.entry.arrived ?? 0));
  });

  it('stands in no log line and in no error but the one of its sender', async (t) => {
    const { world, server, read } = await start(t, bindingTo('e'));
    const secret = 'correct-horse-battery';
    await server.hooks.triggerHook('g', 'h', { n: 1, text: secret });
    await world.publish('e', 'r', { n: 2, text: secret });
    await read(2);
    assert.ok(!server.logged().includes(secret));
    assert.ok(!(await server.metrics.registry.metrics()).includes(secret));
    const kept = await world.rows('select p::text as text from payloads p');
    assert.ok(kept.length === 2 && kept.every(({ text }) => !text.includes(Buffer.from(secret).toString('hex'))));
  });
});
