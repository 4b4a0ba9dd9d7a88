import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { statement } from '../../database/statement.ts';
import { SCHEDULE_TIMER } from '../api/hook-changes.ts';
import { CREATED, type Decision, FORBIDDEN, REFUSED, UNAVAILABLE } from '../test-support/fake-queue.ts';
import { meddle } from '../test-support/meddle.ts';
import { createWorld, ME, type Server, scheduledHook } from '../test-support/world.ts';
import { createScheduleHandler } from './schedule-handler.ts';

const SECOND = 1_000;
const MINUTE = 60_000;
const HOUR = 3_600_000;

const countFires = statement<{ count: number }>('test.count', 'select count(*)::int as count from fires');

const createSchedules = async (t: TestContext) => {
  const world = await createWorld(t);
  const { clock, database, handleDue, queue, startServer, living } = world;
  const editor = await startServer({ isIdle: true });
  return {
    ...world,
    editor,
    start: clock.now(),
    create: async (hookId: string, schedule: string, task: object = { hookId, at: { $eval: 'now' } }) => {
      await editor.changes.create(scheduledHook([schedule], { hookId, task }), ME);
      return (await editor.hooks.find({ hookGroupId: 'g', hookId }))?.uid ?? assert.fail();
    },
    /** Time passes a second at a time, and what is due is handled. */
    pass: async (seconds: number) => {
      for (let second = 0; second < seconds; second += 1) {
        await clock.advance(SECOND);
        await handleDue();
      }
    },
    /** Time passes until no fire is left. */
    finish: async () => {
      while ((await database.query(countFires))[0]?.count !== 0) {
        await clock.advance(SECOND);
        await handleDue();
      }
      await Promise.all(living().map(({ runner }) => runner.whenIdle()));
    },
    firedOf: (hookId: string) =>
      [...queue.tasks.values()]
        .map((text) => JSON.parse(text) as { hookId: string; at: string })
        .filter((task) => task.hookId === hookId)
        .map(({ at }) => at.slice(11, 19))
        .sort(),
  };
};

describe('hooks with schedules', () => {
  it('fire each at each of their dates, whatever the number of servers and whatever their clocks', async (t) => {
    const { create, startServer, pass, finish, firedOf } = await createSchedules(t);
    await create('a', '*/2 * * * * *');
    await create('b', '1,5 * * * * *');
    const servers: Server[] = [];
    for (const ahead of [0, 5_000, -5_000]) servers.push(await startServer({ ahead }));
    await pass(10);
    await finish();
    await Promise.all(servers.map(({ stop }) => stop()));
    // Its clock says 12:00:05 when the second one comes, which finds two dates behind.
    const dates = ['12:00:04', '12:00:06', '12:00:08', '12:00:10', '12:00:12', '12:00:14'];
    assert.deepEqual(firedOf('a').slice(0, dates.length), dates);
    assert.equal(firedOf('b').at(-1), '12:00:05');
  });

  it('lose no date that comes while a turn is under way', async (t) => {
    const { create, startServer, database, clock, handleDue, finish, firedOf, entries } = await createSchedules(t);
    const uid = await create('a', '* * * * * *');
    let slowStatements = 40;
    const slow = meddle(database, () => {
      if (slowStatements-- > 0) clock.jump(400);
    });
    clock.jump(SECOND);
    await startServer({ database: slow });
    await handleDue();
    await finish();
    const missed = (await entries(uid)).filter(({ outcome }) => outcome === 'missed');
    const counted = missed.reduce((sum, { detail }) => sum + (detail as { count: number }).count, 0);
    const last = Number(firedOf('a').at(-1)?.slice(-2));
    assert.ok(last >= 5);
    assert.equal(firedOf('a').length + counted, last, String(firedOf('a')));
  });

  it('that go while they are due elsewhere leave nothing behind', async (t) => {
    const { create, editor, startServer, clock, handleDue, entries, queue } = await createSchedules(t);
    const uid = await create('a', '0 * * * * *');
    await editor.changes.remove({ hookGroupId: 'g', hookId: 'a' }, ME);
    clock.jump(HOUR);
    await startServer();
    await handleDue();
    assert.deepEqual(await entries(uid), []);
    assert.equal(queue.asked.things.length, 0);
  });
});

describe('a scheduled fire that the queue does not take', () => {
  for (const [what, trouble, said] of [
    ['503', UNAVAILABLE, /the queue answered 503/],
    ['refuses connections', REFUSED, /ECONNREFUSED/],
    ['says nothing', 'hang', /did not answer within 30 s/],
    ['makes the task, and the answer is lost', 'created, unheard', /connection broke/],
  ] as const) {
    it(`(${what}) for ten minutes becomes one task, under its first taskId, when the queue is back`, async (t) => {
      const { create, startServer, pass, finish, queue, entries } = await createSchedules(t);
      let decision: Decision = trouble;
      queue.behave(() => decision);
      const uid = await create('a', '10 0 12 * * *');
      await startServer();
      await pass(600);
      const tries = queue.asked.things.length;
      assert.ok(tries >= 5, `${tries} tries`);
      decision = CREATED;
      await finish();
      assert.equal(queue.tasks.size, 1);
      assert.equal(new Set(queue.asked.things.map(({ taskId, task }) => `${taskId} ${task}`)).size, 1);
      const rows = await entries(uid);
      const made = queue.asked.things.length;
      assert.ok(made > tries);
      assert.deepEqual(
        rows.map(({ kind, outcome, attempts, taskId }) => [kind, outcome, attempts, taskId]),
        Array.from({ length: made }, (_, index) => [
          index === made - 1 ? 'fire' : 'attempt',
          index === made - 1 ? 'created' : null,
          index + 1,
          [...queue.tasks.keys()][0],
        ]),
      );
      for (const { error } of rows.slice(0, -1)) assert.match(JSON.stringify(error), said);
    });
  }

  it('is exhausted when its deadline comes, and nothing asks for it afterwards', async (t) => {
    const { create, startServer, pass, finish, queue, entries, start } = await createSchedules(t);
    queue.behave(() => UNAVAILABLE);
    const task = { at: { $eval: 'now' }, deadline: { $fromNow: '2 minutes' } };
    const uid = await create('a', '30 0 12 * * *', task);
    await startServer();
    await pass(40);
    await finish();
    const asked = queue.asked.things.length;
    assert.ok(queue.asked.things.every(({ at }) => at < start + 30 * SECOND + 2 * MINUTE));
    const rows = await entries(uid);
    assert.deepEqual([rows.at(-1)?.outcome, rows.at(-1)?.attempts, rows.length], ['exhausted', asked, asked + 1]);
    queue.behave(() => CREATED);
    await pass(60);
    assert.deepEqual([queue.asked.things.length, queue.tasks.size], [asked, 0]);
  });

  it('because it may not has failed at once, and the next one is tried all the same', async (t) => {
    const { create, startServer, pass, finish, queue, entries } = await createSchedules(t);
    queue.behave(() => FORBIDDEN);
    const uid = await create('a', '*/5 * * * * *');
    await startServer();
    await pass(6);
    queue.behave(() => CREATED);
    await pass(5);
    await finish();
    const rows = await entries(uid); // more of them, where the clock outran the database
    assert.deepEqual(
      rows.slice(0, 2).map(({ outcome, attempts }) => [outcome, attempts]),
      [
        ['failed', 1],
        ['created', 1],
      ],
    );
    assert.deepEqual(rows[0]?.error, {
      name: 'Error',
      message: 'the role of the hook has no scopes',
      code: 'InsufficientScopes',
      statusCode: 403,
    });
  });
});

describe('a hook whose tasks hang', () => {
  it('does not hold up those of another', async (t) => {
    const { create, startServer, pass, queue, firedOf } = await createSchedules(t);
    queue.behave(({ task }) => (task.includes('"slow"') ? 'hang' : CREATED));
    await create('slow', '* * * * * *');
    await create('quick', '*/5 * * * * *');
    await startServer();
    await pass(70);
    assert.ok(queue.asked.things.filter(({ task }) => task.includes('"slow"')).length > 60);
    assert.deepEqual(firedOf('slow'), []);
    const quick = queue.asked.things.filter(({ task }) => task.includes('"quick"'));
    assert.equal(quick.length, 14);
    for (const { at, task } of quick) {
      const due = Date.parse((JSON.parse(task) as { at: string }).at);
      assert.ok(at - due < 2 * SECOND, `${at - due} ms late`);
    }
  });
});

describe('a server that has no room for more fires', () => {
  it('stores what is due for whoever has; and a timer that is handled twice fires once', async (t) => {
    const { create, clock, database, editor, queue, startServer, handleDue, finish, firedOf, start } =
      await createSchedules(t);
    const uid = await create('a', '0 * * * * *');
    clock.jump(MINUTE);
    const { hooks, ticks } = editor;
    const full = { hasRoom: () => false };
    const cache = { getMany: async () => new Map<string, never>() };
    const handle = createScheduleHandler({ hooks, cache, ticks, runner: full, clock });
    const timer = { kind: SCHEDULE_TIMER, key: uid, due: start + MINUTE, data: null, attempts: 0 };
    const [answer, ...others] = await database.transaction((tx) => handle(tx, [timer], false));
    assert.deepEqual([answer?.next, others], [start + 2 * MINUTE, []]);
    void answer?.afterCommit?.();
    assert.equal(queue.asked.things.length, 0);
    await startServer(); // the timer itself was not moved: as if two had claimed it after each other
    await handleDue();
    await finish();
    assert.deepEqual(firedOf('a'), ['12:01:00']);
    await database.transaction((tx) => handle(tx, [timer], false)); // and once more, after the fire has ended
    await finish();
    assert.deepEqual(firedOf('a'), ['12:01:00']);
  });
});
