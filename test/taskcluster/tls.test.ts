// A deployment behind TLS, as real ones are: its certificate is checked, and signatures are for its
// name and port.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { createMetrics } from '../../src/core/metrics.ts';
import { TEST_CERTIFICATE, TEST_KEY } from '../../src/mail/test-support/certificate.ts';
import { createTaskclusterClient } from '../../src/taskcluster/taskcluster-client.ts';
import { clientsOf, ECHO_SCOPES, echoHook } from '../support/client.ts';
import type { Cleanup } from '../support/database.ts';
import { newFolder } from '../support/server.ts';
import { startTlsProxy } from '../support/tls-proxy.ts';
import { eventually, lastFirst } from '../support/wait.ts';
import { createWorld, PERSON_CREDENTIALS, SERVER, TOKENS } from './world.ts';

/** Keeps the Host header. Answers its URL. */
const startProxy = async (cleanup: Cleanup, target: string): Promise<string> => {
  const certificate = { key: TEST_KEY, cert: TEST_CERTIFICATE };
  return `https://localhost:${await startTlsProxy(cleanup, certificate, target, { setsHost: false })}`;
};

it('a server of a deployment behind TLS trusts the authority that it is told to trust', async (t) => {
  const cleanup = lastFirst(t);
  const { deployment, start } = await createWorld(cleanup);
  const rootUrl = await startProxy(cleanup, deployment.rootUrl);
  const file = join(await newFolder(cleanup), 'authority.pem');
  await writeFile(file, TEST_CERTIFICATE);
  const server = await start({ TASKCLUSTER_ROOT_URL: rootUrl, NODE_EXTRA_CA_CERTS: file });
  await eventually('it says where the deployment is', () => server.said().includes(rootUrl));

  const { hooks } = clientsOf(rootUrl, PERSON_CREDENTIALS, { agent: { ca: TEST_CERTIFICATE } });
  deployment.roles.set('hook-id:g/h', ECHO_SCOPES);
  await hooks.createHook('g', 'h', echoHook());
  const { taskId } = await hooks.triggerHook('g', 'h', {});
  assert.ok(deployment.tasks.has(taskId));
  assert.deepEqual(await hooks.heartbeat(), {});
});

it('a deployment whose certificate nobody vouches for is not spoken to', async (t) => {
  const cleanup = lastFirst(t);
  const { deployment } = await createWorld(cleanup);
  const rootUrl = new URL(await startProxy(cleanup, deployment.rootUrl));
  const client = createTaskclusterClient({
    deployment: { rootUrl, clientId: SERVER, accessToken: TOKENS[SERVER], certificate: undefined },
    ...{ clock: systemClock, metrics: createMetrics() },
  });
  cleanup.after(async () => client[Symbol.asyncDispose]());
  const call = {
    service: 'queue',
    name: 'ping',
    verb: 'GET',
    path: '/ping',
    as: 'ourselves',
    deadlineMs: 20_000,
  } as const;
  await assert.rejects(
    client.call(call),
    /queue\.ping at https:\/\/localhost:\d+ did not answer: self-signed certificate/,
  );
  assert.equal(deployment.received.length, 0);
});
