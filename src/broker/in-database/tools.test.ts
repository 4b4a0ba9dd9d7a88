import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventually } from '../../../test/support/wait.ts';
import { MOST_KEPT, WATCH_LIVES_MS } from '../operator-tools.ts';
import { createWorld } from '../test-support/world.ts';

const NEVER = new AbortController().signal;
const NOW = AbortSignal.abort();

describe('the tools of the broker in the database', () => {
  it('publish, and tell whether anybody gets it', async (t) => {
    const { start, bind } = await createWorld(t);
    const read: string[] = [];
    const { broker } = await start(async (deliveries) => {
      for (const { routingKey, body } of deliveries) read.push(`${routingKey} ${body}`);
    });
    await bind('q', 'a.*');
    const publish = (routingKey: string) => broker.tools.publish({ exchange: 'x', routingKey, body: { n: 1 } });
    assert.deepEqual(await publish('a.b'), { wasRouted: true });
    assert.deepEqual(await publish('b'), { wasRouted: false });
    await eventually('it was read', () => read.length === 1);
    assert.deepEqual(read, ['a.b {"n":1}']);
  });

  it('watch what matches, each message once and in order, from any process', async (t) => {
    const { start, publish } = await createWorld(t);
    const [{ broker }, { broker: other }] = [await start(), await start()];
    const id = await broker.tools.openWatch('x', 'a.#');
    const waiting = other.tools.readWatch({ exchange: 'x', id }, NEVER);
    await publish(
      { routingKey: 'a.1', body: 1, messageId: 'mine' },
      { routingKey: 'b', body: 2 },
      { routingKey: 'a.3', body: 3 },
    );
    const { messages, isIncomplete } = await waiting;
    assert.deepEqual(
      messages.map(({ routingKey, body, messageId, bytes }) => [routingKey, body, messageId, bytes]),
      [
        ['a.1', '1', 'mine', 1],
        ['a.3', '3', undefined, 1],
      ],
    );
    assert.equal(isIncomplete, false);
    assert.deepEqual((await broker.tools.readWatch({ exchange: 'x', id }, NOW)).messages, []);
  });

  it('give a watch only with the exchange that it was made for', async (t) => {
    const { start } = await createWorld(t);
    const { broker } = await start();
    const id = await broker.tools.openWatch('x', '#');
    await assert.rejects(broker.tools.readWatch({ exchange: 'y', id }, NOW), { code: 'ResourceNotFound' });
    await broker.tools.closeWatch({ exchange: 'y', id });
    await broker.tools.readWatch({ exchange: 'x', id }, NOW);
  });

  it('do not hand what is watched to the reader of hooks', async (t) => {
    const { start, publish, bind, left } = await createWorld(t);
    const read: string[] = [];
    const { broker } = await start(async (deliveries) => {
      for (const { queue } of deliveries) read.push(queue);
    });
    await bind('q', '#');
    const id = await broker.tools.openWatch('x', '#');
    await publish({}, {});
    await eventually('the hook’s queue was read', () => read.length === 2);
    assert.deepEqual(read, ['q', 'q']);
    assert.equal((await broker.tools.readWatch({ exchange: 'x', id }, NEVER)).messages.length, 2);
    assert.equal((await left()).deliveries, 0);
  });

  it('keep the newest messages of a watch that is not read, and say that it is incomplete, once', async (t) => {
    const { start, publish, left } = await createWorld(t);
    const { broker } = await start();
    const watch = { exchange: 'x', id: await broker.tools.openWatch('x', '#') };
    const count = MOST_KEPT + 200;
    for (let from = 0; from < count; from += 300) {
      await publish(...Array.from({ length: 300 }, (_, index) => ({ body: from + index })));
      await eventually('they were routed', async () => (await left()).outbox === 0);
    }
    const bodies: (string | undefined)[] = [];
    const incomplete: boolean[] = [];
    while (bodies.length < MOST_KEPT) {
      const { messages, isIncomplete } = await broker.tools.readWatch(watch, NOW);
      bodies.push(...messages.map(({ body }) => body));
      incomplete.push(isIncomplete);
    }
    assert.deepEqual(
      bodies,
      Array.from({ length: MOST_KEPT }, (_, index) => String(count - MOST_KEPT + index)),
    );
    assert.deepEqual(incomplete, [true, ...Array.from({ length: incomplete.length - 1 }, () => false)]);
    assert.equal((await left()).bodies, 0);
  });

  it('keep no more than its bytes of a watch that is not read', async (t) => {
    const { start, publish, left } = await createWorld(t);
    const { broker } = await start();
    const watch = { exchange: 'x', id: await broker.tools.openWatch('x', '#') };
    const body = 'x'.repeat(9_000_000);
    for (let n = 0; n < 6; n += 1) await publish({ body });
    await eventually('all were routed', async () => (await left()).outbox === 0);
    assert.equal((await left()).deliveries, 3);
    const { messages, isIncomplete } = await broker.tools.readWatch(watch, NOW);
    assert.deepEqual([messages.map((one) => [one.body, one.bytes]), isIncomplete], [[[undefined, 9_000_002]], true]);
  });

  it('remove a watch that is closed, or was not read for a minute', async (t) => {
    const { start, publish, left, clock } = await createWorld(t);
    const { broker } = await start();
    const closed = { exchange: 'x', id: await broker.tools.openWatch('x', '#') };
    const forgotten = { exchange: 'x', id: await broker.tools.openWatch('x', '#') };
    await broker.tools.closeWatch(closed);
    await broker.tools.closeWatch(closed);
    await assert.rejects(broker.tools.readWatch(closed, NOW), { code: 'ResourceNotFound', message: /no such watch/ });
    await publish({});
    await eventually('one of them got it', async () => (await left()).deliveries === 1);
    await eventually('the other is gone', async () => {
      await clock.advance(WATCH_LIVES_MS);
      return (await left()).queues === 0;
    });
    await assert.rejects(broker.tools.readWatch(forgotten, NOW), { code: 'ResourceNotFound' });
    assert.equal((await left()).bindings, 0);
  });
});
