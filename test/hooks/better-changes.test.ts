// What the reference service gets wrong about changes, errors and its own health, and ours does
// not.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventually } from '../support/wait.ts';
import { bindingTo, definition } from './support/definitions.ts';
import { createWorld, type World } from './support/world.ts';

const HOOKS = '/api/hooks/v1/hooks';
const MB = 1024 * 1024;

describe('the trigger token', () => {
  // 20
  it('stands in no error, though it came in the URL', async (t) => {
    const { start } = await createWorld(t);
    const { hooks, send, logged } = await start({ isIdle: true });
    await hooks.createHook('g', 'h', definition({ triggerSchema: { type: 'object', additionalProperties: false } }));
    const { token } = await hooks.getTriggerToken('g', 'h');
    const reply = await send(`${HOOKS}/g/h/trigger/${token}`, { method: 'POST', body: '{"wrong": 1}' });
    assert.equal(reply.status, 400);
    assert.deepEqual(reply.json.requestInfo.params, { hookGroupId: 'g', hookId: 'h', token: '(secret)' });
    assert.ok(!reply.text.includes(token));
    assert.match(logged(), /"triggerHookWithToken"/);
    assert.ok(!logged().includes(token));
  });

  it('that is reset leaves a row in the audit, and what is read of it does not change it', async (t) => {
    const { start, rows } = await createWorld(t);
    const { hooks } = await start({ isIdle: true });
    await hooks.createHook('g', 'h', definition());
    const first = await hooks.getTriggerToken('g', 'h');
    assert.deepEqual(await hooks.getTriggerToken('g', 'h'), first);
    const second = await hooks.resetTriggerToken('g', 'h');
    assert.notEqual(second.token, first.token);
    assert.deepEqual(
      (await rows('select action, client_id from audit order by id')).map((row) => Object.values(row)),
      ['created', 'token made', 'token reset'].map((action) => [action, 'tester']),
    );
  });
});

describe('an error', () => {
  // 21
  it('says what the caller did, with the status that says so', async (t) => {
    const { start, queue } = await createWorld(t);
    const { hooks, send } = await start({ isIdle: true });
    await hooks.createHook('g', 'h', definition());
    const trigger = async (options: object) => {
      const { status, json } = await send(`${HOOKS}/g/h/trigger`, { method: 'POST', ...options });
      return [status, json.code];
    };
    assert.deepEqual(await trigger({ body: Buffer.alloc(11 * MB, ' ') }), [413, 'InputTooLarge']);
    const noGzip = { body: 'no gzip', headers: { 'content-encoding': 'gzip' } };
    assert.deepEqual(await trigger(noGzip), [400, 'MalformedPayload']);
    const utf16 = {
      body: Buffer.from('{}', 'utf16le'),
      headers: { 'content-type': 'application/json; charset=utf-16' },
    };
    assert.deepEqual(await trigger(utf16), [400, 'MalformedPayload']);
    queue.behave({ kind: 'refused', statusCode: 409, code: 'RequestConflict', message: 'it is there' });
    assert.deepEqual(await trigger({ body: '{}' }), [409, 'RequestConflict']);

    const { status, headers, json } = await send(`${HOOKS}/%zz`);
    assert.deepEqual([status, json.code], [400, 'InvalidRequestArguments']);
    assert.match(String(headers['content-type']), /^application\/json/);
  });

  it('about a trigger schema names the spot', async (t) => {
    const { start } = await createWorld(t);
    const { hooks } = await start({ isIdle: true });
    const triggerSchema = { properties: { a: { type: 'strin' } } };
    await assert.rejects(hooks.createHook('g', 'h', definition({ triggerSchema })), /\/properties\/a\/type must be/);
  });
});

describe('a hook that is removed', () => {
  // 23
  it('while it is triggered: the task is made, the fire is in the ledger, and a hook of the same name inherits nothing', async (t) => {
    const { start, queue, rows } = await createWorld(t);
    const { hooks } = await start();
    await hooks.createHook('g', 'h', definition());
    const { token } = await hooks.getTriggerToken('g', 'h');
    queue.behave('hang');
    const answer = hooks.triggerHook('g', 'h', { a: 1 });
    const [asked] = await eventually('it is under way', () => queue.asked.length === 1 && queue.asked);
    await hooks.removeHook('g', 'h');
    asked?.letGo();
    const { taskId } = await answer;
    assert.ok(queue.tasks.has(taskId));
    for (const method of ['listLastFires', 'getHookStatus', 'hook', 'getTriggerToken']) {
      await assert.rejects(hooks[method]('g', 'h'), { statusCode: 404 }, method);
    }
    await eventually('the ledger has it', async () => {
      const found = await rows('select outcome from ledger where task_id = $1', [taskId]);
      return found.length === 1 && found[0].outcome === 'created';
    });

    await hooks.createHook('g', 'h', definition());
    await assert.rejects(hooks.listLastFires('g', 'h'), { statusCode: 404 });
    assert.deepEqual((await hooks.getHookStatus('g', 'h')).lastFire, { result: 'no-fire' });
    await assert.rejects(hooks.triggerHookWithToken('g', 'h', token, {}), { statusCode: 401 });
    assert.notEqual((await hooks.getTriggerToken('g', 'h')).token, token);
  });

  it('and was not there is a success that leaves no trace', async (t) => {
    const { start, rows } = await createWorld(t);
    const { hooks } = await start({ isIdle: true });
    assert.deepEqual(await hooks.removeHook('g', 'h'), {});
    assert.deepEqual(await rows('select 1 from audit union all select 1 from outbox'), []);
  });
});

/** All that a change touches. */
const everything = async ({ rows }: World) => {
  const tables = [
    ...['hooks', 'hook_state', 'audit', 'outbox', 'broker_bindings', 'fires', 'ledger'],
    `timers where kind like 'hooks.%'`,
  ];
  return Promise.all(tables.map((table) => rows(`select t::text as row from (select * from ${table}) t order by 1`)));
};

describe('a change', () => {
  const before = definition({ ...bindingTo('exchange/x'), schedule: ['0 0 1 * * *'] });
  const after = definition({ ...bindingTo('exchange/y'), schedule: ['0 0 2 * * *'] });
  // biome-ignore lint/suspicious/noExplicitAny: the client has no types.
  const changes: Readonly<Record<string, (hooks: any) => Promise<unknown>>> = {
    createHook: (hooks) => hooks.createHook('g', 'new', before),
    updateHook: (hooks) => hooks.updateHook('g', 'h', after),
    removeHook: (hooks) => hooks.removeHook('g', 'h'),
    getTriggerToken: (hooks) => hooks.getTriggerToken('g', 'h'),
    resetTriggerToken: (hooks) => hooks.resetTriggerToken('g', 'h'),
  };
  // 24
  for (const [name, change] of Object.entries(changes)) {
    it(`by ${name} happens whole or not at all: row, schedule, bindings, audit and message`, async (t) => {
      const world = await createWorld(t);
      const reached: string[] = [];
      let failing = Number.POSITIVE_INFINITY;
      const { hooks } = await world.start({
        isIdle: true,
        onStatement: (statement) => {
          reached.push(statement);
          if (reached.length > failing) throw new Error('the disk is full');
        },
      });
      await hooks.createHook('g', 'h', before);
      const untouched = await everything(world);
      for (failing = 0; ; failing += 1) {
        reached.length = 0;
        const answer = await change(hooks).catch((error: unknown) => error);
        if (!(answer instanceof Error)) break;
        assert.equal((answer as Error & { statusCode: number }).statusCode, 500, `after ${reached}`);
        assert.doesNotMatch(answer.message, /disk/);
        assert.deepEqual(await everything(world), untouched, `failed at ${reached.at(-1)}`);
      }
      assert.ok(reached.includes('audit.insert') && reached.at(-1) === 'commit', `it ran ${reached}`);
      assert.equal(reached.length, failing);
      assert.notDeepEqual(await everything(world), untouched);
    });
  }
});

describe('what is next due', () => {
  // 24
  it('is found through an index, however many schedules there are', async (t) => {
    const { rows } = await createWorld(t);
    await rows(
      `insert into timers (kind, key, due, not_before, data)
       select 'hooks.schedule', n::text, d, d, 'null'
       from generate_series(1, 20000) n, lateral (select timestamptz '2027-01-01' + n * interval '1 s' as d) as date`,
    );
    await rows('analyze timers');
    for (const sql of [
      `select not_before from timers where kind = 'hooks.schedule' order by not_before limit 1`,
      `select key from timers where kind = 'hooks.schedule' and not_before <= '2027-01-01 00:01' order by not_before limit 500 for update skip locked`,
    ]) {
      const plan = JSON.stringify(await rows(`explain (format json) ${sql}`));
      assert.match(plan, /timers_not_before/);
      assert.doesNotMatch(plan, /Seq Scan|"Sort"/);
    }
  });
});

describe('the heartbeat', () => {
  // 24
  it('says so when the database does not answer; the load balancer’s does not care', async (t) => {
    const { start } = await createWorld(t);
    let isDown = false;
    const { hooks } = await start({
      isIdle: true,
      onStatement: () => {
        if (isDown) throw new Error('the database is gone');
      },
    });
    assert.deepEqual(await hooks.heartbeat(), {});
    isDown = true;
    await assert.rejects(hooks.heartbeat(), { statusCode: 503, code: 'ServiceUnavailable' });
    assert.deepEqual(await hooks.lbheartbeat(), {});
    assert.equal((await hooks.ping()).alive, true);
    isDown = false;
    assert.deepEqual(await hooks.heartbeat(), {});
  });
});
