// The stand-in deployment is measured too: the real client finds in it what the real deployment
// has, and what is no request of a client's does not pass.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { clientsOf, taskcluster } from '../support/client.ts';
import type { Cleanup } from '../support/database.ts';
import { startDeployment } from '../support/deployment.ts';
import { authorization, send } from '../support/request.ts';

const accessToken = 'x'.repeat(44);
const TASK_ID = 'dSlITZ4yQgmvxxAi4A8fHQ';
const HOUR = 3_600_000;
const inHours = (hours: number) => new Date(Date.now() + hours * HOUR).toISOString();
const definition = () => ({
  taskQueueId: 'proj/worker',
  created: inHours(0),
  deadline: inHours(1),
  payload: {},
  metadata: { name: 'n', description: '', owner: 'o@example.com', source: 'https://example.com/' },
});
const CREATE = ['queue:create-task:lowest:proj/*', 'queue:scheduler-id:-', 'queue:create-task:project:none'];

const begin = async (t: Cleanup) => {
  const deployment = await startDeployment(t);
  deployment.roles.set('maker:*', [...CREATE, 'made:<..>']);
  deployment.clients.set('me', { accessToken, scopes: ['assume:maker:one', 'auth:create-client:me/*'] });
  return deployment;
};

it('the stand-in keeps tasks as the real queue does, for the real client', async (t) => {
  const deployment = await begin(t);
  const { queue } = clientsOf(deployment.rootUrl, { clientId: 'me', accessToken });
  const task = definition();
  const { status } = await queue.createTask(TASK_ID, task);
  assert.equal(status.state, 'pending');
  await queue.createTask(TASK_ID, task);
  await assert.rejects(queue.createTask(TASK_ID, { ...task, payload: { other: 1 } }), { statusCode: 409 });
  await assert.rejects(queue.createTask(TASK_ID, { ...task, created: inHours(-1) }), { statusCode: 400 });
  await assert.rejects(queue.createTask(TASK_ID, { ...task, priority: 'high' }), { code: 'InsufficientScopes' });
  const restricted = queue.use({ authorizedScopes: [] });
  await assert.rejects(restricted.createTask(TASK_ID, task), { code: 'InsufficientScopes' });
  await assert.rejects(queue.task(TASK_ID), { code: 'InsufficientScopes' });
  assert.deepEqual(
    deployment.calls('queue.createTask').map(({ status, authorizedScopes }) => [status, authorizedScopes]),
    [...[200, 200, 409, 400, 403].map((code) => [code, undefined]), [403, []]],
  );
});

it('the stand-in knows signatures, certificates and roles as the real Auth does', async (t) => {
  const deployment = await begin(t);
  const { auth } = clientsOf(deployment.rootUrl);
  const [host, port] = ['hooks.example.com', 443];
  const ask = (credentials: { clientId: string; accessToken: string }, ext?: string) =>
    auth.authenticateHawk({
      ...{ method: 'get', resource: '/x?y=1', host, port },
      authorization: authorization(`https://${host}/x?y=1`, 'GET', { credentials, ...(ext && { ext }) }),
    });
  const { status, scopes } = await ask({ clientId: 'me', accessToken });
  assert.equal(status, 'auth-success');
  assert.ok(scopes.includes('made:one') && scopes.includes('assume:anonymous'));
  assert.equal((await ask({ clientId: 'me', accessToken: 'wrong' })).message, 'Unauthorized: Bad mac');

  const temporary = taskcluster.createTemporaryCredentials({
    ...{ credentials: { clientId: 'me', accessToken }, clientId: 'me/temporary', scopes: ['made:one'] },
    ...{ start: new Date(Date.now() - HOUR), expiry: new Date(Date.now() + HOUR) },
  });
  const ext = Buffer.from(JSON.stringify({ certificate: JSON.parse(temporary.certificate) })).toString('base64');
  const found = await ask(temporary, ext);
  assert.deepEqual([found.clientId, found.scopes], ['me/temporary', ['assume:anonymous', 'made:one']]);
  assert.equal((await auth.authenticateHawk({ method: 'get', resource: '/', host, port })).status, 'no-auth');
});

it('a request that the real deployment does not know fails the test', async () => {
  const undo: (() => Promise<void>)[] = [];
  const deployment = await begin({ after: (step) => undo.push(step) });
  const json = { 'content-type': 'application/json' };
  await send(deployment.rootUrl, '/api/queue/v1/nonsense');
  await send(deployment.rootUrl, '/api/queue/v1/ping?x=1');
  await send(deployment.rootUrl, '/api/notify/v1/email', { method: 'POST', headers: json, body: '{}' });
  await send(deployment.rootUrl, `/api/queue/v1/task/${TASK_ID}`, { headers: json, body: '{}' });
  assert.equal(deployment.violations.length, 4, deployment.violations.join('\n'));
  await assert.rejects(undo[0]?.() ?? Promise.resolve(), /requests that the deployment does not know/);
});
