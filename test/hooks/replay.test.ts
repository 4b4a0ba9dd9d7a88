// Events of the ledger come again: one, or many, each once.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { newUuid } from '../../src/core/ids.ts';
import { statement } from '../../src/database/statement.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { eventually } from '../support/wait.ts';
import { bindingTo, definition, parsed, passTimeUntil } from './support/definitions.ts';
import { createWorld, type Server, type ServerOptions } from './support/world.ts';

const API = '/api/hooks/v1';
const lockLedger = statement('test.lock-ledger', 'lock table ledger in access exclusive mode');

// biome-ignore lint/suspicious/noExplicitAny: answers are what the test says they are.
type Answer = any;

const post = async (server: Server, path: string, body: object, method = 'POST') => {
  const { status, json } = await server.send(`${API}${path}`, {
    method,
    ...(method === 'POST' && { body: JSON.stringify(body) }),
  });
  return { status, json: json as Answer };
};
const done = async (server: Server, path: string, body: object, method = 'POST'): Promise<Answer> => {
  const { status, json } = await post(server, path, body, method);
  assert.equal(status, 200, JSON.stringify(json));
  return json;
};
const jobOf = (server: Server, id: string, method = 'GET') => done(server, `/replays/${id}`, {}, method);

const start = async (t: TestContext, more: object = {}, options: ServerOptions = {}) => {
  const world = await createWorld(t);
  const server = await world.start(options);
  await server.hooks.createHook('g', 'h', definition(more));
  /** The fires of all hooks, oldest first. */
  const fires = async (query = ''): Promise<Answer[]> =>
    (await server.send(`${API}/fires?kind=fire${query}`)).json.fires.toReversed();
  const lastFire = async () => (await fires()).at(-1);
  return { world, server, fires, lastFire, said: () => parsed(world.queue.tasks).map(({ payload }) => payload.said) };
};

describe('replayFire', () => {
  it('makes a new fire of the kept event, and leaves the old one as it is', async (t) => {
    const { server, fires, said } = await start(t);
    await server.hooks.triggerHook('g', 'h', { n: 1 });
    const [first] = await fires();
    const again = await done(server, `/fires/${first.seq}/replay`, {});
    assert.deepEqual([again.outcome, again.cause], ['created', `replay:${first.seq}:1`]);
    assert.notEqual(again.taskId, first.taskId);
    assert.equal((await done(server, `/fires/${first.seq}/replay`, {})).cause, `replay:${first.seq}:2`);
    const [old, ...others] = await fires();
    assert.deepEqual(old, first);
    assert.deepEqual(
      others.map(({ cause, firedBy, taskId, outcome }) => [
        cause.split(':')[2],
        firedBy,
        taskId === again.taskId,
        outcome,
      ]),
      [
        ['1', 'triggerHook', true, 'created'],
        ['2', 'triggerHook', false, 'created'],
      ],
    );
    assert.deepEqual(said(), [{ n: 1 }, { n: 1 }, { n: 1 }]);
  });

  it('with a replayId is once, however often the call is sent', async (t) => {
    const { server, fires, world } = await start(t);
    await server.hooks.triggerHook('g', 'h', { n: 1 });
    await server.hooks.triggerHook('g', 'h', { n: 2 });
    const [first, second] = await fires();
    const asked = { replayId: newUuid() };
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => done(server, `/fires/${first.seq}/replay`, asked)),
    );
    answers.push(await done(server, `/fires/${first.seq}/replay`, asked));
    assert.equal(new Set(answers.map(({ taskId }) => taskId)).size, 1);
    assert.equal(world.queue.tasks.size, 3);
    const other = await post(server, `/fires/${second.seq}/replay`, asked);
    assert.deepEqual([other.status, other.json.code], [409, 'RequestConflict']);
    assert.equal((await post(server, `/fires/${first.seq}/replay`, { replayId: 'x' })).status, 400);
  });

  it('with a replayId goes on where a process was killed', async (t) => {
    const { world } = await start(t);
    const victims: Server[] = [];
    for (const at of ['replays.insert-once', 'payloads.find', 'replays.begin', 'commit']) {
      let isArmed = false;
      const victim = await world.start({
        onStatement: (name) => {
          if (!isArmed || name !== at) return;
          victim.kill();
          throw new Error('this process was killed');
        },
      });
      victims.push(victim);
      await victim.hooks.triggerHook('g', 'h', { at });
      const row = await eventually('it is recorded', async () => {
        const rows = await world.rows(`select seq from ledger where cause not like 'replay:%' order by arrived desc`);
        return rows.length === victims.length && rows[0];
      });
      const asked = { replayId: newUuid() };
      isArmed = true;
      assert.equal((await post(victim, `/fires/${row.seq}/replay`, asked)).status, 500, at);
      const next = await world.start();
      const { taskId } = await done(next, `/fires/${row.seq}/replay`, asked);
      assert.equal((await done(next, `/fires/${row.seq}/replay`, asked)).taskId, taskId);
      const replays = await world.rows(`select 1 from replays where seq = $1 and outcome is not null`, [row.seq]);
      assert.equal(replays.length, 1);
    }
    assert.equal(world.queue.tasks.size, 2 * victims.length);
  });

  it('can come again itself', async (t) => {
    const { server, fires, lastFire } = await start(t);
    await server.hooks.triggerHook('g', 'h', { n: 1 });
    await done(server, `/fires/${(await lastFire()).seq}/replay`, {});
    const { seq } = await lastFire();
    const { cause } = await done(server, `/fires/${seq}/replay`, {});
    assert.equal(cause, `replay:${seq}:1`);
    assert.equal((await fires()).length, 3);
  });

  it('meets the hook as it is, or as it was', async (t) => {
    const { server, lastFire, said } = await start(t);
    await server.hooks.triggerHook('g', 'h', { n: 1 });
    const { seq } = await lastFire();
    await server.hooks.updateHook('g', 'h', definition({ task: { payload: { said: 'changed' } } }));
    await done(server, `/fires/${seq}/replay`, { as: 'now' });
    await done(server, `/fires/${seq}/replay`, { as: 'then' });
    assert.deepEqual(said(), [{ n: 1 }, 'changed', { n: 1 }]);
  });

  it('may end otherwise than the first time, and says why', async (t) => {
    const { server, world, lastFire } = await start(t);
    await server.hooks.triggerHook('g', 'h', { n: 1 });
    const { seq } = await lastFire();
    const endings = [
      [{ triggerSchema: { type: 'object', required: ['m'] } }, 'rejected', /must have required property 'm'/],
      [{ task: { $eval: 'nothing' } }, 'failed', /nothing/],
      [{ task: { $if: 'false', then: {} } }, 'declined', /rendered to nothing/],
    ] as const;
    for (const [more, outcome, reason] of endings) {
      await server.hooks.updateHook('g', 'h', definition(more));
      const answer = await done(server, `/fires/${seq}/replay`, {});
      assert.equal(answer.outcome, outcome);
      assert.match(answer.reason, reason);
      assert.equal((await lastFire()).outcome, outcome);
    }
    await server.hooks.updateHook('g', 'h', definition());
    world.queue.behave({ kind: 'refused', statusCode: 400, code: 'InputError', message: 'not like this' });
    const refused = await done(server, `/fires/${seq}/replay`, {});
    assert.deepEqual([refused.outcome, refused.reason], ['failed', 'not like this']);
  });

  it('of a taskId of the caller’s choice makes another task', async (t) => {
    const { server, lastFire } = await start(t);
    const taskId = 'Wh8Rj3SHSoqIqHqrvYk0ew';
    await server.hooks.triggerHook('g', 'h', { taskId });
    const answer = await done(server, `/fires/${(await lastFire()).seq}/replay`, {});
    assert.equal(answer.outcome, 'created');
    assert.notEqual(answer.taskId, taskId);
  });

  it('repeats messages and ticks, too', async (t) => {
    const clock = createFakeClock();
    const world = await createWorld(t, { clock });
    const server = await world.start();
    await server.hooks.createHook('g', 'h', definition({ ...bindingTo('exchange/x'), schedule: ['0 0 13 * * *'] }));
    await world.publish('exchange/x', 'a', { n: 1 });
    await passTimeUntil(clock, 'both fire', () => world.queue.tasks.size === 2, 600_000);
    const { fires } = (await server.send(`${API}/fires?kind=fire`)).json;
    for (const { seq } of fires) await done(server, `/fires/${seq}/replay`, {});
    const after = (await server.send(`${API}/fires?kind=fire`)).json.fires as Answer[];
    assert.deepEqual(after.map(({ firedBy }) => firedBy).sort(), [
      'pulseMessage',
      'pulseMessage',
      'schedule',
      'schedule',
    ]);
    const said = parsed(world.queue.tasks).map(({ payload }) => payload.said);
    assert.deepEqual(said.filter(Boolean), [{ n: 1 }, { n: 1 }]);
    assert.equal(said.length, 4);
  });

  it('is refused with the reason where the event cannot come again', async (t) => {
    const { server, lastFire } = await start(t);
    const unknown = await post(server, '/fires/999/replay', {});
    assert.deepEqual([unknown.status, unknown.json.code], [404, 'ResourceNotFound']);
    await server.hooks.triggerHook('g', 'h', { text: 'x'.repeat(300_000) });
    const { seq } = await lastFire();
    const cut = await post(server, `/fires/${seq}/replay`, {});
    assert.equal(cut.status, 400);
    assert.match(cut.json.message, /only the beginning is kept/);
    const wrong = await post(server, `/fires/${seq}/replay`, { as: 'never' });
    assert.deepEqual([wrong.status, wrong.json.code], [400, 'InputValidationError']);
    await server.hooks.removeHook('g', 'h');
    const gone = await post(server, `/fires/${seq}/replay`, {});
    assert.match(gone.json.message, /The hook g\/h is gone/);
  });

  it('takes the scopes to trigger the hook and to read its payloads, and tells nobody else of it', async (t) => {
    let scopes: readonly string[] = ['*'];
    const { server, lastFire } = await start(t, {}, { scopes: () => scopes });
    await server.hooks.triggerHook('g', 'h', { n: 1 });
    const { seq } = await lastFire();
    const needed = ['hooks:trigger-hook:g/h', 'hooks:get-payload:g/h'];
    const statusWith = async (...held: string[]) => {
      scopes = held;
      return (await post(server, `/fires/${seq}/replay`, {})).status;
    };
    assert.equal(await statusWith(...needed), 200);
    for (const scope of needed) {
      assert.equal(await statusWith(scope), 404);
      assert.equal(await statusWith(scope, 'hooks:list-last-fires:g/h'), 403);
    }
    assert.equal(await statusWith(), 404);
  });
});

describe('replayFires', () => {
  const triggerMany = async (server: Server, count: number) => {
    await Promise.all(Array.from({ length: count }, (_, n) => server.hooks.triggerHook('g', 'h', { n })));
  };

  it('is told of words that no row can have, as a search is', async (t) => {
    const { server } = await start(t);
    for (const name of ['firedBy', 'clientId', 'taskId', 'cause', 'requestId']) {
      for (const text of ['a\0', 'ü', ''])
        assert.equal((await post(server, '/fires/replay', { [name]: text })).status, 400);
    }
    assert.equal((await post(server, '/fires/replay', { since: '0000-01-01T00:00:00Z' })).status, 400);
  });

  it('looks for the events of a few callers at a time, before it is known whether they may replay them', async (t) => {
    const { server, world } = await start(t);
    const ask = () => post(server, '/fires/replay', {});
    const asked = await world.database.transaction(async (tx) => {
      await tx.query(lockLedger); // so that those who look go on looking
      const all = [ask(), ask(), ask()];
      assert.equal((await Promise.race(all)).status, 429);
      return { all };
    });
    const statuses = (await Promise.all(asked.all)).map(({ status }) => status);
    assert.deepEqual(statuses.sort(), [200, 200, 429]);
    assert.equal((await ask()).status, 200);
  });

  it('says first how many events come again, and fires them when that count is given', async (t) => {
    const { server, said, fires } = await start(t);
    await triggerMany(server, 12);
    await server.hooks.createHook('g', 'other', definition());
    await server.hooks.triggerHook('g', 'other', {});
    const preview = await done(server, '/fires/replay', { hook: 'g/h', rate: 1_000 });
    assert.equal(preview.isStarted, false);
    assert.deepEqual([preview.count, preview.hooks], [12, [{ hookGroupId: 'g', hookId: 'h', count: 12 }]]);
    assert.equal((await fires()).length, 13);
    const { jobId } = preview;
    const wrong = await post(server, '/fires/replay', { hook: 'g/h', rate: 1_000, count: 11, jobId });
    assert.deepEqual([wrong.status, wrong.json.code], [409, 'RequestConflict']);
    const begin = { hook: 'g/h', rate: 1_000, count: 12, jobId };
    assert.equal((await done(server, '/fires/replay', begin)).isStarted, true);
    await eventually('all come again', async () => (await jobOf(server, jobId)).state === 'done');
    assert.equal((await done(server, '/fires/replay', begin)).isStarted, true); // the same call again starts nothing
    await eventually('the tasks are there', () => said().length === 25);
    const status = await jobOf(server, jobId);
    assert.deepEqual([status.total, status.done, status.clientId], [12, 12, 'tester']);
    const ofJob = await fires(`&requestId=${jobId}`);
    assert.equal(new Set(ofJob.map(({ cause }) => cause)).size, 12);
    assert.deepEqual(
      said()
        .slice(13)
        .map(({ n }) => n)
        .sort((a, b) => a - b),
      Array.from({ length: 12 }, (_, n) => n),
    );
  });

  it('fires so many a second', async (t) => {
    const clock = createFakeClock();
    const world = await createWorld(t, { clock });
    const server = await world.start();
    await server.hooks.createHook('g', 'h', definition());
    await triggerMany(server, 8);
    const { jobId } = await done(server, '/fires/replay', { rate: 2 });
    await done(server, '/fires/replay', { rate: 2, count: 8, jobId });
    const times: number[] = [];
    const began = clock.now();
    await passTimeUntil(
      clock,
      'all come again',
      async () => {
        const { done: count } = await jobOf(server, jobId);
        while (times.length < count) times.push(clock.now() - began);
        return count === 8;
      },
      100,
    );
    assert.ok((times[7] as number) >= 3_500, `the last one after ${times[7]} ms`);
  });

  it('is stopped by who cancels it, and says how far it came', async (t) => {
    const clock = createFakeClock();
    const world = await createWorld(t, { clock });
    const server = await world.start();
    await server.hooks.createHook('g', 'h', definition());
    await triggerMany(server, 5);
    const { jobId } = await done(server, '/fires/replay', { rate: 1 });
    await done(server, '/fires/replay', { rate: 1, count: 5, jobId });
    await passTimeUntil(clock, 'two come again', async () => (await jobOf(server, jobId)).done >= 2, 250);
    const cancelled = await jobOf(server, jobId, 'DELETE');
    assert.deepEqual([cancelled.state, cancelled.cancelledBy], ['cancelled', 'tester']);
    await clock.advance(10_000);
    const after = await jobOf(server, jobId);
    assert.equal(after.done, cancelled.done);
    assert.ok(after.done < 5);
  });

  it('goes on after a kill, and ends with exactly one fire of each event', async (t) => {
    const world = await createWorld(t);
    let victim: Server | undefined;
    let statements = 0;
    const killAt = [3, 9, 20, 41, 70];
    const startOne = () =>
      world.start({
        onStatement: () => {
          if (!victim) return;
          statements += 1;
          if (statements !== killAt[0]) return;
          killAt.shift();
          statements = 0;
          victim.kill();
          throw new Error('this process was killed');
        },
      });
    const first = await startOne();
    await first.hooks.createHook('g', 'h', definition());
    await triggerMany(first, 40);
    const { jobId, count } = await done(first, '/fires/replay', { rate: 100 });
    await done(first, '/fires/replay', { rate: 100, count, jobId });
    victim = first;
    const kills = killAt.length;
    for (let n = 0; n < kills; n += 1) {
      const left = kills - n;
      await eventually('it is killed', () => killAt.length < left);
      victim = undefined;
      victim = await startOne();
    }
    const observer = victim;
    victim = undefined;
    await eventually('all come again', async () => (await jobOf(observer, jobId)).state === 'done', 60_000);
    const causes = await eventually(
      'all are finished',
      async () => {
        const rows = await world.rows(`select cause from ledger where cause like 'replay:%' and kind = 'fire'`);
        return rows.length >= 40 && rows.map(({ cause }) => cause);
      },
      60_000,
    );
    assert.equal(causes.length, 40);
    assert.equal(new Set(causes).size, 40);
    assert.equal(world.queue.tasks.size, 80);
  });

  it('records which events could not come again, and why', async (t) => {
    const { server } = await start(t);
    await triggerMany(server, 2);
    await server.hooks.triggerHook('g', 'h', { text: 'x'.repeat(300_000) });
    const { jobId, count } = await done(server, '/fires/replay', { rate: 1_000 });
    await done(server, '/fires/replay', { rate: 1_000, count, jobId });
    const status = await eventually('it is done', async () => {
      const now = await jobOf(server, jobId);
      return now.state === 'done' && now;
    });
    assert.equal(status.outcomes['not replayed'], 1);
    assert.match(status.notReplayed[0].reason, /only the beginning is kept/);
  });

  it('takes the scopes of all hooks whose events come again', async (t) => {
    let scopes: readonly string[] = ['*'];
    const { server } = await start(t, {}, { scopes: () => scopes });
    await server.hooks.createHook('g', 'other', definition());
    await server.hooks.triggerHook('g', 'h', {});
    await server.hooks.triggerHook('g', 'other', {});
    const all = ['g/h', 'g/other'].flatMap((name) => [
      `hooks:list-last-fires:${name}`,
      `hooks:trigger-hook:${name}`,
      `hooks:get-payload:${name}`,
    ]);
    scopes = all;
    assert.equal((await done(server, '/fires/replay', {})).count, 2);
    for (const scope of all.filter((one) => !one.includes('list'))) {
      scopes = all.filter((one) => one !== scope);
      assert.equal((await post(server, '/fires/replay', {})).status, 403);
    }
    scopes = all.slice(0, 3); // of what they may not see they hear nothing, not even how many there are
    assert.equal((await done(server, '/fires/replay', {})).count, 1);
    scopes = [];
    assert.equal((await post(server, '/fires/replay', {})).status, 403);
  });

  it('is told of to who started it, and to who may see replays', async (t) => {
    const { server } = await start(t);
    const { status, json } = await post(server, `/replays/${newUuid()}`, {}, 'GET');
    assert.deepEqual([status, json.code], [404, 'ResourceNotFound']);
    const cancelled = await post(server, `/replays/${newUuid()}`, {}, 'DELETE');
    assert.equal(cancelled.status, 404);
  });

  it('is refused for what is no filter', async (t) => {
    const { server } = await start(t);
    for (const wrong of [
      { hook: 'g h' },
      { outcome: [] },
      { outcome: ['no'] },
      { rate: 0 },
      { rate: 1e6 },
      { more: 1 },
      { since: 'x' },
    ]) {
      assert.equal((await post(server, '/fires/replay', wrong)).status, 400, JSON.stringify(wrong));
    }
  });
});
