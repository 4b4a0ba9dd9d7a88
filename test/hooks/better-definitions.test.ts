// What the reference service gets wrong about definitions, bindings and listings, and ours does
// not.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createFakeClock } from '../support/fake-clock.ts';
import { eventually } from '../support/wait.ts';
import { bindingTo, definition, parsed } from './support/definitions.ts';
import { createWorld } from './support/world.ts';

const SECOND = 1_000;
const HOOKS = '/api/hooks/v1/hooks';

describe('a trigger schema', () => {
  // 12
  for (const [what, triggerSchema, problem] of [
    ['a reference that leads nowhere', { $ref: '#/definitions/none' }, /can't resolve reference #\/definitions\/none/],
    ['a keyword that nobody knows', { type: 'object', requird: ['a'] }, /unknown keyword: "requird"/],
    [
      'an old draft',
      { $schema: 'http://json-schema.org/draft-04/schema#' },
      /draft-04.* is not supported; use draft-07/,
    ],
    ['a pattern that is none', { properties: { a: { pattern: '(' } } }, /Invalid regular expression|must match format/],
  ] as const) {
    it(`with ${what} is refused when the hook is saved, not when it fires`, async (t) => {
      const { start } = await createWorld(t);
      const { hooks } = await start({ isIdle: true });
      for (const save of ['createHook', 'updateHook'] as const) {
        await assert.rejects(
          hooks[save]('g', 'h', definition({ triggerSchema })),
          (error: Error & { code: string }) => {
            assert.equal(error.code, 'InputError');
            assert.match(error.message, /triggerSchema is not a valid JSON schema/);
            assert.match(error.message, problem);
            return true;
          },
        );
        await hooks.createHook('g', 'h', definition());
      }
      assert.deepEqual((await hooks.hook('g', 'h')).triggerSchema, { type: 'object' });
    });
  }

  it('of a newer draft works', async (t) => {
    const { start } = await createWorld(t);
    const { hooks } = await start({ isIdle: true });
    const schemas = ['https://json-schema.org/draft/2019-09/schema', 'https://json-schema.org/draft/2020-12/schema#'];
    for (const [n, $schema] of schemas.entries()) {
      const triggerSchema = { $schema, type: 'object', dependentRequired: { a: ['b'] } };
      await hooks.createHook('g', `h${n}`, definition({ triggerSchema }));
      await assert.rejects(
        hooks.triggerHook('g', `h${n}`, { a: 1 }),
        /must have property b when property a is present/,
      );
      assert.ok((await hooks.triggerHook('g', `h${n}`, { a: 1, b: 2 })).taskId);
    }
  });

  // 19
  it('has its defaults filled in before the template sees the payload', async (t) => {
    const { start, queue } = await createWorld(t);
    const { hooks } = await start({ isIdle: true });
    const properties = {
      a: { default: 'filled in' },
      deep: { type: 'object', default: {}, properties: { b: { default: 1 } } },
    };
    await hooks.createHook('g', 'h', definition({ triggerSchema: { type: 'object', properties } }));
    await hooks.triggerHook('g', 'h', {});
    await hooks.triggerHook('g', 'h', { a: 'given' });
    assert.deepEqual(
      parsed(queue.tasks).map(({ payload }) => payload.said),
      [
        { a: 'filled in', deep: { b: 1 } },
        { a: 'given', deep: { b: 1 } },
      ],
    );
  });

  // 18
  it('whose pattern would backtrack for ever is checked all the same, at once', async (t) => {
    const { start } = await createWorld(t);
    const { hooks } = await start({ isIdle: true });
    const properties = { text: { type: 'string', pattern: '^(a+)+$' } };
    await hooks.createHook('g', 'h', definition({ triggerSchema: { type: 'object', properties } }));
    await assert.rejects(hooks.triggerHook('g', 'h', { text: `${'a'.repeat(100)}!` }), /data\/text must match pattern/);
  });
});

describe('a template without end', () => {
  // 18
  it('is stopped, its caller is told so, and others are answered meanwhile', async (t) => {
    const { start } = await createWorld(t);
    const { hooks, send } = await start({ isIdle: true });
    const loop = (depth: number): object =>
      depth === 0 ? { $eval: 'x' } : { $map: { $eval: 'range(0, 1000)' }, 'each(x)': loop(depth - 1) };
    await hooks.createHook('g', 'endless', definition({ task: { payload: loop(4) } }));
    await hooks.createHook('g', 'easy', definition());
    const order: string[] = [];
    const endless = hooks.triggerHook('g', 'endless', {}).catch((error: Error) => {
      order.push('endless');
      return error;
    });
    for (const call of ['ping', 'listHookGroups', 'triggerHook']) {
      await hooks[call](...(call === 'triggerHook' ? ['g', 'easy', {}] : []));
      order.push(call);
    }
    assert.match((await endless).message, /^While firing hook:\n\nThe evaluation (took longer than|needed more than)/);
    assert.deepEqual(order, ['ping', 'listHookGroups', 'triggerHook', 'endless']);
    const { json } = await send(`${HOOKS}/g/endless/fires`);
    assert.deepEqual(
      json.fires.map(({ outcome }: { outcome: string }) => outcome),
      ['limited'],
    );
  });
});

describe('creating a hook again', () => {
  // 13
  it('with the same definition is a success, bindings left out or empty', async (t) => {
    const { start } = await createWorld(t);
    const { hooks } = await start({ isIdle: true });
    const first = await hooks.createHook('g', 'h', definition());
    assert.deepEqual(first.bindings, []);
    assert.deepEqual(await hooks.hook('g', 'h'), first);
    assert.deepEqual(await hooks.createHook('g', 'h', definition()), first);
    assert.deepEqual(await hooks.createHook('g', 'h', definition({ bindings: [] })), first);
    await assert.rejects(hooks.createHook('g', 'h', definition({ schedule: ['0 0 * * * *'] })), {
      code: 'RequestConflict',
    });
  });
});

describe('triggering again with the same taskId', () => {
  // 14
  it('answers as the first time, makes no second task, and says nothing of the database', async (t) => {
    const { start, queue } = await createWorld(t);
    const { hooks } = await start({ isIdle: true });
    await hooks.createHook('g', 'h', definition());
    const taskId = 'AAAAAAAAQAqAAAAAAAAAAA';
    const first = await hooks.triggerHook('g', 'h', { taskId, a: 1 });
    assert.deepEqual(first, { taskId, status: { taskId } });
    assert.deepEqual(await hooks.triggerHook('g', 'h', { a: 1, taskId }), first);
    const refused = await hooks.triggerHook('g', 'h', { taskId, a: 2 }).catch((error: unknown) => error);
    assert.deepEqual([refused.statusCode, refused.code], [409, 'RequestConflict']);
    assert.doesNotMatch(refused.message, /insert|constraint|duplicate|select/i);
    assert.equal(queue.asked.length, 1);
    assert.equal((await hooks.listLastFires('g', 'h')).lastFires.length, 1);
  });
});

describe('bindings', () => {
  // 15
  it('to an exchange on which nothing was published yet take effect with its first message', async (t) => {
    const { start, publish, queue } = await createWorld(t);
    const { hooks } = await start();
    await hooks.createHook('g', 'h', definition(bindingTo('exchange/not/there/yet')));
    await publish('exchange/not/there/yet', 'a', { n: 1 });
    await eventually('it fires', () => queue.tasks.size === 1);
  });

  // 16
  it('of more hooks than the reference could bind take no more connections, and changing one costs what it cost', async (t) => {
    const { start, publish, queue, rows } = await createWorld(t);
    const counted: string[] = [];
    const idle = await start({ isIdle: true, onStatement: (name) => void counted.push(name) });
    const boundAlone = (n: number) => ({
      bindings: [{ exchange: 'exchange/x', routingKeyPattern: `only.${n}` }],
    });
    await idle.hooks.createHook('g', 'h0', definition(boundAlone(0)));
    const changeOne = async () => {
      counted.length = 0;
      await idle.hooks.updateHook('g', 'h0', definition(boundAlone(0)));
      return [...counted];
    };
    const alone = await changeOne();
    const MANY = 2_100;
    await rows(
      `with made as (
         insert into hooks (hook_group_id, hook_id, uid, revision, definition, created, last_modified)
         select 'g', 'h' || n, gen_random_uuid(), 1, replace(definition::text, '"h0"', '"h' || n || '"')::json, created, created
         from hooks, generate_series(1, $1::int - 1) n
         returning uid, hook_id, created),
       queues as (insert into broker_queues (queue, changed) select uid::text, pg_current_xact_id() from made)
       insert into broker_bindings (queue, exchange, pattern, since)
       select uid::text, 'exchange/x', unnest(array['only.' || substr(hook_id, 2)] || case when hook_id like '%7' then array['all'] else '{}' end), created
       from made`,
      [MANY],
    );
    assert.deepEqual(await changeOne(), alone);
    await start();
    await publish('exchange/x', 'only.2099', {});
    await eventually('one fires', () => queue.tasks.size === 1);
    assert.deepEqual(queue.asked[0]?.authorizedScopes, ['assume:hook-id:g/h2099']);
    await publish('exchange/x', 'all', {});
    await eventually('each one in ten fires', () => queue.tasks.size === 1 + MANY / 10);
    const [{ connections }] = await rows(
      'select count(*)::int as connections from pg_stat_activity where datname = current_database()',
    );
    assert.ok(connections <= 13, `${connections} connections`); // the pool of the test, and one that listens
  });
});

describe('listing the hooks of a group', () => {
  // 17
  it('asks the database once, however many there are', async (t) => {
    const { start, rows } = await createWorld(t);
    const counted: string[] = [];
    const { hooks } = await start({ isIdle: true, onStatement: (name) => void counted.push(name) });
    await hooks.createHook('g', 'h1000', definition());
    await rows(
      `insert into hooks (hook_group_id, hook_id, uid, revision, definition, created, last_modified)
       select 'g', 'h' || n, gen_random_uuid(), 1, replace(definition::text, '"h1000"', '"h' || n || '"')::json, created, created
       from hooks, generate_series(1001, 1999) n`,
    );
    counted.length = 0;
    const { hooks: found } = await hooks.listHooks('g');
    assert.deepEqual(
      found.map(({ hookId }: { hookId: string }) => hookId),
      Array.from({ length: 1_000 }, (_, n) => `h${1000 + n}`),
    );
    assert.equal(counted.length, 1);
  });

  it('are never held at once when they are large', async (t) => {
    const { start, rows } = await createWorld(t);
    const { hooks } = await start({ isIdle: true });
    await hooks.createHook('g', 'h1000', definition({ task: { payload: { text: 'TEXT' } } }));
    await rows(
      `insert into hooks (hook_group_id, hook_id, uid, revision, definition, created, last_modified)
       select 'g', 'h' || n, gen_random_uuid(), 1,
         replace(replace(definition::text, '"h1000"', '"h' || n || '"'), 'TEXT', repeat('x', 700000))::json, created, created
       from hooks, generate_series(1001, 1009) n`,
    );
    const stringify = t.mock.method(JSON, 'stringify');
    const { hooks: found } = await hooks.listHooks('g');
    assert.deepEqual(
      found.map(({ hookId }: { hookId: string }) => hookId),
      Array.from({ length: 10 }, (_, n) => `h${1000 + n}`),
    );
    const longest = Math.max(...stringify.mock.calls.map(({ result }) => String(result).length));
    assert.ok(longest > 700_000 && longest < 1_000_000, `${longest}`);
  });
});

describe('a schedule', () => {
  // 22
  it('that is empty text, or means another time whenever it is read, is refused', async (t) => {
    const { start } = await createWorld(t);
    const { send } = await start({ isIdle: true });
    for (const pattern of [
      '',
      ' ',
      'H * * * *',
      '0 H 1 * * *',
      '0 0 31 2 *',
      '0 0 25 * * *',
      '* * * * * * *',
      '@reboot',
    ]) {
      const body = JSON.stringify(definition({ schedule: ['0 0 1 * * *', pattern] }));
      const reply = await send(`${HOOKS}/g/h`, { method: 'PUT', body });
      assert.deepEqual(
        [reply.status, reply.json.code],
        [400, 'InputError'],
        `${JSON.stringify(pattern)}: ${reply.text}`,
      );
      assert.ok(reply.json.message.includes(`schedule[1] ${JSON.stringify(pattern)}`), reply.text);
    }
  });

  it('is told as the same date however often it is asked for', async (t) => {
    const { start } = await createWorld(t, { clock: createFakeClock() });
    const { hooks } = await start({ isIdle: true });
    const next: Readonly<Record<string, string>> = {
      '@daily': '2026-11-21T00:00:00.000Z',
      '30 1 * * *': '2026-11-21T01:30:00.000Z',
      '5 30 1 * * *': '2026-11-21T01:30:05.000Z',
      '0 0 12 L * *': '2026-11-30T12:00:00.000Z',
      '0 0 12 * * 1#2': '2026-12-14T12:00:00.000Z',
    };
    for (const [index, [pattern, date]] of Object.entries(next).entries()) {
      await hooks.createHook('g', `h${index}`, definition({ schedule: [pattern] }));
      for (let times = 0; times < 3; times += 1) {
        assert.equal((await hooks.getHookStatus('g', `h${index}`)).nextScheduledDate, date, pattern);
      }
    }
  });

  it('of every second fires every second', async (t) => {
    const clock = createFakeClock();
    const { start, queue } = await createWorld(t, { clock });
    const { hooks } = await start();
    await hooks.createHook('g', 'h', definition({ schedule: ['* * * * * *'] }));
    for (let second = 1; second <= 10; second += 1) {
      await clock.advance(SECOND);
      await eventually(`the fire of second ${second}`, () => queue.tasks.size === second);
    }
    assert.deepEqual(
      parsed(queue.tasks).map(({ created }) => Date.parse(created)),
      Array.from({ length: 10 }, (_, n) => Date.UTC(2026, 10, 20, 12, 0, n + 1)),
    );
  });
});

describe('a hook with more than anybody needs', () => {
  it('is refused, with the bound and what to do: patterns and bindings', async (t) => {
    const { start } = await createWorld(t);
    const { hooks } = await start();
    const schedule = Array.from({ length: 1_001 }, (_, n) => `${n % 60} ${Math.floor(n / 60)} * * * *`);
    await assert.rejects(hooks.createHook('g', 'h', definition({ schedule })), {
      ...{ statusCode: 400, code: 'InputError' },
      message: /A hook can have 1000 cron patterns, and this one has 1001\. Make it several hooks/,
    });
    const bindings = Array.from({ length: 251 }, (_, n) => ({ exchange: 'exchange/x', routingKeyPattern: `${n}` }));
    await assert.rejects(hooks.createHook('g', 'h', definition({ bindings })), {
      ...{ statusCode: 400, code: 'InputError' },
      message: /250 bindings, and this one has 251/,
    });
    await hooks.createHook('g', 'h', definition({ schedule: schedule.slice(1), bindings: bindings.slice(1) }));
  });
});
