// Calls to a deployment: over connections that are kept, within a deadline and a bound, tried again
// where that helps, and with no secret in what fails.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { systemClock } from '../../src/core/clock.ts';
import { createMetrics } from '../../src/core/metrics.ts';
import { createTaskclusterClient, type TaskclusterCall } from '../../src/taskcluster/taskcluster-client.ts';
import type { Cleanup } from '../support/database.ts';
import type { Fault } from '../support/deployment.ts';
import { lastFirst } from '../support/wait.ts';
import { createBackends } from './backends.ts';
import { SERVER, TOKENS } from './world.ts';

const PING: TaskclusterCall = {
  ...{ service: 'queue', name: 'ping', verb: 'GET', path: '/ping', as: 'ourselves' },
  deadlineMs: 20_000,
};

describe('a call to a deployment', () => {
  it('uses the connections that are there', async (t) => {
    const { client, deployment } = await createBackends(t);
    for (let times = 0; times < 10; times += 1) await client.call(PING);
    assert.equal(deployment.connections(), 1);
    await Promise.all(Array.from({ length: 200 }, () => client.call(PING)));
    assert.ok(deployment.connections() <= 64, `${deployment.connections()} connections`);
  });

  it('waits for no other service that hangs', async (t) => {
    const { client, deployment } = await createBackends(t);
    deployment.fail('queue.ping', { kind: 'hang' });
    const enough = new AbortController();
    const hanging = Array.from({ length: 100 }, () => client.call(PING, enough.signal).catch(() => {}));
    assert.ok((await client.call({ ...PING, service: 'auth' })).ok);
    enough.abort();
    await Promise.all(hanging);
  });

  it('that finds its kept connection closed is made again at once', async (t) => {
    const { client, deployment } = await createBackends(t);
    await client.call(PING);
    await deployment.goAway();
    await deployment.comeBack();
    assert.ok((await client.call(PING)).ok);
  });

  it('is tried as often as it may be, and no more', async (t) => {
    const { client, deployment } = await createBackends(t);
    const tryWith = async (fault: Fault, tries: number) => {
      const before = deployment.received.length;
      deployment.fail('queue.ping', fault, 2);
      const answer = await client.call({ ...PING, tries }).catch((error: Error) => error);
      deployment.fail('queue.ping');
      return [answer instanceof Error ? 'failed' : 'answered', deployment.received.length - before];
    };
    assert.deepEqual(await tryWith({ kind: 'status', status: 503 }, 1), ['failed', 1]);
    assert.deepEqual(await tryWith({ kind: 'status', status: 503 }, 2), ['failed', 2]);
    assert.deepEqual(await tryWith({ kind: 'status', status: 503 }, 3), ['answered', 3]);
    assert.deepEqual(await tryWith({ kind: 'status', status: 429 }, 3), ['answered', 3]);
    assert.deepEqual(await tryWith({ kind: 'status', status: 401 }, 3), ['failed', 1]);
  });

  it('that nobody answers ends with its deadline, also while it waits to be tried again', async (t) => {
    const { client, deployment } = await createBackends(t);
    deployment.fail('queue.ping', { kind: 'hang' });
    await assert.rejects(client.call({ ...PING, deadlineMs: 50, tries: 100 }), /queue\.ping at .* within 0\.05 s/);
    deployment.fail('queue.ping', { kind: 'status', status: 500 });
    await assert.rejects(client.call({ ...PING, deadlineMs: 200, tries: 1_000 }), /within 0\.2 s/);
  });

  it('ends when who made it gives up, and when the client is disposed', async (t) => {
    const { client, deployment } = await createBackends(t);
    deployment.fail('queue.ping', { kind: 'hang' });
    const enough = new AbortController();
    const first = assert.rejects(client.call(PING, enough.signal));
    enough.abort();
    await first;
    const second = assert.rejects(client.call(PING));
    await client[Symbol.asyncDispose]();
    await second;
  });

  it('says where nobody is', async (t) => {
    const { client, deployment } = await createBackends(t);
    await deployment.goAway();
    await assert.rejects(client.call(PING), (error: Error) => {
      assert.ok(error.message.startsWith(`queue.ping at ${deployment.rootUrl} did not answer: connect ECONNREFUSED`));
      return true;
    });
  });

  it('shows its token and its signature in no error', async (t) => {
    const { client, deployment } = await createBackends(t);
    const faults: Fault[] = [
      { kind: 'cut' },
      { kind: 'status', status: 401 },
      { kind: 'status', status: 500 },
      { kind: 'status', status: 502, html: true },
      { kind: 'answer', text: '{' },
    ];
    for (const fault of faults) {
      deployment.fail('queue.ping', fault);
      const error = await client.call(PING).catch((thrown: unknown) => thrown);
      assert.ok(error instanceof Error);
      const shown = inspect(error, { depth: 10, showHidden: true });
      assert.ok(!shown.includes(TOKENS[SERVER]) && !/mac="/.test(shown), fault.kind);
    }
  });

  it('is measured by service, method and what became of it', async (t) => {
    const { client, deployment, metrics } = await createBackends(t);
    await client.call(PING);
    deployment.fail('queue.ping', { kind: 'cut' });
    await client.call(PING).catch(() => {});
    const text = await metrics.registry.metrics();
    assert.match(text, /hookwright_deployment_seconds_count\{service="queue",method="ping",outcome="200"\} 1/);
    assert.match(text, /hookwright_deployment_seconds_count\{service="queue",method="ping",outcome="none"\} 1/);
  });
});

/** A server that is no deployment at all. */
const startOther = async (t: Cleanup, respond: (request: IncomingMessage, response: ServerResponse) => void) => {
  const cleanup = lastFirst(t);
  const server: Server = createServer(respond).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanup.after(async () => {
    server.closeAllConnections();
    server.close();
  });
  const rootUrl = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const client = createTaskclusterClient({
    deployment: { rootUrl, clientId: SERVER, accessToken: TOKENS[SERVER], certificate: undefined },
    ...{ clock: systemClock, metrics: createMetrics() },
  });
  cleanup.after(async () => client[Symbol.asyncDispose]());
  return client;
};

describe('what is no service of Taskcluster', () => {
  it('may send an answer of a bounded size only', async (t) => {
    let sent = 0;
    const client = await startOther(t, (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const chunk = Buffer.alloc(64 * 1024, ' ');
      const write = () => {
        while (!response.destroyed) {
          sent += chunk.length;
          if (!response.write(chunk)) return void response.once('drain', write);
        }
      };
      write();
    });
    await assert.rejects(client.call(PING), /larger than 1048576 bytes/);
    assert.ok(sent < 64 * 1024 * 1024, `${sent} bytes were sent`);
  });

  it('is not followed elsewhere, and is told from a refusal', async (t) => {
    const client = await startOther(t, (request, response) => {
      if (request.url?.includes('moved')) response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
      else if (request.url?.includes('json')) {
        response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"Not found"}');
      } else response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not found</h1>');
    });
    await assert.rejects(client.call({ ...PING, path: '/moved' }), /answered 302.*is the root URL right/);
    await assert.rejects(client.call({ ...PING, path: '/json' }), /answered 404.*is the root URL right/);
    await assert.rejects(client.call(PING), /answered 404.*is the root URL right/);
  });
});
