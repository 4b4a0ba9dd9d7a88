// Hooks with bindings, from a message published over HTTP to its task, or to the reason why there
// is none.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { ECHO_SCOPES, echoHook, rootClients } from '../support/client.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { kill9 } from '../support/processes.ts';
import { send } from '../support/request.ts';
import { newDataFolder, serve } from '../support/server.ts';
import { eventually, lastFirst } from '../support/wait.ts';
import { bindingTo, definition, parsed, passTimeUntil } from './support/definitions.ts';
import { createWorld, type Server } from './support/world.ts';

const HOOKS = '/api/hooks/v1/hooks';
const publishPath = (exchange: string, routingKey: string) =>
  `/api/broker/v1/publish/${encodeURIComponent(exchange)}?routingKey=${encodeURIComponent(routingKey)}`;

const startWorld = async (t: TestContext) => {
  const world = await createWorld(t);
  const server = await world.start();
  const publish = async (routingKey: string, body: unknown, exchange = 'exchange/x') => {
    const reply = await server.send(publishPath(exchange, routingKey), { method: 'POST', body: JSON.stringify(body) });
    assert.equal(reply.status, 200, reply.text);
    return reply.json;
  };
  return { ...world, ...server, overHttp: publish };
};

// biome-ignore lint/suspicious/noExplicitAny: answers are what the test says they are.
const firesOf = async ({ send }: Pick<Server, 'send'>, id = 'h'): Promise<any[]> =>
  (await send(`${HOOKS}/g/${id}/fires`)).json.fires;

const said = (tasks: ReadonlyMap<string, string>) => parsed(tasks).map(({ payload }) => payload.said);

describe('a message', () => {
  it('that fits the binding fires the hook with its body as the payload, and without a clientId', async (t) => {
    const { hooks, overHttp, queue, send } = await startWorld(t);
    const task = {
      payload: { said: { $eval: 'payload' }, by: { $eval: 'firedBy' }, id: { $eval: 'taskId' }, at: { $eval: 'now' } },
    };
    await hooks.createHook('g', 'h', definition({ ...bindingTo('exchange/x', 'a.*.#'), task }));
    for (const key of ['a', 'b.a.b', 'aa.b', '', 'A.b']) await overHttp(key, { no: key });
    await overHttp('a.b.c', { elsewhere: true }, 'exchange/y');
    await overHttp('a.b', { n: 1, ü: ['\u0000', 1e21, null] });
    await overHttp('a.b.c.d', { n: 2 });
    await eventually('both fire', () => queue.tasks.size === 2);
    const tasks = parsed(queue.tasks);
    assert.deepEqual(
      tasks.map(({ payload }) => payload.said),
      [{ n: 1, ü: ['\u0000', 1e21, null] }, { n: 2 }],
    );
    for (const [index, taskId] of [...queue.tasks.keys()].entries()) {
      const { by, id } = tasks[index].payload;
      assert.deepEqual([by, id, tasks[index].taskGroupId], ['pulseMessage', taskId, taskId]);
    }
    const fires = await eventually('both are known', async () => {
      const found = await firesOf({ send });
      return found.length === 2 && found;
    });
    for (const fire of fires)
      assert.deepEqual([fire.outcome, fire.firedBy, 'clientId' in fire], ['created', 'pulseMessage', false]);

    await hooks.updateHook(
      'g',
      'h',
      definition({ ...bindingTo('exchange/x', 'a.*.#'), task: { payload: { $eval: 'clientId' } } }),
    );
    await overHttp('a.b', {});
    await eventually('it has no clientId', async () => {
      const [latest] = await firesOf({ send });
      return latest.outcome === 'failed' && /unknown context value clientId/.test(latest.error.message);
    });
  });

  it('that does not fit the trigger schema is rejected: the ledger has reason and sample, the status warns', async (t) => {
    const { hooks, overHttp, queue, send, mails } = await startWorld(t);
    const triggerSchema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] };
    await hooks.createHook('g', 'h', definition({ ...bindingTo('exchange/x'), triggerSchema }));
    await overHttp('some.key', { n: 'one', text: 'as it came' });
    const [fire] = await eventually('it is recorded', async () => {
      const fires = await firesOf({ send });
      return fires.length === 1 && fires;
    });
    assert.deepEqual([fire.outcome, fire.firedBy, fire.attempts], ['rejected', 'pulseMessage', 0]);
    assert.match(fire.error.message, /data\/n must be integer/);
    const { exchange, routingKey, message } = fire.detail;
    assert.deepEqual([exchange, routingKey, message], ['exchange/x', 'some.key', '{"n":"one","text":"as it came"}']);
    const { warnings, lastFire } = await hooks.getHookStatus('g', 'h');
    assert.equal(warnings.length, 1);
    assert.match(warnings[0], /did not fit the trigger schema: data\/n must be integer/);
    assert.deepEqual(lastFire, { result: 'no-fire' });
    await assert.rejects(hooks.listLastFires('g', 'h'), { statusCode: 404 });
    assert.deepEqual(mails, []);

    await overHttp('some.key', { n: 1 });
    await eventually('a later one fires', () => queue.tasks.size === 1);
    await eventually('the warning is gone', async () => !('warnings' in (await hooks.getHookStatus('g', 'h'))));
  });

  it('that no hook could read is recorded, once, and those behind it fire', async (t) => {
    const { hooks, publish, queue, send } = await startWorld(t);
    await hooks.createHook('g', 'h', definition(bindingTo('exchange/x')));
    const deep = JSON.parse(`${'['.repeat(3_000)}${']'.repeat(3_000)}`);
    await publish('exchange/x', 'a', 'just text', 17, null, [], deep, { a: 'x'.repeat(200_000) }, { last: true });
    await eventually('the last one fires', () => said(queue.tasks).some((payload) => payload.last === true));
    const fires = await eventually('all are recorded', async () => {
      const found = await firesOf({ send });
      return found.length === 7 && found;
    });
    const outcomes = fires.toReversed().map(({ outcome }) => outcome);
    assert.deepEqual(outcomes.filter((outcome) => outcome === 'rejected').length, 5);
    for (const { outcome, detail } of fires) if (outcome === 'rejected') assert.ok(detail.message.length <= 1_000);
    assert.equal(queue.tasks.size, 2);
  });

  it('whose template fails, or asks too much, is recorded and mailed once, and those behind it fire', async (t) => {
    const { hooks, overHttp, queue, send, mails } = await startWorld(t);
    const task = { payload: { said: { $if: 'payload.bad', then: { $eval: 'nope' }, else: { $eval: 'payload' } } } };
    await hooks.createHook('g', 'h', definition({ ...bindingTo('exchange/x'), task }));
    await overHttp('a', { bad: true });
    await overHttp('a', { bad: true });
    await overHttp('a', { bad: false });
    await eventually('the last one fires', () => queue.tasks.size === 1);
    const fires = await eventually('all are recorded', async () => {
      const found = await firesOf({ send });
      return found.length === 3 && found;
    });
    assert.deepEqual(fires.map(({ outcome }) => outcome).sort(), ['created', 'failed', 'failed']);
    assert.deepEqual(
      mails.map(({ to }) => to),
      ['owner@example.com'],
    );
    assert.match(mails[0]?.text ?? '', /unknown context value nope/);
  });

  it('with a body of many megabytes fires like any other', async (t) => {
    const { hooks, overHttp, queue } = await startWorld(t);
    await hooks.createHook(
      'g',
      'h',
      definition({ ...bindingTo('exchange/x'), task: { payload: { size: { $eval: 'len(payload.a)' } } } }),
    );
    await overHttp('a', { a: 'x'.repeat(9 * 1024 * 1024) });
    await eventually('it fires', () => queue.tasks.size === 1);
    assert.equal(parsed(queue.tasks)[0].payload.size, 9 * 1024 * 1024);
  });

  it('to several patterns of one hook fires it once, to several hooks each of them', async (t) => {
    const { hooks, overHttp, queue } = await startWorld(t);
    const bindings = ['a.#', '#.b', 'a.b'].map((routingKeyPattern) => ({ exchange: 'exchange/x', routingKeyPattern }));
    await hooks.createHook('g', 'h1', definition({ bindings }));
    await hooks.createHook('g', 'h2', definition({ bindings }));
    await overHttp('a.b', { n: 1 });
    await overHttp('a.b', { n: 2 });
    await eventually('four fire', () => queue.tasks.size === 4);
    const fired = queue.asked.map(({ authorizedScopes, task }) => [
      authorizedScopes[0],
      JSON.parse(task).payload.said.n,
    ]);
    const expected = ['h1', 'h2'].flatMap((id) => [1, 2].map((n) => [`assume:hook-id:g/${id}`, n]));
    assert.deepEqual(fired.sort(), expected);
  });
});

describe('the messages of a hook', () => {
  it('fire in the order in which they were published, whatever becomes of some', async (t) => {
    const { hooks, publish, queue } = await startWorld(t);
    const triggerSchema = { type: 'object', properties: { n: { not: { multipleOf: 7 } } } }; // not linear: rendered in a worker
    await hooks.createHook('g', 'h', definition({ ...bindingTo('exchange/x'), triggerSchema }));
    const numbers = Array.from({ length: 60 }, (_, n) => n);
    for (const n of numbers) await publish('exchange/x', 'a', { n });
    const fitting = numbers.filter((n) => n % 7 !== 0);
    await eventually('all fire', () => queue.tasks.size === fitting.length);
    assert.deepEqual(
      said(queue.tasks).map(({ n }) => n),
      fitting,
    );
  });

  it('follow its bindings: a change takes effect with its answer, removal ends them', async (t) => {
    const { hooks, overHttp, queue, rows } = await startWorld(t);
    await hooks.createHook('g', 'h', definition(bindingTo('exchange/x')));
    await overHttp('a', { n: 1 });
    await eventually('it fires', () => queue.tasks.size === 1);
    await hooks.updateHook('g', 'h', definition(bindingTo('exchange/y', 'b')));
    await overHttp('a', { n: 2 }, 'exchange/x');
    await overHttp('a', { n: 3 }, 'exchange/y');
    await overHttp('b', { n: 4 }, 'exchange/y');
    await eventually('the new binding fires', () => queue.tasks.size === 2);
    await hooks.removeHook('g', 'h');
    await overHttp('b', { n: 5 }, 'exchange/y');
    await eventually('nothing is left to route', async () => (await rows('select 1 from outbox')).length === 0);
    assert.deepEqual(
      said(queue.tasks).map(({ n }) => n),
      [1, 4],
    );
    assert.deepEqual(await rows('select 1 from broker_queues union all select 1 from broker_deliveries'), []);
    await hooks.createHook('g', 'h', definition(bindingTo('exchange/y', 'b')));
    await overHttp('b', { n: 6 }, 'exchange/y');
    await eventually('a hook made again fires', () => queue.tasks.size === 3);
    assert.deepEqual(
      said(queue.tasks).map(({ n }) => n),
      [1, 4, 6],
    );
  });

  it('never fire with the default trigger schema, and the status says so and names the cure', async (t) => {
    const { hooks, send, logged, overHttp } = await startWorld(t);
    const { triggerSchema, ...withDefault } = definition(bindingTo('exchange/x'));
    assert.ok(triggerSchema);
    const made = await hooks.createHook('g', 'h', withDefault);
    assert.deepEqual(made.triggerSchema, { type: 'object', additionalProperties: false });
    const { warnings } = await hooks.getHookStatus('g', 'h');
    assert.match(warnings[0], /Give a triggerSchema that describes the messages/);
    assert.match(logged(), /"level":40.*Give a triggerSchema/);
    await overHttp('a', { n: 1 });
    await eventually('it is rejected', async () => (await firesOf({ send }))[0]?.outcome === 'rejected');
    assert.equal((await hooks.getHookStatus('g', 'h')).warnings.length, 2);
    await hooks.updateHook('g', 'h', definition());
    assert.equal((await hooks.getHookStatus('g', 'h')).warnings?.length ?? 0, 1, 'of the latest message only');
  });

  it('may not come from the exchanges of this server', async (t) => {
    const { hooks, send } = await startWorld(t);
    for (const exchange of [
      'exchange/taskcluster-queue/v1/task-created',
      'exchange/taskcluster-queue/v1/task-created-too',
      'exchange/taskcluster-hooks/v1/hook-created',
      'exchange/taskcluster-hooks/',
    ]) {
      for (const save of ['createHook', 'updateHook']) {
        const both = { bindings: [...bindingTo('exchange/x').bindings, ...bindingTo(exchange).bindings] };
        await assert.rejects(hooks[save]('g', 'h', definition(both)), (error: Error & { code: string }) => {
          assert.equal(error.code, 'InputError');
          assert.match(error.message, /have been denied access to hooks/);
          assert.ok(error.message.includes(exchange) && !error.message.includes('"exchange/x"'));
          return true;
        });
        await hooks.createHook('g', 'h', definition());
      }
      const forged = await send(publishPath(exchange, 'a'), { method: 'POST', body: '{}' });
      if (/hooks|queue/.test(exchange)) assert.equal(forged.status, 400);
    }
    assert.equal(
      (await hooks.createHook('g', 'i', definition(bindingTo('exchange/taskcluster-queue/v1/task-completed')))).hookId,
      'i',
    );
  });

  it('wait in the broker while the queue takes no tasks, and none is lost when it does', async (t) => {
    const clock = createFakeClock();
    const { start, publish, queue } = await createWorld(t, { clock });
    const { hooks } = await start();
    await hooks.createHook('g', 'h', definition(bindingTo('exchange/x')));
    queue.behave('unavailable');
    await publish('exchange/x', 'a', ...Array.from({ length: 200 }, (_, n) => ({ n })));
    await passTimeUntil(
      clock,
      'all were tried',
      () => new Set(queue.asked.map(({ taskId }) => taskId)).size === 200,
      200,
    );
    queue.behave('create');
    await passTimeUntil(clock, 'all fire', () => queue.tasks.size === 200, 5_000);
    assert.deepEqual(new Set(said(queue.tasks).map(({ n }) => n)).size, 200);
  });
});

describe('kill -9', () => {
  it('between accepting messages and firing them loses none and doubles none', async (t) => {
    const cleanup = lastFirst(t);
    const folder = await newDataFolder(cleanup);
    let server = await serve(cleanup, folder);
    const { hooks, auth } = rootClients(server.credentials);
    await auth.createRole('hook-id:g/h', { scopes: ECHO_SCOPES, description: '' });
    const task = { ...echoHook().task, payload: { n: { $eval: 'payload.n' } } };
    await hooks.createHook('g', 'h', echoHook({ ...bindingTo('exchange/x'), task }));
    const accepted: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      const { url, credentials } = server;
      const publishing = Array.from({ length: 40 }, async (_, index) => {
        const n = round * 100 + index;
        const reply = await send(url, publishPath('exchange/x', 'a'), {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ n }),
          credentials,
        }).catch(() => undefined);
        if (reply?.status === 200) accepted.push(n);
        if (accepted.length === 15 * (round + 1)) kill9(server.pid);
      });
      await Promise.all(publishing);
      kill9(server.pid);
      await server.exit;
      server = await serve(cleanup, folder);
    }
    const root = rootClients(server.credentials);
    const allAccepted = async () => {
      const { lastFires } = await root.hooks.listLastFires('g', 'h').catch(() => ({ lastFires: [] }));
      if (lastFires.length < accepted.length) return undefined;
      const tasks = await Promise.all(lastFires.map(({ taskId }: { taskId: string }) => root.queue.task(taskId)));
      const fired = tasks.map(({ payload }) => payload.n as number);
      return accepted.every((n) => fired.includes(n)) && fired; // what was accepted and not answered fires too
    };
    const numbers = await eventually('all that was accepted fired', allAccepted, 90_000); // a lease of the dead runs out first
    assert.equal(new Set(numbers).size, numbers.length, 'none is doubled');
  });
});
