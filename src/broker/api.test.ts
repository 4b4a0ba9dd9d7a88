import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { send } from '../../test/support/request.ts';
import { eventually, lastFirst } from '../../test/support/wait.ts';
import { silentLog } from '../core/log.ts';
import { createMetrics } from '../core/metrics.ts';
import type { Caller, ScopeExpression } from '../http/api-method.ts';
import { serveApis } from '../http/serve-api.ts';
import { createHttpServer } from '../http/server.ts';
import { createBrokerApi } from './api.ts';
import { createWorld } from './test-support/world.ts';

const HEADERS = { 'content-type': 'application/json' };
const path = (exchange: string, query = '') => `/api/broker/v1/publish/${encodeURIComponent(exchange)}${query}`;

/** A server whose only caller has these scopes; a final `*` counts as it does everywhere. */
const serve = async (t: TestContext, ...scopes: readonly string[]) => {
  const cleanup = lastFirst(t);
  const world = await createWorld(cleanup);
  const { clock } = world;
  const read: { key: string; messageId: string | undefined; text: string }[] = [];
  const { broker } = await world.start(async (deliveries) => {
    for (const { routingKey, messageId, body } of deliveries) {
      read.push({ key: routingKey, messageId, text: body.toString() });
    }
  });
  const metrics = createMetrics();
  const ending = new AbortController();
  const server = createHttpServer({ clock, log: silentLog, metrics, checkReadiness: async () => {} });
  const has = (expression: ScopeExpression): boolean => {
    if (typeof expression !== 'string') return false;
    return scopes.some((scope) =>
      scope.endsWith('*') ? expression.startsWith(scope.slice(0, -1)) : scope === expression,
    );
  };
  serveApis(server, [createBrokerApi({ tools: broker.tools, ending: ending.signal })], {
    authenticate: async (): Promise<Caller> => ({ clientId: 'me', scopes }),
    satisfies: (_caller, expression) => has(expression),
    forgive: () => {},
    rootUrl: () => '',
    clock,
    log: silentLog,
    metrics,
  });
  cleanup.after(() => server.close());
  await server.listen({ host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
  const post = (exchange: string, query: string, body: string, headers: Record<string, string> = HEADERS) =>
    send(url, path(exchange, query), { method: 'POST', headers, body });
  const watch = (verb: string, exchange: string, rest = '') =>
    send(url, `/api/broker/v1/watch/${encodeURIComponent(exchange)}${rest}`, { method: verb });
  return { ...world, post, read, watch, ending };
};

describe('publishing over HTTP', () => {
  it('reaches those who are bound, with routing key and message id', async (t) => {
    const { post, bind, read } = await serve(t, 'broker:publish:*');
    await bind('q', '#');
    const first = await post('x', '?routingKey=a.b%20c&messageId=mine', '{"n": [1, "\\u0000"]}');
    assert.deepEqual([first.status, first.json], [200, { messageId: 'mine', wasRouted: true }]);
    const second = await post('x', '', '[]');
    assert.match(second.json.messageId, /^[\w-]{22}$/);
    await eventually('both were read', () => read.length === 2);
    assert.deepEqual(read, [
      { key: 'a.b c', messageId: 'mine', text: '{"n":[1,"\\u0000"]}' },
      { key: '', messageId: second.json.messageId, text: '[]' },
    ]);
  });

  it('needs the scope for that very exchange', async (t) => {
    const { post, left } = await serve(t, 'broker:publish:exchange/mine/*');
    assert.equal((await post('exchange/mine/a', '', '{}')).status, 200);
    const refused = await post('exchange/yours/a', '', '{}');
    assert.equal(refused.status, 403);
    assert.match(refused.json.message, /broker:publish:exchange\/yours\/a/);
    await eventually('what nobody is bound to is gone', async () => (await left()).outbox === 0);
  });

  it('cannot forge what the server tells of itself, whatever the scopes', async (t) => {
    const { post } = await serve(t, '*');
    for (const exchange of [
      'exchange/taskcluster-hooks/v1/hook-created',
      'exchange/taskcluster-queue/v1/task-completed',
    ]) {
      const { status, json } = await post(exchange, '', '{}');
      assert.deepEqual([status, json.code], [400, 'InputError']);
      assert.match(json.message, /whatever their scopes/);
    }
  });

  it('refuses what no message can be', async (t) => {
    const { post } = await serve(t, '*');
    const codeOf = async (...request: Parameters<typeof post>) => {
      const { status, json } = await post(...request);
      return `${status} ${json.code}`;
    };
    assert.equal(await codeOf('x', '', '{}', { 'content-type': 'text/plain' }), '400 MalformedPayload');
    assert.equal(await codeOf('x', '', '"text"'), '400 MalformedPayload');
    assert.equal(await codeOf('é', '', '{}'), '400 InvalidRequestArguments');
    assert.equal(await codeOf('x'.repeat(256), '', '{}'), '400 InvalidRequestArguments');
    assert.equal(await codeOf('x', `?routingKey=${'a'.repeat(256)}`, '{}'), '400 InvalidRequestArguments');
    assert.equal(await codeOf('x', `?routingKey=${encodeURIComponent('é'.repeat(128))}`, '{}'), '400 InputError');
    assert.equal(await codeOf('x', '?routingKey=%00', '{}'), '400 InvalidRequestArguments');
    assert.equal(await codeOf('x', '?other=1', '{}'), '400 InvalidRequestArguments');
  });
});

describe('watching over HTTP', () => {
  it('answers what came since it was opened, each message once', async (t) => {
    const { post, watch, clock } = await serve(t, 'broker:publish:*', 'broker:watch:x');
    const opened = await watch('POST', 'x', '?routingKeyPattern=a.%23');
    assert.equal(opened.status, 200);
    const { watchId } = opened.json;
    const reading = watch('POST', 'x', `/${watchId}`);
    assert.equal((await post('x', '?routingKey=b', '{}')).json.wasRouted, false);
    assert.equal((await post('x', '?routingKey=a.1&messageId=m', '{"n": 1}')).json.wasRouted, true);
    const message = { exchange: 'x', routingKey: 'a.1', cc: [], messageId: 'm', body: '{"n":1}', bytes: 7 };
    assert.deepEqual((await reading).json, {
      messages: [{ ...message, accepted: new Date(clock.now()).toISOString() }],
      isIncomplete: false,
    });
    assert.equal((await watch('DELETE', 'x', `/${watchId}`)).status, 204);
    assert.equal((await watch('DELETE', 'x', `/${watchId}`)).status, 204);
    const gone = await watch('POST', 'x', `/${watchId}`);
    assert.deepEqual([gone.status, gone.json.code], [404, 'ResourceNotFound']);
    assert.doesNotMatch(gone.text, new RegExp(watchId));
  });

  it('needs the scope of that very exchange, which the id of the watch does not replace', async (t) => {
    const { watch } = await serve(t, 'broker:watch:mine', 'broker:watch:also-mine');
    assert.equal((await watch('POST', 'yours')).status, 403);
    const { watchId } = (await watch('POST', 'mine')).json;
    assert.equal((await watch('POST', 'yours', `/${watchId}`)).status, 403);
    assert.equal((await watch('DELETE', 'yours', `/${watchId}`)).status, 403);
    assert.equal((await watch('POST', 'also-mine', `/${watchId}`)).status, 404);
  });

  it('answers those that wait when the server ends', async (t) => {
    const { watch, ending } = await serve(t, '*');
    const { watchId } = (await watch('POST', 'x')).json;
    const reading = watch('POST', 'x', `/${watchId}`);
    ending.abort();
    assert.deepEqual((await reading).json, { messages: [], isIncomplete: false });
  });

  it('refuses what cannot be watched', async (t) => {
    const { watch } = await serve(t, '*');
    const codeOf = async (...request: Parameters<typeof watch>) => {
      const { status, json } = await watch(...request);
      return `${status} ${json.code}`;
    };
    assert.equal(await codeOf('POST', 'é'), '400 InvalidRequestArguments');
    assert.equal(
      await codeOf('POST', 'x', `?routingKeyPattern=${encodeURIComponent('é'.repeat(128))}`),
      '400 InputError',
    );
    assert.equal(await codeOf('POST', 'x', '/short'), '400 InvalidRequestArguments');
    assert.equal(await codeOf('POST', 'x', `/${'a'.repeat(44)}`), '404 ResourceNotFound');
  });
});
