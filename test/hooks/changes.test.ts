// Changes of hooks: what they leave behind, how often they happen when they come at once, and what
// a trigger sees of them.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clientsOf, ECHO_SCOPES, echoHook, rootClients } from '../support/client.ts';
import { type Cleanup, freshDatabaseUrl } from '../support/database.ts';
import { newDataFolder, serve } from '../support/server.ts';
import { eventually, lastFirst } from '../support/wait.ts';
import { bindingTo, definition, parsed } from './support/definitions.ts';
import { createWorld, type World } from './support/world.ts';

type Refusal = Error & { readonly statusCode: number; readonly code: string };

const EXCHANGE = 'exchange/taskcluster-hooks/v1';
const full = (more: object = {}) => ({
  ...definition({ schedule: [], bindings: [], ...more }),
  metadata: { ...definition().metadata, emailOnError: true },
  hookGroupId: 'g',
  hookId: 'h',
});

/** What idle servers have published. */
const published = async ({ rows }: World) =>
  (await rows('select exchange, routing_key, body from outbox order by id')).map(({ exchange, routing_key, body }) => [
    exchange.slice(EXCHANGE.length + 1),
    routing_key,
    body,
  ]);
const audited = ({ rows }: World) =>
  rows('select action, client_id, hook_group_id, hook_id, before, after, request_id, hook_uid from audit order by id');

describe('the audit', () => {
  it('has a row for each change: who, what, and the definition before and after', async (t) => {
    const world = await createWorld(t);
    const { hooks } = await world.start({ isIdle: true });
    const changed = { schedule: ['0 0 1 * * *'], ...bindingTo('exchange/x') };
    await hooks.createHook('g', 'h', definition());
    await hooks.updateHook('g', 'h', definition(changed));
    await hooks.getTriggerToken('g', 'h');
    await hooks.resetTriggerToken('g', 'h');
    await hooks.removeHook('g', 'h');
    const rows = await audited(world);
    assert.deepEqual(
      rows.map(({ action, before, after }) => [action, before, after]),
      [
        ['created', null, full()],
        ['changed', full(), full(changed)],
        ['token made', null, null],
        ['token reset', null, null],
        ['removed', full(changed), null],
      ],
    );
    for (const row of rows) assert.deepEqual([row.client_id, row.hook_group_id, row.hook_id], ['tester', 'g', 'h']);
    assert.equal(new Set(rows.map(({ hook_uid }) => hook_uid)).size, 1);
    assert.equal(new Set(rows.map(({ request_id }) => request_id)).size, rows.length);
  });

  it('has none for what was refused, repeated or read', async (t) => {
    const world = await createWorld(t);
    const { hooks } = await world.start({ isIdle: true });
    await hooks.createHook('g', 'h', definition());
    await hooks.getTriggerToken('g', 'h');
    const known = (await audited(world)).length;
    await hooks.createHook('g', 'h', definition());
    await hooks.createHook('g', 'h', definition({ schedule: ['0 0 1 * * *'] })).catch(() => {});
    await hooks.updateHook('g', 'h', definition({ schedule: ['nonsense'] })).catch(() => {});
    await hooks.updateHook('g', 'none', definition()).catch(() => {});
    await hooks.removeHook('g', 'none');
    await hooks.resetTriggerToken('g', 'none').catch(() => {});
    for (const method of ['hook', 'getHookStatus', 'getTriggerToken']) await hooks[method]('g', 'h');
    await hooks.triggerHook('g', 'h', {});
    assert.equal((await audited(world)).length, known);
    assert.equal((await published(world)).length, 1);
  });
});

describe('the messages of the service', () => {
  it('tell of each change, to whoever is bound to the exchange', async (t) => {
    const world = await createWorld(t);
    const { hooks } = await world.start({ isIdle: true });
    await hooks.createHook('g', 'h/1', definition());
    await hooks.updateHook('g', 'h/1', definition({ schedule: ['0 0 1 * * *'] }));
    await hooks.getTriggerToken('g', 'h/1');
    await hooks.removeHook('g', 'h/1');
    await hooks.removeHook('g', 'h/1');
    const body = { hookGroupId: 'g', hookId: 'h/1' };
    const expected = ['hook-created', 'hook-updated', 'hook-deleted'].map((exchange) => [exchange, '', body]);
    assert.deepEqual(await published(world), expected);

    const arrived = await world.read(`${EXCHANGE}/hook-updated`, '#');
    await eventually('it arrives', () => arrived.length === 1);
    assert.deepEqual(arrived, [{ exchange: `${EXCHANGE}/hook-updated`, routingKey: '', body }]);
  });
});

describe('creating a hook', () => {
  it('twenty times at once makes one hook, one row of the audit and one message', async (t) => {
    const world = await createWorld(t);
    const servers = await Promise.all([world.start({ isIdle: true }), world.start({ isIdle: true })]);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        servers[n % 2]?.hooks.createHook('g', 'h', definition(bindingTo('exchange/x'))),
      ),
    );
    for (const answer of answers) assert.deepEqual(answer, full(bindingTo('exchange/x')));
    assert.equal((await world.rows('select 1 from hooks')).length, 1);
    assert.equal((await audited(world)).length, 1);
    assert.equal((await published(world)).length, 1);
    assert.equal((await world.rows('select 1 from broker_bindings')).length, 1);
  });

  it('at once with different definitions makes one of them, and the others are told of the conflict', async (t) => {
    const world = await createWorld(t);
    const { hooks } = await world.start({ isIdle: true });
    const schedules = Array.from({ length: 10 }, (_, n) => [`0 ${n} * * * *`]);
    const answers = await Promise.allSettled(
      schedules.map((schedule) => hooks.createHook('g', 'h', definition({ schedule }))),
    );
    const made = answers.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    assert.deepEqual(made, [await hooks.hook('g', 'h')]);
    for (const one of answers) if (one.status === 'rejected') assert.equal(one.reason.code, 'RequestConflict');
    assert.equal((await audited(world)).length, 1);
    assert.equal((await world.rows(`select 1 from timers where kind = 'hooks.schedule'`)).length, 1);
  });

  it('again does not bother about the order of keys, and does about all else', async (t) => {
    const { start } = await createWorld(t);
    const { hooks } = await start({ isIdle: true });
    const made = definition({ task: { a: 1, b: { c: [1, 2], d: null } } });
    await hooks.createHook('g', 'h', made);
    await hooks.createHook('g', 'h', Object.fromEntries(Object.entries(made).reverse()));
    await hooks.createHook('g', 'h', {
      ...made,
      hookGroupId: 'g',
      hookId: 'h',
      task: { b: { d: null, c: [1, 2] }, a: 1 },
    });
    for (const task of [
      { a: 1, b: { c: [2, 1], d: null } },
      { a: 1, b: { c: [1, 2] } },
      { a: '1', b: made.task },
    ]) {
      await assert.rejects(hooks.createHook('g', 'h', { ...made, task }), { code: 'RequestConflict' });
    }
  });
});

describe('updating a hook', () => {
  it('keeps bindings that are left out and the token, clears a schedule that is left out', async (t) => {
    const { start, rows } = await createWorld(t);
    const { hooks } = await start({ isIdle: true });
    await hooks.createHook('g', 'h', definition({ ...bindingTo('exchange/x'), schedule: ['0 0 1 * * *'] }));
    const { token } = await hooks.getTriggerToken('g', 'h');
    assert.deepEqual(await hooks.updateHook('g', 'h', definition()), full(bindingTo('exchange/x')));
    assert.equal((await hooks.getTriggerToken('g', 'h')).token, token);
    assert.equal('nextScheduledDate' in (await hooks.getHookStatus('g', 'h')), false);
    assert.equal((await rows('select 1 from broker_bindings')).length, 1);
    await hooks.updateHook('g', 'h', definition({ bindings: [] }));
    assert.deepEqual((await hooks.hook('g', 'h')).bindings, []);
    assert.deepEqual(await rows('select 1 from broker_bindings union all select 1 from broker_queues'), []);
    assert.equal((await hooks.getTriggerToken('g', 'h')).token, token);
  });

  it('at once with others happens one after another: the audit is a chain without a gap', async (t) => {
    const world = await createWorld(t);
    const servers = await Promise.all([world.start({ isIdle: true }), world.start({ isIdle: true })]);
    const [one] = servers;
    await one.hooks.createHook('g', 'h', definition(bindingTo('exchange/x')));
    const { token } = await one.hooks.getTriggerToken('g', 'h');
    await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        servers[n % 2]?.hooks.updateHook('g', 'h', definition({ schedule: [`0 ${n} * * * *`] })),
      ),
    );
    const chain = (await audited(world)).filter(({ action }) => action !== 'token made');
    for (const [index, { before }] of chain.entries()) if (index > 0) assert.deepEqual(before, chain[index - 1].after);
    assert.deepEqual(await one.hooks.hook('g', 'h'), chain.at(-1).after);
    assert.equal(chain.length, 31);
    assert.equal((await published(world)).length, 31);
    const [{ minute }] = await world.rows(
      `select extract(minute from due)::int as minute from timers where kind = 'hooks.schedule'`,
    );
    assert.deepEqual(chain.at(-1).after.schedule, [`0 ${minute} * * * *`]);
    assert.equal((await one.hooks.getTriggerToken('g', 'h')).token, token);
    assert.deepEqual((await one.hooks.hook('g', 'h')).bindings, bindingTo('exchange/x').bindings);
  });

  it('while its token is made or reset loses neither', async (t) => {
    const { start } = await createWorld(t);
    const [one, two] = await Promise.all([start({ isIdle: true }), start({ isIdle: true })]);
    await one.hooks.createHook('g', 'h', definition());
    for (let round = 0; round < 10; round += 1) {
      const schedule = [`0 ${round} * * * *`];
      const [{ token }] = await Promise.all([
        round % 2 ? one.hooks.resetTriggerToken('g', 'h') : one.hooks.getTriggerToken('g', 'h'),
        two.hooks.updateHook('g', 'h', definition({ schedule })),
      ]);
      assert.equal((await two.hooks.getTriggerToken('g', 'h')).token, token);
      assert.deepEqual((await one.hooks.hook('g', 'h')).schedule, schedule);
    }
  });
});

describe('the trigger token', () => {
  it('asked for by many at once is one token', async (t) => {
    const world = await createWorld(t);
    const [one, two] = await Promise.all([world.start({ isIdle: true }), world.start({ isIdle: true })]);
    await one.hooks.createHook('g', 'h', definition());
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, n) => (n % 2 ? one : two).hooks.getTriggerToken('g', 'h')),
    );
    assert.equal(new Set(answers.map(({ token }) => token)).size, 1);
    assert.equal((await audited(world)).filter(({ action }) => action === 'token made').length, 1);
  });

  it('that was reset is worth nothing from then on, also in another process on the same database', async (t) => {
    const cleanup: Cleanup = lastFirst(t);
    const env = { DATABASE_URL: await freshDatabaseUrl(cleanup) };
    const folder = await newDataFolder(cleanup);
    const one = await serve(cleanup, folder, { env });
    const two = await serve(cleanup, folder, { env });
    const { hooks, auth } = rootClients(one.credentials);
    await hooks.createHook('g', 'h', { ...echoHook(), task: { ...echoHook().task, payload: {} } });
    await auth.createRole('hook-id:g/h', { scopes: ECHO_SCOPES, description: '' });
    const anonymous = [one, two].map(({ url }) => clientsOf(url).hooks);
    let { token } = await hooks.getTriggerToken('g', 'h');
    for (let round = 0; round < 5; round += 1) {
      for (const client of anonymous) assert.ok((await client.triggerHookWithToken('g', 'h', token, {})).taskId);
      const old = token;
      ({ token } = await hooks.resetTriggerToken('g', 'h'));
      for (const client of anonymous.toReversed()) {
        const refused: Refusal = await client.triggerHookWithToken('g', 'h', old, {}).catch((error: Refusal) => error);
        assert.equal(refused.statusCode, 401);
      }
    }
  });
});

describe('a trigger that races a change', () => {
  it('renders one revision, schema and template together, never a mixture', async (t) => {
    const { start, queue, rows } = await createWorld(t);
    const [one, two] = await Promise.all([start({ isIdle: true }), start({ isIdle: true })]);
    const revision = (n: number) => ({
      ...definition(),
      task: { payload: { template: n, filled: { $eval: 'payload.n' } } },
      triggerSchema: { type: 'object', properties: { n: { type: 'integer', default: n } } },
    });
    await one.hooks.createHook('g', 'h', revision(0));
    let isChanging = true;
    const change = async () => {
      for (let n = 1; n <= 60; n += 1) await one.hooks.updateHook('g', 'h', revision(n));
      isChanging = false;
    };
    const trigger = async () => {
      while (isChanging) await two.hooks.triggerHook('g', 'h', {});
    };
    await Promise.all([change(), trigger(), trigger(), trigger()]);
    const last = await two.hooks.triggerHook('g', 'h', {});
    const tasks = parsed(queue.tasks).map(({ payload }) => payload);
    for (const { template, filled } of tasks) assert.equal(template, filled);
    assert.equal(JSON.parse(queue.tasks.get(last.taskId) ?? '').payload.template, 60, 'what was answered holds');
    await eventually('all are in the ledger', async () => (await rows('select 1 from ledger')).length === tasks.length);
  });

  it('by removal and creation is a task or a 404, and each task is in the ledger', async (t) => {
    const { start, queue, rows } = await createWorld(t);
    const [one, two] = await Promise.all([start({ isIdle: true }), start({ isIdle: true })]);
    let isChanging = true;
    const change = async () => {
      for (let n = 0; n < 40; n += 1) {
        await one.hooks.createHook('g', 'h', definition());
        await one.hooks.removeHook('g', 'h');
      }
      isChanging = false;
    };
    const answered = new Set<string>();
    const trigger = async () => {
      while (isChanging) {
        const answer = await two.hooks.triggerHook('g', 'h', {}).catch((error: Refusal) => error.statusCode);
        if (typeof answer === 'number') assert.equal(answer, 404);
        else answered.add(answer.taskId);
      }
    };
    await Promise.all([change(), trigger(), trigger()]);
    assert.deepEqual(new Set(queue.tasks.keys()), answered);
    await eventually(
      'all are in the ledger',
      async () => (await rows('select 1 from ledger')).length === answered.size,
    );
    await assert.rejects(two.hooks.triggerHook('g', 'h', {}), { statusCode: 404 });
  });
});
