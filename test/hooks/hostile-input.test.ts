// Input that was made to hurt, or that only a broken program sends: refused with the reason, or
// served; never a 500, and nothing half done.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { bindingTo, definition, parsed } from './support/definitions.ts';
import { createWorld, type Server } from './support/world.ts';

const HOOKS = '/api/hooks/v1/hooks';
const MB = 1024 * 1024;

const startWorld = async (t: TestContext) => {
  const world = await createWorld(t);
  return { ...world, ...(await world.start({ isIdle: true })) };
};
type Answer = readonly [status: number, code: string];

const put = async ({ send }: Pick<Server, 'send'>, body: string | Buffer | object, id = 'h'): Promise<Answer> => {
  const text = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const { status, json } = await send(`${HOOKS}/g/${id}`, { method: 'PUT', body: text });
  return [status, json?.code];
};

const nested = (depth: number, open: string, close: string) => `${open.repeat(depth)}${close.repeat(depth)}`;

describe('the name of a hook', () => {
  it('is what the patterns say, whatever else is sent', async (t) => {
    const { send, rows } = await startWorld(t);
    const bad = [
      'a.b',
      '%C3%BC',
      '%00',
      'a%00b',
      '%F0%9F%98%80',
      'a%20b',
      "a'b",
      'a;b',
      '%2e%2e',
      'a%0Ab',
      '%C3%28',
      'x'.repeat(1_001),
      '%5B%5D',
    ];
    for (const id of bad) {
      for (const [method, path] of [
        ['PUT', `${HOOKS}/g/${id}`],
        ['GET', `${HOOKS}/g/${id}`],
        ['POST', `${HOOKS}/g/${id}/trigger`],
        ['DELETE', `${HOOKS}/g/${id}`],
        ['GET', `${HOOKS}/${id}`],
      ] as const) {
        const body = method === 'PUT' || method === 'POST' ? JSON.stringify(definition()) : undefined;
        const { status, json, text } = await send(path, { method, ...(body !== undefined && { body }) });
        assert.deepEqual([status, json.code], [400, 'InvalidRequestArguments'], `${method} ${path}: ${text}`);
      }
    }
    assert.deepEqual(await rows('select 1 from hooks'), []);
  });

  it('may be a thousand characters long and hold slashes anywhere', async (t) => {
    const { hooks, send } = await startWorld(t);
    const ids = [
      '/',
      '//',
      'a/',
      '/a',
      'a//b/status',
      '../..',
      'token',
      'status',
      'a/'.repeat(500),
      '-',
      '_',
      '__proto__',
      'constructor',
    ];
    const good = ids.filter((id) => /^[a-zA-Z0-9-_/]{1,1000}$/.test(id));
    assert.equal(good.length, ids.length - 1);
    const group = '__proto__'.padEnd(1_000, '-');
    for (const id of good) {
      const made = await hooks.createHook(group, id, definition());
      assert.deepEqual([made.hookGroupId, made.hookId], [group, id]);
      assert.deepEqual(await hooks.hook(group, id), made);
      assert.ok((await hooks.triggerHook(group, id, {})).taskId, id);
      assert.equal((await hooks.listLastFires(group, id)).lastFires[0].hookId, id);
      assert.ok((await hooks.getTriggerToken(group, id)).token);
    }
    const { hooks: listed } = await hooks.listHooks(group);
    assert.deepEqual(new Set(listed.map(({ hookId }: { hookId: string }) => hookId)), new Set(good));
    for (const id of good) await hooks.removeHook(group, id);
    assert.equal((await send(`${HOOKS}/${group}`)).status, 404);
  });

  it('with an unencoded slash is another route, or none', async (t) => {
    const { send, hooks } = await startWorld(t);
    await hooks.createHook('g', 'a/status', definition());
    assert.equal((await send(`${HOOKS}/g/a/status`)).status, 404, 'the status of a hook that is not there');
    assert.equal((await send(`${HOOKS}/g/a/b/c`)).status, 404);
    assert.equal((await send(`${HOOKS}/g/a%2Fstatus`)).json.hookId, 'a/status');
  });
});

describe('a definition', () => {
  it('that is not one is refused with what is wrong', async (t) => {
    const server = await startWorld(t);
    const { metadata } = definition();
    const invalid: Readonly<Record<string, Answer>> = {
      '': [400, 'InputValidationError'],
      '{': [400, 'MalformedPayload'],
      null: [400, 'MalformedPayload'],
      '"text"': [400, 'MalformedPayload'],
      '[]': [400, 'InputValidationError'],
      '{}': [400, 'InputValidationError'],
      [nested(600, '[', ']')]: [400, 'MalformedPayload'],
      [`{"a":${nested(600, '{"a":', '}').replace('{"a":}', '{}')}}`]: [400, 'MalformedPayload'],
      [nested(200_000, '[', '')]: [400, 'MalformedPayload'],
      '\u0000': [400, 'MalformedPayload'],
      '{"a": 1,}': [400, 'MalformedPayload'],
    };
    for (const [body, expected] of Object.entries(invalid))
      assert.deepEqual(await put(server, body), expected, body.slice(0, 60));
    for (const [what, more, code = 'InputValidationError'] of [
      ['a task that is text', { task: 'x' }],
      ['a task that is a list', { task: [] }],
      ['no owner', { metadata: { ...metadata, owner: undefined } }],
      ['an owner who is no address', { metadata: { ...metadata, owner: 'nobody' } }],
      ['an owner with a line end', { metadata: { ...metadata, owner: 'a@example.com\nBcc: b@example.com' } }],
      ['a long owner', { metadata: { ...metadata, owner: `${'a'.repeat(250)}@example.com` } }],
      ['a long name', { metadata: { ...metadata, name: 'n'.repeat(256) } }],
      ['more metadata', { metadata: { ...metadata, more: 1 } }],
      ['emailOnError as text', { metadata: { ...metadata, emailOnError: 'true' } }],
      ['a schedule that is text', { schedule: '0 0 1 * * *' }],
      ['a schedule of numbers', { schedule: [1] }],
      ['a schedule with a repeat', { schedule: ['0 0 1 * * *', '0 0 1 * * *'] }],
      ['a binding without a pattern', { bindings: [{ exchange: 'exchange/x' }] }],
      ['a binding with more', { bindings: [{ exchange: 'e', routingKeyPattern: '#', more: 1 }] }],
      ['the same binding twice', { bindings: [...bindingTo('e').bindings, ...bindingTo('e').bindings] }],
      ['a schema that is a boolean', { triggerSchema: true }],
      ['something else', { nextTaskId: 'x' }],
      ['another group', { hookGroupId: 'other' }, 'InputError'],
      ['another id', { hookId: 'other' }, 'InputError'],
      ['a bad schedule', { schedule: ['x'.repeat(255)] }, 'InputError'],
      [
        'a schema for lists of itself',
        { triggerSchema: { type: 'object', $ref: 'http://example.com/x' } },
        'InputError',
      ],
    ] as const) {
      assert.deepEqual(await put(server, definition(more)), [400, code], what);
    }
    const own = `{"__proto__": {"task": {}}, "metadata": ${JSON.stringify(metadata)}, "task": {}}`;
    assert.deepEqual(await put(server, own), [400, 'InputValidationError'], '__proto__ is a property like any other');
    assert.deepEqual(await server.rows('select 1 from hooks union all select 1 from audit'), []);
  });

  it('keeps what it holds as it came: __proto__, NUL, lone surrogates, numbers, the order of keys', async (t) => {
    const { send, hooks } = await startWorld(t);
    const task = `{"b":1,"a":{"__proto__":{"x":1},"constructor":2},"nul":"\\u0000","text":"\\ud800 ü 😀","big":1e21,"0":[],"":null}`;
    const body = `{"metadata":${JSON.stringify(definition().metadata)},"task":${task},"triggerSchema":{"type":"object"}}`;
    const { status, text } = await send(`${HOOKS}/g/h`, { method: 'PUT', body });
    assert.equal(status, 200, text);
    const read = await send(`${HOOKS}/g/h`);
    assert.equal(JSON.stringify(JSON.parse(read.text).task), JSON.stringify(JSON.parse(task)));
    assert.equal((await send(`${HOOKS}/g/h`, { method: 'PUT', body })).status, 200, 'it is equal to itself');
    assert.deepEqual(Object.keys((await hooks.hook('g', 'h')).task), Object.keys(JSON.parse(task)));
  });

  it('with a thousand patterns is saved, and its next date is the earliest of all', async (t) => {
    const { hooks, send } = await startWorld(t);
    const schedule = Array.from({ length: 1_000 }, (_, n) => `${n % 60} ${Math.floor(n / 60)} 3 1 1 *`);
    await hooks.createHook('g', 'h', definition({ schedule }));
    assert.match((await hooks.getHookStatus('g', 'h')).nextScheduledDate, /-01-01T03:00:00\.000Z$/);
    const huge = { schedule: Array.from({ length: 9_000 }, (_, n) => `${n % 60} * * * * ${n}`) };
    const reply = await send(`${HOOKS}/g/i`, { method: 'PUT', body: JSON.stringify(definition(huge)) });
    assert.equal(reply.status, 400);
    assert.ok(reply.text.length < MB);
  });

  it('of almost a megabyte is saved, read and fires', async (t) => {
    const { hooks, queue } = await startWorld(t);
    const big = { payload: { big: 'x'.repeat(MB - 1_000) } };
    await hooks.createHook('g', 'h', definition({ task: big }));
    assert.deepEqual((await hooks.hook('g', 'h')).task, big);
    assert.ok((await hooks.triggerHook('g', 'h', {})).taskId);
    assert.deepEqual(parsed(queue.tasks)[0].payload, big.payload);
  });

  it('whose schema takes long to compile is refused, and others are served meanwhile', async (t) => {
    const server = await startWorld(t);
    const wide = (depth: number): object =>
      depth === 0 ? { const: 1 } : { anyOf: Array.from({ length: 12 }, () => wide(depth - 1)) };
    const order: string[] = [];
    const saving = put(server, definition({ triggerSchema: wide(4) })).then((answer) => {
      order.push('saving');
      return answer;
    });
    await server.hooks.ping();
    order.push('ping');
    const [status] = await saving;
    assert.equal(status, 400);
    assert.deepEqual(order, ['ping', 'saving']);
  });
});

describe('a payload', () => {
  it('is taken as it came, or refused', async (t) => {
    const { hooks, send, queue } = await startWorld(t);
    await hooks.createHook('g', 'h', definition({ triggerSchema: {} }));
    const trigger = async (body: string | Buffer, headers = {}) => {
      const { status, json } = await send(`${HOOKS}/g/h/trigger`, { method: 'POST', body, headers });
      return [status, json.code];
    };
    const strange =
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"n":"\\u0000","s":"\\udc00","":[1e400,-0]}';
    assert.deepEqual(await trigger(strange), [200, undefined]);
    const [task] = queue.tasks.values();
    assert.equal(JSON.stringify(JSON.parse(task ?? '').payload.said), JSON.stringify(JSON.parse(strange)));
    assert.equal(({} as { polluted?: number }).polluted, undefined);
    assert.deepEqual(await trigger(JSON.stringify({ a: 'x'.repeat(9 * MB) })), [200, undefined]);
    assert.deepEqual(await trigger('[1]'), [400, 'InputValidationError']);
    assert.deepEqual(await trigger(Buffer.from([0x7b, 0xff, 0x7d])), [400, 'MalformedPayload']);
    assert.deepEqual(await trigger('{"taskId": "not one"}'), [400, 'InputError']);
    assert.deepEqual(await trigger('{"taskId": 5}'), [200, undefined], 'which is no taskId but a property');
    assert.deepEqual(await trigger('{}', { 'content-type': 'application/x-www-form-urlencoded' }), [
      400,
      'MalformedPayload',
    ]);
  });

  it('has no properties but its own: what every object inherits neither fits a schema nor offends it', async (t) => {
    const { hooks, queue } = await startWorld(t);
    const properties = { constructor: { type: 'string' } };
    await hooks.createHook('g', 'h', definition({ triggerSchema: { type: 'object', properties } }));
    const { taskId } = await hooks.triggerHook('g', 'h', {});
    assert.deepEqual(JSON.parse(queue.tasks.get(taskId) ?? '').payload.said, {});
    await assert.rejects(hooks.triggerHook('g', 'h', { constructor: 1 }), /data\/constructor must be string/);
    const required = ['constructor', 'toString'];
    await hooks.updateHook('g', 'h', definition({ triggerSchema: { type: 'object', required } }));
    await assert.rejects(hooks.triggerHook('g', 'h', {}), /must have required property 'constructor'/);
  });

  it('cannot reach out of the template', async (t) => {
    const { hooks, queue } = await startWorld(t);
    const task = { payload: { a: { $eval: 'payload.a' }, b: '${payload.b}', c: { $json: { $eval: 'payload' } } } };
    await hooks.createHook('g', 'h', definition({ task }));
    const payload = { a: { $eval: 'taskId' }, b: '${taskId}', c: { $if: 'true', then: 1 } };
    const { taskId } = await hooks.triggerHook('g', 'h', payload);
    const made = JSON.parse(queue.tasks.get(taskId) ?? '').payload;
    assert.deepEqual([made.a, made.b, JSON.parse(made.c)], [payload.a, payload.b, payload]);
    const inherited = [
      'payload.constructor',
      'payload.__proto__',
      'payload.a.length',
      'toString',
      'process',
      '__proto__',
    ];
    for (const expression of inherited) {
      await hooks.updateHook('g', 'h', definition({ task: { payload: { $eval: expression } } }));
      await assert.rejects(hooks.triggerHook('g', 'h', { a: 'x' }), { code: 'InputError' }, expression);
    }
    for (const key of ['constructor', '__proto__', 'toString']) {
      await hooks.updateHook('g', 'h', definition({ task: { payload: { $eval: `payload["${key}"]` } } }));
      const answer = await hooks.triggerHook('g', 'h', {});
      assert.equal(JSON.parse(queue.tasks.get(answer.taskId) ?? '').payload, null, `nothing is there under ${key}`);
    }
  });

  it('that makes a template grow without end is stopped with a reason', async (t) => {
    const { hooks, send } = await startWorld(t);
    const doubled = Array.from({ length: 60 }).reduce<object>(
      (inner) => ({ $let: { x: { $eval: 'x + x' } }, in: inner }),
      { $eval: 'x' },
    );
    await hooks.createHook('g', 'h', definition({ task: { payload: { $let: { x: 'ab' }, in: doubled } } }));
    await assert.rejects(hooks.triggerHook('g', 'h', {}), { code: 'InputError' });
    const { json } = await send(`${HOOKS}/g/h/fires`);
    assert.ok(['limited', 'failed'].includes(json.fires[0].outcome));
  });
});

describe('a call of another kind', () => {
  it('finds no route, and HEAD finds what GET does', async (t) => {
    const { hooks, send } = await startWorld(t);
    await hooks.createHook('g', 'h', definition());
    for (const method of ['PATCH', 'PUT', 'DELETE', 'TRACE', 'PROPFIND']) {
      const { status, json } = await send(`${HOOKS}/g/h/trigger`, { method, ...(method === 'PUT' && { body: '{}' }) });
      assert.deepEqual([status, json], [404, { error: 'Not found' }], method);
    }
    for (const path of ['', '/g', '/g/h', '/g/h/status', '/g/none', '/g/h/last-fires']) {
      const [get, head] = [await send(`${HOOKS}${path}`), await send(`${HOOKS}${path}`, { method: 'HEAD' })];
      assert.deepEqual([head.status, head.text], [get.status, ''], path);
    }
    const head = await send(`${HOOKS}/g/h/token`, { method: 'HEAD' });
    assert.deepEqual([head.status, head.text], [200, '']);
    assert.equal((await send(`${HOOKS}/g/h/trigger`, { method: 'HEAD' })).status, 404);
    await assert.rejects(hooks.listLastFires('g', 'h'), { statusCode: 404 });
  });

  it('with a query that is not known, or a page that is none, is refused', async (t) => {
    const { hooks, send } = await startWorld(t);
    await hooks.createHook('g', 'h', definition());
    await hooks.triggerHook('g', 'h', {});
    const answers: Readonly<Record<string, Answer | readonly [200]>> = {
      'foo=1': [400, 'InvalidRequestArguments'],
      'limit=x': [400, 'InvalidRequestArguments'],
      'limit=-1': [400, 'InvalidRequestArguments'],
      'limit=1&limit=2': [400, 'InvalidRequestArguments'],
      '__proto__=1': [400, 'InvalidRequestArguments'],
      'limit=': [400, 'InvalidRequestArguments'],
      'continuationToken=%21%21': [400, 'InputError'],
      'continuationToken=%00': [400, 'InputError'],
      [`continuationToken=${'a'.repeat(5_000)}`]: [400, 'InputError'],
      'limit=0': [404, 'ResourceNotFound'],
      'limit=99999999999999999999999': [200],
    };
    for (const [query, expected] of Object.entries(answers)) {
      const { status, json } = await send(`${HOOKS}/g/h/last-fires?${query}`);
      assert.deepEqual(status === 200 ? [status] : [status, json.code], expected, query.slice(0, 50));
    }
  });
});
