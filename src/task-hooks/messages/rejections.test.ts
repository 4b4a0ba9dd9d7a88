// A flood of messages that do not fit: the first few stand in the ledger, and all are accounted for
// there.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Delivery } from '../../broker/broker.ts';
import { newUuid } from '../../core/ids.ts';
import { statement } from '../../database/statement.ts';
import { createWorld, ME, NAME, scheduledHook } from '../test-support/world.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

const countKept = statement<{ kept: number; timers: number }>(
  'test.rejections-kept',
  `select (select count(*) from rejections)::int as kept,
          (select count(*) from timers where kind = 'hooks.rejected')::int as timers`,
);

type Rejected = { readonly message: string; readonly detail: { count?: number; first?: string; last?: string } };

const createFlood = async (t: TestContext) => {
  const world = await createWorld(t);
  const start = () => world.startServer();
  const server = await start();
  const triggerSchema = { type: 'object', properties: { n: { type: 'integer' } } };
  await server.changes.create(scheduledHook([], { triggerSchema }), ME);
  const { uid } = (await server.hooks.find(NAME)) ?? assert.fail();
  const deliver = (text: string): Delivery => ({
    ...{ queue: uid, id: newUuid(), exchange: 'exchange/x', routingKey: 'a.b', messageId: undefined },
    body: Buffer.from(text),
    accepted: world.clock.now(),
  });
  const flood = (count: number, text = '{"n": "one"}', through = server) =>
    through.readMessages(Array.from({ length: count }, () => deliver(text)));
  const rejected = async () =>
    (await world.entries(uid)).map(({ outcome, error, detail }): Rejected => {
      assert.equal(outcome, 'rejected');
      return { ...(error as { message: string }), detail: detail as Rejected['detail'] };
    });
  const kept = async () => (await world.database.query(countKept))[0];
  const pass = async (ms: number) => {
    await world.clock.advance(ms);
    await world.handleDue();
  };
  const iso = (ms: number) => new Date(ms).toISOString();
  return { ...world, start, server, uid, flood, rejected, kept, pass, iso };
};

describe('messages that do not fit', () => {
  it('are told of one by one while they are few', async (t) => {
    const { flood, rejected, pass, kept } = await createFlood(t);
    await flood(3);
    await flood(2);
    assert.equal((await rejected()).length, 5);
    await pass(2 * MINUTE);
    await flood(1);
    await pass(2 * MINUTE);
    assert.equal((await rejected()).length, 6);
    assert.deepEqual(await kept(), { kept: 1, timers: 0 });
  });

  it('are counted beyond the first five of a minute, in one row with the first, the last and a sample', async (t) => {
    const { flood, rejected, pass, kept, clock, iso } = await createFlood(t);
    await flood(3);
    await pass(SECOND);
    const first = clock.now();
    await flood(100);
    await pass(10 * SECOND);
    const last = clock.now();
    await flood(900, '{"n": "the last"}');
    assert.equal((await rejected()).length, 5);
    await pass(MINUTE + 30 * SECOND);
    const [counted, ...others] = (await rejected()).slice(5);
    assert.deepEqual(others, []);
    assert.match(counted?.message ?? '', /^998 more messages did not fit, from .* to .*; the last one: .*integer/s);
    const { count, first: from, last: to } = counted?.detail ?? {};
    assert.deepEqual([count, from, to], [998, iso(first), iso(last)]);
    assert.match(JSON.stringify(counted?.detail), /exchange\/x.*the last/);
    assert.deepEqual(await kept(), { kept: 0, timers: 0 });
  });

  it('of each minute have a row of their own, also through two processes', async (t) => {
    const { flood, rejected, pass, start, server } = await createFlood(t);
    const other = await start();
    await Promise.all([flood(50), flood(50, '{"n": 0.5}', other)]);
    await pass(MINUTE);
    await flood(60);
    server.die();
    await pass(3 * MINUTE);
    const counts = (await rejected()).map(({ detail }) => detail.count ?? 1);
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      160,
    );
    assert.equal(counts.length, 5 + 1 + 5 + 1);
  });

  it('are accounted for also when their hook is removed before the minute is over', async (t) => {
    const { flood, rejected, pass, server, kept } = await createFlood(t);
    await flood(20);
    await server.changes.remove(NAME, ME);
    await pass(3 * MINUTE);
    assert.deepEqual(
      (await rejected()).map(({ detail }) => detail.count),
      [undefined, undefined, undefined, undefined, undefined, 15],
    );
    assert.deepEqual(await kept(), { kept: 0, timers: 0 });
  });

  it('that were few leave nothing behind when their hook is removed', async (t) => {
    const { flood, pass, server, kept } = await createFlood(t);
    await flood(4);
    await server.changes.remove(NAME, ME);
    await pass(3 * MINUTE);
    assert.deepEqual(await kept(), { kept: 0, timers: 0 });
  });
});
