// A server behind a TLS proxy: clients sign for the name that they call, which the proxy does not
// pass on.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type http from 'node:http';
import { join } from 'node:path';
import { it } from 'node:test';
import { type Clients, ECHO_SCOPES, echoHook, rootClients } from './support/client.ts';
import { type Cleanup, freshDatabaseUrl } from './support/database.ts';
import { authorization, send } from './support/request.ts';
import { newDataFolder, newFolder, serve } from './support/server.ts';
import { type Certificate, startTlsProxy } from './support/tls-proxy.ts';
import { lastFirst } from './support/wait.ts';

const NAME = 'hooks.example.com';
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

const makeCertificate = async (cleanup: Cleanup): Promise<Certificate> => {
  const folder = await newFolder(cleanup, 0o700);
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const made = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', `/CN=${NAME}`, '-addext', `subjectAltName=DNS:${NAME}`, '-keyout', key, '-out', cert],
  ]);
  assert.equal(made.status, 0, String(made.stderr));
  return { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
};

const refusal = (call: Promise<unknown>): Promise<{ statusCode: number; code: string }> =>
  call.then(
    () => assert.fail('it was answered'),
    (error: { statusCode: number; code: string }) => error,
  );

it('behind a TLS proxy, the server knows signatures for its --root-url and for nothing else', async (t) => {
  if (!hasOpenssl) return t.skip('openssl is not installed, which makes the certificate');
  const cleanup = lastFirst(t);
  const env = { DATABASE_URL: await freshDatabaseUrl(cleanup) };
  const rootUrl = `https://${NAME}`;
  const server = await serve(cleanup, await newDataFolder(cleanup), { env, args: ['--root-url', rootUrl] });
  const certificate = await makeCertificate(cleanup);
  const port = await startTlsProxy(cleanup, certificate, server.url, { setsHost: true });
  assert.ok(server.said().includes(`is ready at ${server.url} (clients use ${rootUrl})`));
  assert.equal(server.credentials.rootUrl, rootUrl, 'the credentials say where clients reach it');

  // The name resolves to the proxy, as DNS would have it; signatures are for port 443, as the URL
  // says.
  const agent = { ca: certificate.cert, host: '127.0.0.1', port, servername: NAME };
  const through = (url: string): Clients => rootClients({ ...server.credentials, rootUrl: url }, { agent });
  const { hooks, auth, queue } = through(rootUrl);
  await hooks.createHook('g', 'h/with-slash', echoHook());
  await auth.createRole('hook-id:g/*', { scopes: ECHO_SCOPES, description: '' });
  const { taskId } = await hooks.triggerHook('g', 'h/with-slash', { through: 'proxy' });
  assert.deepEqual((await queue.task(taskId)).payload.said, { through: 'proxy' });
  assert.equal((await hooks.listLastFires('g', 'h/with-slash', { limit: 1 })).lastFires[0].taskId, taskId);

  for (const wrong of ['https://other.example.com', `https://${NAME}:8443`]) {
    const error = await refusal(through(wrong).hooks.hook('g', 'h/with-slash'));
    assert.deepEqual([error.statusCode, error.code], [401, 'AuthenticationFailed'], wrong);
  }
  const direct = await refusal(
    rootClients({ ...server.credentials, rootUrl: server.url }).hooks.hook('g', 'h/with-slash'),
  );
  assert.deepEqual([direct.statusCode, direct.code], [401, 'AuthenticationFailed'], 'signed for where it listens');

  // Called directly, with whatever Host: what counts is for which URL the signature was made.
  const path = '/api/hooks/v1/hooks/g/h%2Fwith-slash';
  const { credentials } = server;
  for (const host of [new URL(server.url).host, NAME, 'evil.example.com']) {
    const headers = { host };
    const status = async (signedUrl: string) =>
      (await send(server.url, path, { credentials, headers, signedUrl })).status;
    assert.equal(await status(`${rootUrl}${path}`), 200, host);
    assert.equal(await status(`http://${host}${path}`), 401, host);
  }
});

it('without --root-url, the name in the request counts', async (t) => {
  const cleanup = lastFirst(t);
  const env = { DATABASE_URL: await freshDatabaseUrl(cleanup) };
  const server = await serve(cleanup, await newDataFolder(cleanup), { env });
  const path = '/api/auth/v1/roles/';
  const byName = server.url.replace('127.0.0.1', 'localhost');
  const signed = (url: string) => ({
    authorization: authorization(`${url}${path}`, 'GET', { credentials: server.credentials }),
  });
  const status = async (headers: http.OutgoingHttpHeaders) => (await send(server.url, path, { headers })).status;
  assert.equal(await status({ ...signed(byName), host: new URL(byName).host }), 200);
  assert.equal(await status({ ...signed(byName), host: new URL(server.url).host }), 401);
});
