// What the reference service gets wrong on the way from an event to its task, and ours does not.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { createFakeClock } from '../support/fake-clock.ts';
import { eventually } from '../support/wait.ts';
import { bindingTo, definition, parsed, passTimeUntil } from './support/definitions.ts';
import { createWorld } from './support/world.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const EVERY_DAY_AT_ONE = { schedule: ['0 0 13 * * *'] }; // the fake clock begins at noon

const createFakeWorld = async (t: TestContext) => {
  const clock = createFakeClock();
  return { ...(await createWorld(t, { clock })), clock };
};

const said = (tasks: ReadonlyMap<string, string>) => parsed(tasks).map(({ payload }) => payload.said);
const byTaskId = (asked: readonly { taskId: string; task: string }[]) => [
  ...Map.groupBy(asked, ({ taskId }) => taskId).values(),
];

/** All attempts for a task sent the same task. */
const assertSameTasks = (asked: readonly { taskId: string; task: string }[]) => {
  for (const attempts of byTaskId(asked)) assert.equal(new Set(attempts.map(({ task }) => task)).size, 1);
};

describe('messages', () => {
  // 1
  it('that were published while nobody listened all fire, however many', async (t) => {
    const { start, publish, queue } = await createWorld(t);
    const first = await start({ isIdle: true });
    await first.hooks.createHook('g', 'h', definition(bindingTo('exchange/x')));
    await first.stop();
    const numbers = Array.from({ length: 300 }, (_, n) => ({ n }));
    await publish('exchange/x', 'a', ...numbers);
    await start();
    await eventually('all fire', () => queue.tasks.size === numbers.length);
    assert.deepEqual(new Set(said(queue.tasks).map(({ n }) => n)), new Set(numbers.map(({ n }) => n)));
  });

  // 7
  it('that come while the queue is down fire when it is back', async (t) => {
    const { start, publish, queue, clock, rows } = await createFakeWorld(t);
    const { hooks } = await start();
    await hooks.createHook('g', 'h', definition(bindingTo('exchange/x')));
    queue.behave('unavailable');
    await publish('exchange/x', 'a', ...Array.from({ length: 10 }, (_, n) => ({ n })));
    await passTimeUntil(clock, 'each was tried twice', () => queue.asked.length >= 20);
    assert.equal(queue.tasks.size, 0);
    queue.behave('create');
    await passTimeUntil(clock, 'all fire', () => queue.tasks.size === 10);
    await eventually('nothing is left to do', async () => (await rows('select 1 from fires')).length === 0);
    assertSameTasks(queue.asked);
  });

  // 8
  it('in flight when the process is killed make one task each', async (t) => {
    const { start, publish, queue, clock, rows } = await createFakeWorld(t);
    const victim = await start();
    await victim.hooks.createHook('g', 'h', definition(bindingTo('exchange/x')));
    queue.behave('unheard');
    await publish('exchange/x', 'a', { n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }, { n: 5 });
    await eventually('five are in flight', () => queue.asked.length === 5);
    victim.kill();
    queue.behave('create');
    await start();
    await passTimeUntil(clock, 'all are finished', async () => {
      const finished = await rows(`select 1 from ledger where outcome = 'created'`);
      return finished.length === 5;
    });
    assert.equal(queue.tasks.size, 5);
    assert.deepEqual(
      said(queue.tasks)
        .map(({ n }) => n)
        .sort(),
      [1, 2, 3, 4, 5],
    );
    assertSameTasks(queue.asked);
  });
});

describe('a scheduled fire', () => {
  // 2
  it('outlives any outage of the queue, as the same task, and mails nobody', async (t) => {
    const { start, queue, clock, mails } = await createFakeWorld(t);
    const { hooks } = await start();
    await hooks.createHook('g', 'h', definition(EVERY_DAY_AT_ONE));
    queue.behave('unavailable');
    await clock.advance(HOUR);
    await passTimeUntil(clock, 'it was tried often', () => queue.asked.length >= 8, MINUTE);
    queue.behave('create');
    await passTimeUntil(clock, 'it fires', () => queue.tasks.size === 1, MINUTE);
    assert.equal(byTaskId(queue.asked).length, 1);
    assertSameTasks(queue.asked);
    assert.equal(parsed(queue.tasks)[0].created, '2026-11-20T13:00:00.000Z');
    assert.deepEqual(mails, []);
    assert.equal((await hooks.getHookStatus('g', 'h')).nextScheduledDate, '2026-11-21T13:00:00.000Z');
  });

  // 3
  it('whose first attempt met an outage is a success, mails nobody, and its last fires tell both', async (t) => {
    const { start, queue, clock, mails } = await createFakeWorld(t);
    const { hooks } = await start();
    await hooks.createHook('g', 'h', definition(EVERY_DAY_AT_ONE));
    queue.behave('unavailable');
    await clock.advance(HOUR);
    await eventually('it was tried', () => queue.asked.length === 1);
    queue.behave('create');
    await passTimeUntil(clock, 'it fires', () => queue.tasks.size === 1);
    const { lastFires } = await hooks.listLastFires('g', 'h');
    assert.deepEqual(
      lastFires.map(({ result, firedBy }: { result: string; firedBy: string }) => [result, firedBy]),
      [
        ['success', 'schedule'],
        ['error', 'schedule'],
      ],
    );
    assert.match(lastFires[1].error, /the queue answered 503/);
    const [taskId] = queue.tasks.keys();
    assert.deepEqual((await hooks.getHookStatus('g', 'h')).lastFire, {
      ...{ result: 'success', taskId, time: '2026-11-20T13:00:00.000Z' },
    });
    assert.deepEqual(mails, []);
  });

  // 4
  it('under way while the hook is updated leaves the new schedule alone', async (t) => {
    const { start, queue, clock } = await createFakeWorld(t);
    const { hooks } = await start();
    await hooks.createHook('g', 'h', definition({ schedule: ['0 0 0 1 1 *', '0 0 13 * * *'] }));
    queue.behave('hang');
    await clock.advance(HOUR);
    const [inFlight] = await eventually('it is under way', () => queue.asked.length === 1 && queue.asked);
    await hooks.updateHook('g', 'h', definition({ schedule: ['0 15 14 * * *'] }));
    inFlight?.letGo();
    await eventually('it ends', async () => (await hooks.getHookStatus('g', 'h')).lastFire.result === 'success');
    assert.equal((await hooks.getHookStatus('g', 'h')).nextScheduledDate, '2026-11-20T14:15:00.000Z');
    queue.behave('create');
    await clock.advance(HOUR + 15 * MINUTE);
    await eventually('the new schedule fires', () => queue.tasks.size === 2);
    assert.equal(parsed(queue.tasks)[1].created, '2026-11-20T14:15:00.000Z');
  });

  // 5
  it('whose createTask hangs delays no other', async (t) => {
    const { start, queue, clock } = await createFakeWorld(t);
    const { hooks } = await start();
    await hooks.createHook('g', 'slow', definition(EVERY_DAY_AT_ONE));
    await hooks.createHook('g', 'next', definition({ schedule: ['1 0 13 * * *'] }));
    queue.behave(({ authorizedScopes }) => (authorizedScopes[0]?.endsWith('/slow') ? 'hang' : 'create'));
    await clock.advance(HOUR);
    await eventually('the first hangs', () => queue.asked.length === 1);
    await clock.advance(SECOND);
    await eventually('the other fires', () => queue.tasks.size === 1);
    assert.equal(queue.asked[1]?.at, Date.UTC(2026, 10, 20, 13, 0, 1));
  });

  // 9
  it('fires once with two schedulers, and nobody is mailed', async (t) => {
    const { start, queue, clock, mails, rows } = await createFakeWorld(t);
    const [{ hooks }] = await Promise.all([start(), start()]);
    for (let n = 0; n < 20; n += 1) await hooks.createHook('g', `h${n}`, definition(EVERY_DAY_AT_ONE));
    await clock.advance(HOUR);
    await eventually('all have ended', async () => (await rows('select 1 from ledger')).length >= 20);
    await clock.advance(MINUTE);
    assert.equal(queue.asked.length, 20);
    assert.equal(queue.tasks.size, 20);
    for (let n = 0; n < 20; n += 1) {
      const { lastFires } = await hooks.listLastFires('g', `h${n}`);
      assert.deepEqual(
        lastFires.map(({ result }: { result: string }) => result),
        ['success'],
      );
    }
    assert.deepEqual(mails, []);
  });

  // 10
  it('in flight when the scheduler is killed is asked for again as the very same task, and nobody is mailed', async (t) => {
    const { start, queue, clock, mails, rows } = await createFakeWorld(t);
    const victim = await start();
    for (let n = 0; n < 20; n += 1) await victim.hooks.createHook('g', `h${n}`, definition(EVERY_DAY_AT_ONE));
    queue.behave('hang');
    await clock.advance(HOUR);
    await eventually('all are in flight', () => queue.asked.length === 20);
    victim.kill();
    queue.behave('create');
    await start();
    await passTimeUntil(clock, 'all are finished', async () => (await rows('select 1 from ledger')).length === 20);
    assert.equal(queue.tasks.size, 20);
    assert.equal(byTaskId(queue.asked).length, 20);
    assertSameTasks(queue.asked);
    assert.deepEqual(mails, []);
  });
});

describe('a fire that meets an outage', () => {
  // 6
  for (const cause of ['schedule', 'triggerHook', 'triggerHookWithToken', 'pulseMessage']) {
    it(`is tried again, further and further apart, when it comes from ${cause}`, async (t) => {
      const { start, queue, clock, publish } = await createFakeWorld(t);
      const { hooks } = await start();
      await hooks.createHook('g', 'h', definition({ ...EVERY_DAY_AT_ONE, ...bindingTo('exchange/x') }));
      const { token } = await hooks.getTriggerToken('g', 'h');
      queue.behave('unavailable');
      const events: Readonly<Record<string, () => Promise<unknown>>> = {
        schedule: () => clock.advance(HOUR),
        triggerHook: () => hooks.triggerHook('g', 'h', {}),
        triggerHookWithToken: () => hooks.triggerHookWithToken('g', 'h', token, {}),
        pulseMessage: () => publish('exchange/x', 'a', {}),
      };
      const answer = events[cause]?.();
      await passTimeUntil(clock, 'it was tried eight times', () => queue.asked.length === 8, 200);
      queue.behave('create');
      await passTimeUntil(clock, 'it fires', () => queue.tasks.size === 1);
      await answer;
      assert.equal(byTaskId(queue.asked).length, 1);
      assertSameTasks(queue.asked);
      const [first = 0, second = 0, ...times] = queue.asked.map(({ at }) => at);
      assert.ok((times.at(-1) ?? 0) - (times.at(-2) ?? 0) > second - first);
      assert.equal((await hooks.listLastFires('g', 'h')).lastFires[0].firedBy, cause);
    });
  }
});

describe('a trigger under way', () => {
  // 11
  it('when the process is killed makes its task, and the last fires have it', async (t) => {
    const { start, queue, clock } = await createFakeWorld(t);
    const victim = await start();
    await victim.hooks.createHook('g', 'h', definition());
    queue.behave('unheard');
    const answer = victim.hooks.triggerHook('g', 'h', { a: 1 }).catch(() => {});
    await eventually('it is under way', () => queue.asked.length === 1);
    victim.kill();
    queue.behave('create');
    const { hooks } = await start();
    await passTimeUntil(clock, 'it is known', async () => {
      const { lastFires } = await hooks.listLastFires('g', 'h').catch(() => ({ lastFires: [] }));
      return lastFires.length === 1;
    });
    const { lastFires } = await hooks.listLastFires('g', 'h');
    assert.deepEqual([lastFires[0].taskId, lastFires[0].result], [[...queue.tasks.keys()][0], 'success']);
    assert.equal(queue.tasks.size, 1);
    await victim.stop();
    await answer;
  });

  it('when the server is told to end is answered, and its task is made by the next one', async (t) => {
    const { start, queue, clock } = await createFakeWorld(t);
    const ending = await start();
    await ending.hooks.createHook('g', 'h', definition());
    queue.behave('hang');
    const answer = ending.hooks.triggerHook('g', 'h', { a: 1 });
    await eventually('it is under way', () => queue.asked.length === 1);
    await ending.stop();
    const { taskId } = await answer;
    queue.behave('create');
    const { hooks } = await start();
    await passTimeUntil(clock, 'the task is made', () => queue.tasks.has(taskId));
    await eventually('it is known', async () => (await hooks.getHookStatus('g', 'h')).lastFire.taskId === taskId);
    assertSameTasks(queue.asked);
  });
});
