import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { statement } from '../../database/statement.ts';
import type { CreateTaskAnswer, CreateTaskRequest, Queue } from '../../queue/queue.ts';
import type { HookDefinition } from '../definition.ts';
import { CREATED, FORBIDDEN, UNAVAILABLE } from '../test-support/fake-queue.ts';
import { heavy } from '../test-support/heavy-template.ts';
import { createInlinePool } from '../test-support/inline-pool.ts';
import { meddle } from '../test-support/meddle.ts';
import { createWorld, ME, NAME, type ServerOptions, scheduledHook } from '../test-support/world.ts';

const SECOND = 1_000;
const MINUTE = 60_000;
const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;
const iso = (ms: number) => new Date(ms).toISOString();

const listFires = statement<{ task: string | null; unrendered: unknown; arrived: number }>(
  'test.tick-fires',
  'select task::text as task, unrendered, arrived from fires',
);

const HEAVY = { list: heavy({ $map: [1, 2, 3], 'each(x)': { $eval: 'x * x' } }), at: { $eval: 'now' } };

/** A hook, and a server to come that finds `late` ms after it came due what is due. */
const createTick = async (t: TestContext, schedule: string, more: Partial<HookDefinition> = {}) => {
  const world = await createWorld(t);
  const { clock, queue } = world;
  const editor = await world.startServer({ isIdle: true });
  const start = clock.now();
  await editor.changes.create(scheduledHook([schedule], more), ME);
  const uid = (await editor.hooks.find(NAME))?.uid ?? assert.fail();
  const comeLate = async (ms: number, options: ServerOptions = {}) => {
    clock.jump(ms);
    const server = await world.startServer(options);
    await world.handleDue();
    await server.runner.whenIdle();
    return server;
  };
  const tasks = () => [...queue.tasks.values()].map((text) => JSON.parse(text) as { at: string; created: string });
  return { ...world, start, uid, comeLate, tasks };
};

describe('a hook that is due', () => {
  it('fires at its date: the date is its now and the creation of its task, whatever the clock says', async (t) => {
    const { start, uid, comeLate, tasks, entries, queue } = await createTick(t, '*/30 * * * * *');
    await comeLate(30 * SECOND + 17);
    const date = iso(start + 30 * SECOND);
    assert.deepEqual(
      tasks().map(({ at, created }) => [at, created]),
      [[date, date]],
    );
    const [row, ...others] = await entries(uid);
    assert.deepEqual(others, []);
    assert.deepEqual(
      [row?.outcome, row?.firedBy, row?.cause, row?.arrived, row?.taskId, row?.clientId],
      ['created', 'schedule', `schedule:${date}`, start + 30 * SECOND, [...queue.tasks.keys()][0], null],
    );
  });

  it('after a year without a server fires the latest of 31,536,000 occurrences, and one row says that at least 1,000 were missed', async (t) => {
    const { start, uid, comeLate, tasks, entries, queue } = await createTick(t, '* * * * * *');
    queue.behave(() => UNAVAILABLE);
    await comeLate(YEAR);
    assert.equal(queue.asked.things.length, 1);
    const missed = (await entries(uid)).filter(({ outcome }) => outcome === 'missed');
    assert.deepEqual(
      missed.map(({ cause, arrived, taskId, attempts, detail }) => ({ cause, arrived, taskId, attempts, detail })),
      [
        {
          cause: `missed:${iso(start + SECOND)}`,
          arrived: start + SECOND,
          taskId: null,
          attempts: 0,
          detail: { first: iso(start + SECOND), last: iso(start + YEAR - SECOND), count: 1_000, atLeast: true },
        },
      ],
    );
    assert.match(
      JSON.stringify(missed[0]?.error),
      /^\{"message":"At least 1,000 occurrences, from 2026-\S+ to 2027-\S+, passed/,
    );
    assert.deepEqual(tasks(), []);
  });

  it('with two occurrences behind it says of the missed one when it was', async (t) => {
    const { start, uid, comeLate, entries } = await createTick(t, '0 * * * * *');
    await comeLate(2 * MINUTE);
    const [missed] = await entries(uid);
    const date = iso(start + MINUTE);
    assert.deepEqual(missed?.detail, { first: date, last: date, count: 1 });
    assert.match(JSON.stringify(missed?.error), new RegExp(`The occurrence of ${date} passed`));
  });

  it('ten minutes late counts from its date, and a moment later from the moment at which it fires', async (t) => {
    for (const [late, expected] of [
      [10 * MINUTE, HOUR],
      [10 * MINUTE + 1, HOUR + 10 * MINUTE + 1],
    ] as const) {
      const { start, comeLate, tasks, entries, uid } = await createTick(t, '0 0 * * * *');
      await comeLate(HOUR + late);
      assert.deepEqual(
        tasks().map(({ at, created }) => [at, created]),
        [[iso(start + expected), iso(start + expected)]],
      );
      assert.equal((await entries(uid))[0]?.arrived, start + HOUR, 'the ledger has the date all the same');
    }
  });

  it('and late has until its deadline from the moment at which it fires', async (t) => {
    const task = { at: { $eval: 'now' }, deadline: { $fromNow: '5 minutes' } };
    const { uid, comeLate, tasks, entries } = await createTick(t, '0 0 * * * *', { task });
    await comeLate(HOUR + 30 * MINUTE);
    assert.equal(tasks().length, 1);
    assert.deepEqual(
      (await entries(uid)).map(({ outcome }) => outcome),
      ['created'],
    );
  });
});

/** A queue that lives in the database, as far as a tick sees it. */
const createTasksTogether = (answer: () => CreateTaskAnswer = () => CREATED) => {
  const made: CreateTaskRequest[] = [];
  const createTasksIn: Queue['createTasksIn'] = async (_tx, requests) => {
    const answers = requests.map(answer);
    made.push(...requests);
    return answers;
  };
  return { made, createTasksIn };
};

describe('a tick where the queue lives in the database', () => {
  it('is one commit: the occurrence, the next date, the task, the row of the ledger', async (t) => {
    const { start, comeLate, database, uid, entries, queue } = await createTick(t, '0 * * * * *');
    const statements: string[] = [];
    const { made, createTasksIn } = createTasksTogether();
    const counting = meddle(database, (name) => void statements.push(name));
    await comeLate(2 * MINUTE + 17, { createTasksIn, database: counting });
    assert.deepEqual(
      made.map(({ task, authorizedScopes }) => [(JSON.parse(task) as { at: string }).at, authorizedScopes]),
      [[iso(start + 2 * MINUTE), ['assume:hook-id:g/h']]],
    );
    const from = statements.lastIndexOf('timers.claim-due', statements.indexOf('hook-state.advance'));
    const turn = statements.slice(from).filter((name) => !/^ledger\.(?!insert)/.test(name)); // without the new month's partition
    assert.deepEqual(turn.slice(0, 5), [
      'timers.claim-due',
      'hooks.find-many',
      'hook-state.advance',
      'ledger.insert-with-payloads',
      'timers.move',
    ]);
    assert.ok(!turn.some((name) => name.startsWith('fires.')), String(turn));
    const [missed, row, ...others] = await entries(uid);
    assert.deepEqual(
      [missed?.outcome, row?.outcome, row?.taskId, row?.attempts],
      ['missed', 'created', made[0]?.taskId, 1],
    );
    assert.deepEqual([others, queue.asked.things.length], [[], 0]);
  });

  it('that is not committed has made nothing, and comes again', async (t) => {
    const { comeLate, database, uid, entries, clock } = await createTick(t, '0 * * * * *');
    let failures = 1;
    const failing = meddle(database, (name) => {
      if (name === 'timers.move' && failures-- > 0) throw new Error('the connection broke');
    });
    const { made, createTasksIn } = createTasksTogether();
    await comeLate(MINUTE, { createTasksIn, database: failing });
    while ((await entries(uid)).length === 0) await clock.advance(SECOND);
    const rows = await entries(uid);
    assert.deepEqual(
      rows.map(({ outcome, taskId }) => [outcome, taskId]),
      [['created', made.at(-1)?.taskId]],
    );
  });

  it('whose task cannot be created with it is stored, and attempted by itself', async (t) => {
    const { comeLate, uid, entries, clock, tasks } = await createTick(t, '0 0 * * * *');
    const { createTasksIn } = createTasksTogether(() => {
      throw new Error('a part of the queue is out of order');
    });
    const server = await comeLate(HOUR, { createTasksIn });
    while ((await entries(uid)).length === 0) await clock.advance(SECOND);
    await server.runner.whenIdle();
    assert.equal(tasks().length, 1);
    assert.deepEqual(
      (await entries(uid)).map(({ outcome, attempts }) => [outcome, attempts]),
      [['created', 1]],
    );
  });

  it('that the queue refuses has failed with the reason, and the owner is mailed', async (t) => {
    const { comeLate, uid, entries } = await createTick(t, '0 * * * * *');
    const { createTasksIn } = createTasksTogether(() => FORBIDDEN);
    const mailed: string[] = [];
    const enqueueMail: ServerOptions['enqueueMail'] = async (_tx, { mail }) => void mailed.push(mail.subject);
    await comeLate(MINUTE, { createTasksIn, enqueueMail });
    const [row, ...others] = await entries(uid);
    assert.deepEqual([row?.outcome, row?.attempts, others], ['failed', 1, []]);
    assert.match(JSON.stringify(row?.error), /the role of the hook has no scopes/);
    assert.deepEqual(mailed, ['Hook g/h made no task (failed)']);
  });

  it('with a heavy template is stored first', async (t) => {
    const { comeLate, uid, entries, tasks } = await createTick(t, '0 * * * * *', { task: HEAVY });
    const { made, createTasksIn } = createTasksTogether();
    await comeLate(MINUTE, { createTasksIn });
    assert.deepEqual([made.length, tasks().length], [0, 1]);
    assert.equal((await entries(uid))[0]?.outcome, 'created');
  });
});

describe('a heavy template', () => {
  it('is rendered after the fire is stored, with the moment of the fire', async (t) => {
    const { start, comeLate, tasks, queue, database } = await createTick(t, '0 * * * * *', { task: HEAVY });
    queue.behave(() => UNAVAILABLE);
    const server = await comeLate(MINUTE + 5);
    const [fire] = await database.query(listFires);
    assert.deepEqual([fire?.unrendered, fire?.arrived], [null, start + MINUTE]);
    assert.equal(fire?.task, queue.asked.things[0]?.task);
    const { list, at, taskGroupId } = JSON.parse(fire?.task ?? '');
    assert.deepEqual([list, at, taskGroupId], [[1, 4, 9], iso(start + MINUTE), queue.asked.things[0]?.taskId]);
    await server.stop();
    assert.equal(tasks().length, 0);
  });

  it('survives the crash of the server that was to render it', async (t) => {
    const { start, clock, comeLate, tasks, database, uid, entries, startServer } = await createTick(t, '0 1 * * * *', {
      task: HEAVY,
    });
    const rendering = Promise.withResolvers<void>();
    const pool = createInlinePool();
    const hanging = {
      ...pool,
      run: () => {
        rendering.resolve();
        return new Promise<never>(() => {});
      },
    };
    clock.jump(MINUTE);
    const first = await startServer({ pool: hanging });
    await rendering.promise;
    first.die();
    const [fire] = await database.query(listFires);
    assert.equal(fire?.task, null);
    assert.notEqual(fire?.unrendered, null);

    const second = await comeLate(0);
    for (let second = 0; second < 17; second += 1) await clock.advance(SECOND); // the lease of the dead one runs out
    while ((await database.query(listFires)).length > 0) await clock.advance(SECOND);
    await second.runner.whenIdle();
    assert.deepEqual(
      tasks().map(({ at }) => at),
      [iso(start + MINUTE)],
    );
    assert.deepEqual(
      (await entries(uid)).map(({ outcome, attempts }) => [outcome, attempts]),
      [['created', 1]],
    );
  });

  it('waits for a pool that is busy instead of giving up', async (t) => {
    let isBusy = true;
    const pool = createInlinePool(() => isBusy);
    const { clock, comeLate, tasks, database, uid, entries } = await createTick(t, '0 0 0 1 1 *', { task: HEAVY });
    const server = await comeLate(60 * 24 * HOUR, { pool });
    while ((await entries(uid)).length < 3) await clock.advance(SECOND);
    assert.deepEqual(tasks(), []);
    isBusy = false;
    while ((await database.query(listFires)).length > 0) await clock.advance(SECOND);
    await server.runner.whenIdle();
    assert.equal(tasks().length, 1);
    const rows = await entries(uid);
    assert.equal(rows.at(-1)?.outcome, 'created');
    assert.deepEqual(
      new Set(rows.slice(0, -1).map(({ kind, error }) => `${kind} ${JSON.stringify(error)}`)),
      new Set(['attempt {"message":"too many evaluations are waiting"}']),
    );
  });
});

describe('a template that the pool has no room for', () => {
  it('is exhausted at the deadline, and not tried for ever', async (t) => {
    const pool = createInlinePool(() => true);
    const { clock, comeLate, database, uid, entries } = await createTick(t, '0 0 0 1 1 *', { task: HEAVY });
    await comeLate(60 * 24 * HOUR, { pool });
    while ((await entries(uid)).length < 1) await clock.advance(SECOND);
    clock.jump(25 * HOUR);
    while ((await database.query(listFires)).length > 0) await clock.advance(SECOND);
    const rows = await entries(uid);
    assert.equal(rows.at(-1)?.outcome, 'exhausted');
    assert.deepEqual(new Set(rows.slice(0, -1).map(({ kind }) => kind)), new Set(['attempt']));
  });
});

describe('a scheduled fire without a task', () => {
  for (const [what, task, outcome, message] of [
    ['declines when its template renders to nothing', { $if: 'false', then: {} }, 'declined', /rendered to nothing/],
    ['fails when its template does', { a: { $eval: 'payload.x' } }, 'failed', /unknown context value payload/],
    ['fails when its template renders to no object', { $eval: '1' }, 'failed', /a task is an object/],
    ['fails when its heavy template does', heavy({ $reverse: 'no list' }), 'failed', /reverse/],
  ] as const) {
    it(what, async (t) => {
      const { comeLate, uid, entries, queue, database } = await createTick(t, '0 * * * * *', { task });
      await comeLate(MINUTE);
      const [row, ...others] = await entries(uid);
      assert.deepEqual(others, []);
      assert.deepEqual([row?.outcome, row?.firedBy, row?.attempts], [outcome, 'schedule', 0]);
      assert.match(JSON.stringify(row?.error), message);
      assert.equal(queue.asked.things.length, 0);
      assert.deepEqual(await database.query(listFires), []);
    });
  }
});
