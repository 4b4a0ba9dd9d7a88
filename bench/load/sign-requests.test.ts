import { equal } from 'node:assert/strict';
import { test } from 'node:test';
import hawk from 'hawk';
import { signRequests } from './sign-requests.ts';

test('the requests of the load are signed as the hawk package wants it, each with a nonce of its own', async () => {
  const accessToken = 'a-secret-of-some-length';
  const plan = {
    signedFor: { host: '127.0.0.1', port: 8080 },
    credentials: { clientId: 'root', accessToken },
    path: '/api/hooks/v1/hooks/bench/a%2Fb/trigger',
    body: '{"a":1}',
    requests: 40,
  };
  const { bytes, length } = signRequests(plan, Date.now());
  equal(bytes.length, 40 * length);
  const nonces = new Set<string>();
  for (let index = 0; index < plan.requests; index++) {
    const request = bytes.toString('latin1', index * length, (index + 1) * length);
    const header = (name: string): string => new RegExp(`\\r\\n${name}: (.*)\\r\\n`).exec(request)?.[1] ?? '';
    const { artifacts } = await hawk.server.authenticate(
      {
        method: 'POST',
        url: request.split(' ')[1] ?? '',
        host: '127.0.0.1',
        port: 8080,
        authorization: header('Authorization'),
      },
      async () => ({ key: accessToken, algorithm: 'sha256' }),
      {},
    );
    nonces.add(artifacts.nonce);
    equal(request.slice(-Number(header('Content-Length'))), plan.body);
  }
  equal(nonces.size, plan.requests);
});
