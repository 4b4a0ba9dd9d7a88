import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { eventually } from '../../../test/support/wait.ts';
import { statement } from '../../database/statement.ts';
import { meddle } from '../test-support/meddle.ts';
import { createWorld, ME, NAME, scheduledHook, type World } from '../test-support/world.ts';
import { scheduleTimer } from './hook-changes.ts';

const SECOND = 1_000;
const MINUTE = 60_000;
const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;
const iso = (ms: number) => new Date(ms).toISOString();
const markedHook = (mark: string, ...schedule: string[]) =>
  scheduledHook(schedule, { task: { mark, at: { $eval: 'now' } } });

const listAudit = statement<{ action: string }>('test.audit', 'select action from audit order by id');
const listStates = statement<unknown>('test.states', 'select * from hook_state');
const countBlocked = statement<{ count: number }>(
  'test.blocked',
  `select count(*)::int as count from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
);
const listCauses = statement<{ cause: string }>('test.causes', 'select cause from fires order by cause');

/** A world in which one hook is changed by somebody who takes no turns. */
const createChanges = async (t: TestContext) => {
  const world = await createWorld(t);
  const editor = await world.startServer({ isIdle: true });
  const uid = async () => (await editor.hooks.find(NAME))?.uid ?? assert.fail('there is no such hook');
  return {
    ...world,
    editor,
    uid,
    create: async (mark: string, ...schedule: string[]) => {
      await editor.changes.create(markedHook(mark, ...schedule), ME);
      return uid();
    },
    save: (mark: string, ...schedule: string[]) => editor.changes.update(NAME, () => markedHook(mark, ...schedule), ME),
    remove: () => editor.changes.remove(NAME, ME),
    nextDue: async () => editor.timers.dueOf(scheduleTimer({ uid: await uid() })),
    fired: () => firedIn(world),
  };
};

const firedIn = ({ queue }: World) =>
  [...queue.tasks.values()]
    .map((text) => JSON.parse(text) as { mark: string; at: string })
    .map(({ mark, at }) => `${mark} ${at.slice(11, 19)}`)
    .sort();

/** A server comes, does what there is to do, and goes. */
const serve = async ({ startServer, handleDue, clock, database }: World) => {
  const server = await startServer();
  await handleDue();
  while ((await database.query(listCauses)).length > 0) await clock.advance(SECOND);
  await server.runner.whenIdle();
  await server.stop();
};

describe('saving a hook', () => {
  it('that is due and was not handled yet lets it fire as it was', async (t) => {
    const world = await createChanges(t);
    const { clock, create, save, nextDue, fired, entries } = world;
    const start = clock.now();
    const uid = await create('old', '0 * * * * *');
    clock.jump(3 * MINUTE + 7);
    await save('new', '30 * * * * *');
    assert.equal(await nextDue(), start + 3 * MINUTE + 30 * SECOND);
    await serve(world);
    assert.deepEqual(fired(), ['old 12:03:00']);
    const missed = (await entries(uid)).find(({ outcome }) => outcome === 'missed');
    assert.deepEqual(missed?.detail, { first: iso(start + MINUTE), last: iso(start + 2 * MINUTE), count: 2 });
    clock.jump(30 * SECOND);
    await serve(world);
    assert.deepEqual(fired(), ['new 12:03:30', 'old 12:03:00']);
  });

  it('finds its next date anew, and none when the schedule is gone', async (t) => {
    const { clock, create, save, nextDue } = await createChanges(t);
    const start = clock.now();
    await create('a', '0 0 * * * *');
    assert.equal(await nextDue(), start + HOUR);
    await save('b', '0 * * * * *', '*/20 * * * * *');
    assert.equal(await nextDue(), start + 20 * SECOND);
    await save('c');
    assert.equal(await nextDue(), undefined);
    await save('d', '5 * * * * *');
    assert.equal(await nextDue(), start + 5 * SECOND);
  });

  it('loses nothing that comes due while it is being saved', async (t) => {
    const world = await createChanges(t);
    const { clock, database, create, save, startServer, fired } = world;
    await create('old', '* * * * * *');
    clock.jump(900);
    const slow = await startServer({ isIdle: true, database: meddle(database, () => clock.jump(300)) });
    await slow.changes.update(NAME, () => markedHook('new', '* * * * * *'), ME);
    await save('newest');
    await serve(world);
    const all = fired().map((one) => one.slice(-2));
    const missed = (await world.entries(await world.uid())).filter(({ outcome }) => outcome === 'missed');
    const counted = missed.reduce((sum, { detail }) => sum + (detail as { count: number }).count, 0);
    // By the last save all seconds up to then had come; each fired once, or was missed.
    const last = Math.max(...all.map(Number));
    assert.equal(all.length + counted, last, JSON.stringify([all, missed]));
    assert.ok(clock.now() - Date.UTC(2026, 10, 20, 12) >= last * SECOND);
  });

  it('does not make fire again what has fired, when the clock was set back', async (t) => {
    const world = await createChanges(t);
    const { clock, create, save, nextDue, fired } = world;
    const start = clock.now();
    await create('old', '0 * * * * *');
    clock.jump(10 * MINUTE);
    await serve(world);
    assert.deepEqual(fired(), ['old 12:10:00']);
    clock.jump(start + 5 * MINUTE - clock.now());
    await save('new', '*/30 * * * * *');
    assert.equal(await nextDue(), start + 10 * MINUTE + 30 * SECOND);
    clock.jump(5 * MINUTE + 30 * SECOND);
    await serve(world);
    assert.deepEqual(fired(), ['new 12:10:30', 'old 12:10:00']);
  });

  it('is the cure after a clock that was a year ahead; until then the hook is silent', async (t) => {
    const world = await createChanges(t);
    const { clock, create, save, nextDue, fired } = world;
    const start = clock.now();
    await create('old', '0 * * * * *');
    clock.jump(YEAR);
    await serve(world);
    assert.deepEqual(fired(), ['old 12:00:00']);
    clock.jump(start - clock.now());
    assert.ok(((await nextDue()) ?? 0) > start + YEAR);
    clock.jump(HOUR);
    await serve(world);
    assert.deepEqual(fired(), ['old 12:00:00']);
    await save('new', '0 * * * * *');
    assert.equal(await nextDue(), start + HOUR + MINUTE);
    clock.jump(MINUTE);
    await serve(world);
    assert.deepEqual(fired(), ['new 13:01:00', 'old 12:00:00']);
  });

  it('again and again, faster than it comes due, keeps its dates', async (t) => {
    const world = await createChanges(t);
    const { clock, create, save, fired, startServer, handleDue } = world;
    await create('0', '*/2 * * * * *');
    const server = await startServer();
    for (let edits = 1; edits <= 12; edits += 1) {
      clock.jump(500);
      await save(String(edits), '*/2 * * * * *');
    }
    await clock.advance(SECOND);
    await handleDue();
    await server.runner.whenIdle();
    const seconds = fired().map((one) => one.slice(-2));
    assert.deepEqual(seconds.toSorted().slice(0, 3), ['02', '04', '06']);
    assert.equal(new Set(seconds).size, seconds.length);
  });
});

describe('removing a hook', () => {
  it('that is due and was not handled yet lets it fire, and leaves nothing but the ledger', async (t) => {
    const world = await createChanges(t);
    const { clock, create, remove, fired, entries, database } = world;
    const uid = await create('gone', '0 * * * * *');
    clock.jump(2 * MINUTE);
    await remove();
    await serve(world);
    assert.deepEqual(fired(), ['gone 12:02:00']);
    assert.deepEqual(
      (await entries(uid)).map(({ outcome }) => outcome),
      ['missed', 'created'],
    );
    assert.deepEqual(await database.query(listStates), []);
    assert.deepEqual(
      (await database.query(listAudit)).map(({ action }) => action),
      ['created', 'removed'],
    );
  });

  it('that is not due ends it, and one made again under its name begins from that moment', async (t) => {
    const world = await createChanges(t);
    const { clock, create, remove, nextDue, fired } = world;
    const start = clock.now();
    await create('first', '0 * * * * *');
    clock.jump(20 * MINUTE);
    await serve(world);
    await remove();
    clock.jump(start - clock.now()); // as if it were another hook, which it is
    await create('second', '0 * * * * *');
    assert.equal(await nextDue(), start + MINUTE);
    clock.jump(MINUTE);
    await serve(world);
    assert.deepEqual(fired(), ['first 12:20:00', 'second 12:01:00']);
  });
});

describe('a change while a turn handles the hook', () => {
  for (const [what, change] of [
    ['saving', (world: Awaited<ReturnType<typeof createChanges>>) => world.save('new', '* * * * * *')],
    ['removing', (world: Awaited<ReturnType<typeof createChanges>>) => world.remove()],
    [
      'resetting the token of',
      (world: Awaited<ReturnType<typeof createChanges>>) => world.editor.changes.resetToken(NAME, ME),
    ],
  ] as const) {
    it(`(${what} it) takes nothing away from the turn`, async (t) => {
      const world = await createChanges(t);
      const { clock, database, create, startServer, handleDue, fired, entries } = world;
      const uid = await create('old', '0 * * * * *');
      clock.jump(3 * MINUTE);
      let changing: Promise<unknown> | undefined;
      const meddled = meddle(database, async (name) => {
        if (name !== 'hook-state.advance' || changing) return;
        let isOver = false;
        changing = change(world).finally(() => {
          isOver = true;
        });
        const isBlocked = async () => (await database.query(countBlocked))[0]?.count !== 0;
        await eventually('the change is over or waits for the turn', async () => isOver || isBlocked());
      });
      const server = await startServer({ database: meddled });
      await handleDue();
      await changing;
      await server.runner.whenIdle();
      assert.ok(changing && fired().includes('old 12:03:00'), String(fired()));
      const rows = (await entries(uid)).map(({ outcome, cause }) => `${outcome} ${cause?.slice(-13, -5)}`);
      assert.deepEqual(rows.slice(0, 2), ['missed 12:01:00', 'created 12:03:00']);
    });
  }
});
