import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createFakeClock } from '../../test/support/fake-clock.ts';
import { silentLog } from '../core/log.ts';
import { createMetrics } from '../core/metrics.ts';
import { ApiError } from './api-error.ts';
import { withCommonMethods } from './common-methods.ts';
import { serveApis } from './serve-api.ts';
import { createHttpServer } from './server.ts';

/** A service without methods of its own, whose health is what `checkHealth` says. */
const serviceWith = (checkHealth: () => Promise<void>) => {
  const clock = createFakeClock();
  const metrics = createMetrics({ processMetrics: false });
  const server = createHttpServer({ clock, log: silentLog, metrics, checkReadiness: checkHealth });
  const api = { service: 'some', title: 'Some Service', description: '', methods: [] };
  serveApis(server, [withCommonMethods(api, { clock, checkHealth })], {
    authenticate: async () => assert.fail('nobody asks who calls'),
    satisfies: () => assert.fail('nobody asks what he may'),
    forgive: () => {},
    rootUrl: () => 'http://example.com',
    ...{ clock, log: silentLog, metrics },
  });
  return { clock, get: (path: string) => server.inject(`/api/some/v1${path}`) };
};

it('the heartbeat says what does not answer, while the others do not look', async () => {
  const { get } = serviceWith(async () => {
    throw new ApiError('ServiceUnavailable', 'the database does not answer', new Error('password=hunter2'));
  });
  const reply = await get('/__heartbeat__');
  assert.equal(reply.statusCode, 503);
  const { code, message, requestInfo } = reply.json();
  assert.equal(code, 'ServiceUnavailable');
  assert.match(message, /^the database does not answer\n\n---\n\n\* method: {5}heartbeat\n/);
  assert.equal(requestInfo.method, 'heartbeat');
  assert.doesNotMatch(reply.body, /hunter2/);
  for (const path of ['/ping', '/__lbheartbeat__', '/__version__']) assert.equal((await get(path)).statusCode, 200);
});

it('the heartbeat keeps to itself what an unforeseen error says', async () => {
  const { get } = serviceWith(async () => {
    throw new Error('postgres://user:hunter2@db');
  });
  const reply = await get('/__heartbeat__');
  assert.equal(reply.statusCode, 503);
  assert.doesNotMatch(reply.body, /hunter2|postgres/);
});

it('the heartbeat asks each time', async () => {
  let isThere = false;
  const { get } = serviceWith(async () => {
    if (!isThere) throw new ApiError('ServiceUnavailable', 'away');
  });
  assert.equal((await get('/__heartbeat__')).statusCode, 503);
  isThere = true;
  const reply = await get('/__heartbeat__');
  assert.deepEqual([reply.statusCode, reply.json()], [200, {}]);
});

it('ping says for how many seconds the service is there', async () => {
  const { clock, get } = serviceWith(async () => {});
  await clock.advance(1_500);
  assert.deepEqual((await get('/ping')).json(), { alive: true, uptime: 1.5 });
});
