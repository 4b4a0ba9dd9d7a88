// Dry runs: what they tell, of whom, and that nothing comes of them.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: JSON-e's, not JavaScript's.
// biome-ignore-all lint/suspicious/noThenProperty: a word of JSON-e.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { createFakeClock } from '../support/fake-clock.ts';
import { eventually } from '../support/wait.ts';
import { bindingTo, definition, passTimeUntil } from './support/definitions.ts';
import { createWorld, type Server, type ServerOptions } from './support/world.ts';

const API = '/api/hooks/v1';

// biome-ignore lint/suspicious/noExplicitAny: answers are what the test says they are.
type Answer = any;

const post = async (server: Server, path: string, body: object) => {
  const { status, json } = await server.send(`${API}${path}`, { method: 'POST', body: JSON.stringify(body) });
  return { status, json: json as Answer };
};
const done = async (server: Server, path: string, body: object): Promise<Answer> => {
  const { status, json } = await post(server, path, body);
  assert.equal(status, 200, JSON.stringify(json));
  return json;
};

const start = async (t: TestContext, more: object = {}, options: ServerOptions = {}) => {
  const clock = createFakeClock();
  const world = await createWorld(t, { clock });
  const server = await world.start(options);
  await server.hooks.createHook('g', 'h', definition(more));
  const render = (body: object) => done(server, '/hooks/g/h/render', body);
  /** Of its first fire. */
  const seqOf = () =>
    eventually(
      'it is recorded',
      async () => (await world.rows('select seq from ledger'))[0]?.seq as number | undefined,
    );
  return { world, server, render, clock, seqOf };
};

describe('renderHook', () => {
  it('tells the task, and makes none', async (t) => {
    const { world, render } = await start(t);
    const answer = await render({ payload: { a: 1 } });
    assert.equal(answer.outcome, 'created');
    assert.deepEqual(answer.task.payload, { said: { a: 1 } });
    assert.equal(answer.task.taskGroupId, answer.taskId);
    assert.deepEqual(answer.schema, { fits: true });
    assert.equal(answer.evaluatedIn, 'server');
    assert.equal(answer.queue.accepts, true);
    assert.equal(world.queue.asked.length, 0);
    for (const table of ['fires', 'ledger', 'payloads'])
      assert.deepEqual(await world.rows(`select 1 from ${table}`), []);
  });

  it('takes the time and the taskId that it is given', async (t) => {
    const { render } = await start(t);
    const taskId = 'Wh8Rj3SHSoqIqHqrvYk0ew';
    const answer = await render({ firedBy: 'schedule', now: '2026-12-24T18:00:00Z', taskId });
    assert.equal(answer.task.created, '2026-12-24T18:00:00.000Z');
    assert.equal(answer.taskId, taskId);
    assert.match(answer.queue.unchecked, /`now` is another time/);
  });

  it('points at everything in the payload that does not fit', async (t) => {
    const triggerSchema = { type: 'object', properties: { a: { items: { type: 'integer' } } }, required: ['b'] };
    const { render } = await start(t, { triggerSchema });
    const answer = await render({ payload: { a: [1, 'two'] } });
    assert.equal(answer.outcome, 'rejected');
    assert.deepEqual(answer.schema, {
      fits: false,
      problems: [
        { problem: "data must have required property 'b'", pointer: '' },
        { problem: 'data/a/1 must be integer', pointer: '/a/1' },
      ],
    });
    assert.equal(answer.error.code, 'InputError');
    assert.equal(answer.task, undefined);
  });

  it('names the place at which a template fails', async (t) => {
    const { render } = await start(t, { task: { payload: { deep: ['${payload.no.thing}'] } } });
    const answer = await render({ payload: {} });
    assert.equal(answer.outcome, 'failed');
    assert.equal(answer.template.place, 'template.payload.deep[0]');
    assert.deepEqual(answer.schema, { fits: true });
  });

  it('lets the template see what a webhook would have said', async (t) => {
    const { render } = await start(t, { task: { payload: { by: { $eval: 'webhook.name' } } } });
    const answer = await render({ firedBy: 'triggerHookWithToken', payload: {}, webhook: { name: 'github' } });
    assert.deepEqual(answer.task.payload, { by: 'github' });
    assert.equal((await render({ payload: {} })).outcome, 'failed');
  });

  it('says when the template declines', async (t) => {
    const { render } = await start(t, { task: { $if: 'payload.go', then: { payload: {} } } });
    assert.equal((await render({ payload: { go: false } })).outcome, 'declined');
    assert.equal((await render({ payload: { go: true } })).outcome, 'created');
  });

  it('says that a costly template is evaluated in a process of its own, and bounds it as a fire is', async (t) => {
    const all = { $map: { $eval: 'range(0, 3000)' }, 'each(x)': { $map: { $eval: 'range(0, 3000)' }, 'each(y)': 'y' } };
    const world = await createWorld(t); // the time is that of the machine
    const server = await world.start({ isIdle: true });
    await server.hooks.createHook('g', 'h', definition({ task: { payload: all } }));
    const answer = await done(server, '/hooks/g/h/render', {});
    assert.equal(answer.evaluatedIn, 'process');
    assert.equal(answer.outcome, 'limited');
    assert.match(answer.error.message, /stopped/);
  });

  it('leaves out a task that is large, and says how large', async (t) => {
    const { render } = await start(t);
    const answer = await render({ payload: { text: 'x'.repeat(300_000) } });
    assert.equal(answer.outcome, 'created');
    assert.equal(answer.task, undefined);
    assert.ok(answer.taskBytes > 300_000);
  });

  it('tries an event that was kept', async (t) => {
    const { server, render, seqOf } = await start(t);
    await server.hooks.triggerHook('g', 'h', { a: 1 });
    const seq = await seqOf();
    const answer = await render({ seq });
    assert.deepEqual(answer.task.payload, { said: { a: 1 } });
    assert.equal((await post(server, '/hooks/g/h/render', { seq: 12345 })).status, 404);
    await server.hooks.createHook('g', 'other', definition());
    assert.equal((await post(server, '/hooks/g/other/render', { seq })).status, 404);
    assert.equal((await post(server, '/hooks/g/h/render', { seq, payload: {} })).status, 400);
  });

  it('says what would become of a taskId that was used before', async (t) => {
    const { server, render } = await start(t);
    const taskId = 'Wh8Rj3SHSoqIqHqrvYk0ew';
    await server.hooks.triggerHook('g', 'h', { taskId });
    assert.equal((await render({ payload: { taskId } })).outcome, 'created');
    assert.equal((await render({ payload: { taskId, other: 1 } })).outcome, 'conflict');
    assert.equal((await render({ payload: { taskId: 'none' } })).error.message, 'Invalid taskId format: none');
  });

  it('says what the queue says, and which scopes the role lacks', async (t) => {
    const refusal = { kind: 'refused', statusCode: 403, code: 'InsufficientScopes', message: 'no' } as const;
    const world = await createWorld(t);
    const tryTasks = async () => [{ answer: { ...refusal, missing: { AllOf: ['a', 'b'] } } }];
    const server = await world.start({ queue: { ...world.queue, tryTasks } });
    await server.hooks.createHook('g', 'h', definition());
    const answer = await done(server, '/hooks/g/h/render', {});
    assert.equal(answer.outcome, 'failed');
    assert.equal(answer.queue.accepts, false);
    assert.deepEqual(answer.missingScopes, { AllOf: ['a', 'b'] });
    assert.equal(answer.error.code, 'InsufficientScopes');
    assert.match(answer.error.message, /hookwright roles grant hook-id:g\/h/);
  });

  it('says so when the queue does not answer', async (t) => {
    const world = await createWorld(t);
    const tryTasks = () => Promise.reject(new Error('it is away'));
    const server = await world.start({ queue: { ...world.queue, tryTasks } });
    await server.hooks.createHook('g', 'h', definition());
    const answer = await done(server, '/hooks/g/h/render', {});
    assert.equal(answer.outcome, 'pending');
    assert.match(answer.queue.unchecked, /it is away/);
  });

  it('refuses what is no event', async (t) => {
    const { server } = await start(t);
    for (const wrong of [
      { firedBy: 'chance' },
      { firedBy: 'schedule', payload: {} },
      { payload: 'text' },
      { now: 'soon' },
      { taskId: 'x' },
      { seq: 0 },
      { more: 1 },
    ]) {
      assert.equal((await post(server, '/hooks/g/h/render', wrong)).status, 400, JSON.stringify(wrong));
    }
    assert.equal((await post(server, '/hooks/g/nobody/render', {})).status, 404);
  });
});

describe('renderDefinition', () => {
  const asked = (more: object = {}) => ({
    hookGroupId: 'g',
    hookId: 'new',
    definition: definition(more),
    payload: { a: 1 },
  });

  it('tries a definition that nobody has saved', async (t) => {
    const { server, world } = await start(t);
    const answer = await done(server, '/render', asked());
    assert.deepEqual(answer.task.payload, { said: { a: 1 } });
    assert.equal((await world.rows('select 1 from hooks')).length, 1);
  });

  it('refuses what cannot be saved, in the same words', async (t) => {
    const { server } = await start(t);
    for (const more of [
      { triggerSchema: { type: 'no' } },
      { schedule: ['never'] },
      { bindings: 'x' },
      { hookId: 'other' },
    ]) {
      const tried = await post(server, '/render', asked(more));
      assert.equal(tried.status, 400, JSON.stringify(more));
      if ('bindings' in more) continue; // its place is another
      const saved = await server.send(`${API}/hooks/g/new`, { method: 'PUT', body: JSON.stringify(definition(more)) });
      assert.equal(tried.json.message.split('\n\n---')[0], saved.json.message.split('\n\n---')[0]);
    }
  });
});

describe('renderLast', () => {
  it('says of each of the last events what the new definition changes', async (t) => {
    const { server, world, clock } = await start(t);
    for (const n of [1, 2, 3]) {
      await server.hooks.triggerHook('g', 'h', { n });
      await clock.advance(1); // rows of one moment have no order
    }
    await server.hooks.triggerHook('g', 'h', { text: 'x'.repeat(300_000) }); // not kept whole
    await eventually('all are recorded', async () => (await world.rows('select 1 from ledger')).length === 4);
    const changed = definition({
      task: { payload: { said: { $if: 'payload.n == 2', then: 'two', else: { $eval: 'payload' } } } },
      triggerSchema: { type: 'object', properties: { n: { maximum: 2 } } },
    });
    const { events, notKept } = await done(server, '/hooks/g/h/render-last', { definition: changed });
    assert.equal(notKept, 1);
    assert.deepEqual(
      events.map(({ verdict, was, is }: Answer) => [verdict, was, is]),
      [
        ['worse', 'created', 'rejected'],
        ['changed', 'created', 'created'],
        ['same', 'created', 'created'],
      ],
    );
    assert.match(events[0].error.message, /n must be <= 2/);
    assert.deepEqual(events[1].diff, ['~ /payload/said: {"n":2} → "two"']);
    const two = await done(server, '/hooks/g/h/render-last', { definition: changed, most: 2, outcome: 'created' });
    assert.equal(two.events.length, 2);
    const none = await done(server, '/hooks/g/h/render-last', { definition: changed, outcome: 'rejected' });
    assert.deepEqual(none.events, []);
    for (const wrong of [{}, { definition: changed, most: 21 }, { definition: changed, outcome: 'no' }]) {
      assert.equal((await post(server, '/hooks/g/h/render-last', wrong)).status, 400);
    }
  });
});

describe('whyNot', () => {
  const startBound = (t: TestContext) =>
    start(t, { ...bindingTo('exchange/x', 'a.*'), schedule: ['0 0 13 * * *'], metadata: definition().metadata });

  it('follows a message up to where it ends', async (t) => {
    const { server } = await startBound(t);
    const ask = (exchange: string, routingKey: string) => done(server, '/hooks/g/h/why-not', { exchange, routingKey });
    assert.equal((await ask('exchange/x', 'a.b')).reaches, true);
    const other = await ask('exchange/x', 'b.a');
    assert.deepEqual([other.reaches, other.endedAt], [false, 'binding']);
    assert.deepEqual(other.nearest, ['exchange/x with "a.*"']);
    assert.match((await ask('exchange/y', 'a.b')).reason, /no binding to this exchange/);
  });

  it('tells of a time whether it is one of the schedule, and what became of it', async (t) => {
    const { server, world, clock } = await startBound(t);
    const ask = (at: string) => done(server, '/hooks/g/h/why-not', { at });
    const never = await ask('2026-11-21T14:00:00Z');
    assert.deepEqual([never.reaches, never.endedAt], [false, 'schedule']);
    assert.deepEqual(never.nearest, ['2026-11-21T13:00:00.000Z', '2026-11-22T13:00:00.000Z']);
    const coming = await ask('2026-11-20T13:00:00Z');
    assert.equal(coming.reaches, true);
    assert.match(coming.reason, /It will fire/);
    const early = await ask('2026-11-19T13:00:00Z');
    assert.deepEqual([early.reaches, early.endedAt], [false, 'hook']);
    await passTimeUntil(clock, 'it fires', () => world.queue.tasks.size === 1, 600_000);
    await eventually('it is recorded', async () => (await world.rows('select 1 from ledger')).length === 1);
    const was = await ask('2026-11-20T13:00:00Z');
    assert.deepEqual([was.reaches, was.outcome], [true, 'created']);
    assert.ok(was.seq > 0);
    clock.jump(1); // a change in the millisecond of the fire counts for it
    await server.hooks.updateHook('g', 'h', definition());
    assert.equal((await ask('2026-11-20T13:00:00Z')).reaches, true); // as the hook was then
    assert.equal((await ask('2026-11-21T13:00:00Z')).endedAt, 'schedule');
  });

  it('tells what was missed', async (t) => {
    const clock = createFakeClock();
    const world = await createWorld(t, { clock });
    const first = await world.start();
    await first.hooks.createHook('g', 'h', definition({ schedule: ['0 0 13 * * *'] }));
    await first.stop();
    clock.jump(4 * 86_400_000);
    const server = await world.start();
    await passTimeUntil(clock, 'it fires', () => world.queue.tasks.size === 1);
    await eventually('it is recorded', async () => (await world.rows('select 1 from ledger')).length >= 2);
    const missed = await done(server, '/hooks/g/h/why-not', { at: '2026-11-21T13:00:00Z' });
    assert.deepEqual([missed.reaches, missed.endedAt, missed.outcome], [false, 'scheduler', 'missed']);
    assert.match(missed.reason, /passed before anything could fire/);
  });

  it('refuses what is neither a message nor a time', async (t) => {
    const { server } = await startBound(t);
    for (const wrong of [
      {},
      { exchange: 'x' },
      { routingKey: 'x' },
      { exchange: 'x', routingKey: 'y', at: '2026-11-21T13:00:00Z' },
    ]) {
      assert.equal((await post(server, '/hooks/g/h/why-not', wrong)).status, 400, JSON.stringify(wrong));
    }
    assert.equal((await post(server, '/hooks/g/no/why-not', { at: '2026-11-21T13:00:00Z' })).status, 404);
  });
});

describe('a dry run', () => {
  const NEEDED: Readonly<Record<string, { readonly body: object; readonly scopes: readonly string[] }>> = {
    '/hooks/g/h/render': { body: {}, scopes: ['hooks:get:g:h', 'hooks:trigger-hook:g/h'] },
    '/render': {
      body: { hookGroupId: 'g', hookId: 'h', definition: definition() },
      scopes: ['hooks:modify-hook:g/h', 'assume:hook-id:g/h'],
    },
    '/hooks/g/h/render-last': {
      body: { definition: definition() },
      scopes: ['hooks:modify-hook:g/h', 'assume:hook-id:g/h', 'hooks:get-payload:g/h'],
    },
    '/hooks/g/h/why-not': {
      body: { exchange: 'x', routingKey: 'y' },
      scopes: ['hooks:get:g:h', 'hooks:status:g/h', 'hooks:list-last-fires:g/h'],
    },
  };

  for (const [path, { body, scopes: needed }] of Object.entries(NEEDED)) {
    it(`by ${path} takes ${needed.length} scopes, and one less is refused`, async (t) => {
      let scopes: readonly string[] = ['*'];
      const { server } = await start(t, {}, { scopes: () => scopes });
      scopes = needed;
      await done(server, path, body);
      for (const scope of needed) {
        scopes = needed.filter((one) => one !== scope);
        assert.equal((await post(server, path, body)).status, 403, `without ${scope}`);
      }
    });
  }

  it('of a kept event takes the scope to read payloads as well', async (t) => {
    let scopes: readonly string[] = ['*'];
    const { server, seqOf } = await start(t, {}, { scopes: () => scopes });
    await server.hooks.triggerHook('g', 'h', { secret: 'hush' });
    const seq = await seqOf();
    scopes = NEEDED['/hooks/g/h/render']?.scopes ?? [];
    assert.equal((await post(server, '/hooks/g/h/render', { seq })).status, 403);
    scopes = [...scopes, 'hooks:get-payload:g/h'];
    await done(server, '/hooks/g/h/render', { seq });
    assert.ok(!server.logged().includes('hush'));
  });
});
