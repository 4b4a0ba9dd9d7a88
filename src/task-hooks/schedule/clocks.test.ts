// Promise 3 under clocks that are wrong: an occurrence fires once, or is recorded as missed,
// whatever the clocks say. The judge of the cluster test says whether.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { judgeSchedules } from '../../../test/cluster/oracle/judge-schedules.ts';
import type { Row } from '../../../test/cluster/oracle/oracle.ts';
import { createWorld, ME, NAME, scheduledHook } from '../test-support/world.ts';

const SECOND = 1_000;
const MINUTE = 60_000;
const YEAR = 365 * 24 * 3_600_000;

const createClocks = async (t: TestContext) => {
  const world = await createWorld(t);
  const { clock, handleDue, startServer, queue, entries, living } = world;
  const editor = await startServer({ isIdle: true });
  const begun = clock.now();
  await editor.changes.create(scheduledHook(['* * * * * *']), ME);
  const uid = (await editor.hooks.find(NAME))?.uid ?? assert.fail();
  const rows = async (): Promise<Row[]> => {
    await Promise.all(living().map(({ runner }) => runner.whenIdle()));
    return (await entries(uid)).map((entry) => ({
      ...{ hookId: 'h', firedBy: 'schedule', outcome: entry.outcome ?? '', taskId: entry.taskId },
      ...{ cause: entry.cause ?? '', arrived: entry.arrived, error: entry.error, detail: entry.detail },
    }));
  };
  return {
    ...world,
    begun,
    rows,
    /** Time passes a second at a time, and what is due is handled. */
    pass: async (seconds: number) => {
      for (let second = 0; second < seconds; second += 1) {
        await clock.advance(SECOND);
        await handleDue();
      }
    },
    /**
     * Every second from the beginning to `until` is there once, and none after `latest`; every fire
     * has a task of its own.
     */
    judge: async (until: number, latest = until) => {
      const all = await rows();
      const schedule = { hookId: 'h', begun: { from: begun, to: begun }, ended: { from: until, to: latest } };
      const events = { calls: [], messages: [], schedules: [schedule], changes: [], told: [] };
      assert.deepEqual(judgeSchedules({ events, tasks: [], ledger: all, tells: false }), []);
      const created = all.filter(({ outcome }) => outcome === 'created').map(({ taskId }) => taskId);
      assert.deepEqual(created.toSorted(), [...queue.tasks.keys()].toSorted());
      return all;
    },
  };
};

describe('an occurrence fires once, and none is lost,', () => {
  it('when the clock of every process is set backwards by a minute', async (t) => {
    const { clock, startServer, pass, judge, rows } = await createClocks(t);
    await startServer();
    await startServer();
    await pass(10);
    const latest = clock.now();
    const before = (await judge(latest)).length;
    clock.jump(-MINUTE);
    await pass(30);
    assert.equal((await rows()).length, before, 'the minute comes once more, and its seconds do not');
    await pass(45);
    assert.equal(clock.now(), latest + 15 * SECOND);
    assert.ok((await judge(clock.now())).length > before);
  });

  it('when the clock of one process is a minute behind, and that one goes on alone', async (t) => {
    const { clock, startServer, pass, judge } = await createClocks(t);
    const right = await startServer();
    await startServer({ ahead: -MINUTE });
    await pass(10);
    const handled = clock.now();
    await judge(handled);
    right.die();
    await pass(30);
    await judge(handled); // its clock has not come so far yet
    await pass(45);
    await judge(clock.now() - MINUTE);
  });

  it('when the clock is set forwards by a year: a row says which were missed; set back, nothing fires twice', async (t) => {
    const { clock, startServer, pass, judge, rows } = await createClocks(t);
    await startServer();
    await startServer();
    await pass(5);
    clock.jump(YEAR);
    await pass(5);
    const ahead = clock.now();
    const all = await judge(ahead);
    const missed = all.find(({ outcome, detail }) => outcome === 'missed' && detail.count === 1_000)?.detail;
    assert.ok(missed && Date.parse(missed.last) - Date.parse(missed.first) > YEAR - MINUTE, 'most of the year');
    clock.jump(-YEAR);
    await pass(30);
    assert.equal((await rows()).length, all.length, 'all seconds up to then are accounted for');
    clock.jump(YEAR);
    await pass(5);
    await judge(clock.now());
  });

  it('when the clock of one process is a year ahead, and that one goes on alone', async (t) => {
    const { clock, startServer, pass, judge } = await createClocks(t);
    const right = await startServer();
    await pass(5);
    await startServer({ ahead: YEAR });
    await pass(5);
    await right.runner.whenIdle(); // for the other one, what it leaves under way is past its deadline
    right.die();
    await pass(5);
    await judge(clock.now() + YEAR);
  });

  it('when the clocks of two processes disagree by five seconds, and each dies in turn', async (t) => {
    const { clock, startServer, pass, judge, handleDue } = await createClocks(t);
    let behind = await startServer();
    let ahead = await startServer({ ahead: 5 * SECOND });
    for (let round = 0; round < 3; round += 1) {
      await pass(4);
      ahead.die();
      await pass(8); // the other one has nothing to do for five seconds
      ahead = await startServer({ ahead: 5 * SECOND });
      await pass(3);
      behind.die();
      await pass(3);
      behind = await startServer();
    }
    await handleDue();
    // What a dead process held is leased to it for 15 s.
    await pass(20);
    const all = await judge(clock.now() + 5 * SECOND);
    assert.ok(all.filter(({ outcome }) => outcome === 'created').length > 30);
  });
});
