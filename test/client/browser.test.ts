// The built client in a page of another origin than the server, in a real browser.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openPage, WITHOUT_CHROMIUM } from '../support/chromium.ts';
import { ECHO_SCOPES, echoHook, rootClients } from '../support/client.ts';
import type { Cleanup } from '../support/database.ts';
import { newFolder, serveQuickly } from '../support/server.ts';
import { lastFirst } from '../support/wait.ts';
import { urlOfNobody } from './fake-server.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * The client as it is published: a folder of JavaScript. Its types are checked on the way, with
 * nothing of Node among them.
 */
const buildClient = async (t: Cleanup): Promise<string> => {
  const folder = await newFolder(t);
  const compiler = join(ROOT, 'node_modules', '.bin', 'tsc');
  await promisify(execFile)(process.execPath, [compiler, '-p', join(ROOT, 'client/tsconfig.json'), '--outDir', folder]);
  return folder;
};

/** Where the page comes from. */
const serveFolder = async (t: Cleanup, folder: string): Promise<string> => {
  const server = http.createServer(async ({ url = '/' }, response) => {
    const script = url === '/' ? undefined : await readFile(join(folder, url), 'utf8').catch(() => undefined);
    const type = script === undefined ? 'text/html' : 'text/javascript';
    response.writeHead(200, { 'content-type': type }).end(script ?? '<!doctype html><title>Hooks</title>');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

type Client = typeof import('../../client/index.ts');

test('the client works in a browser, on a page of another origin', { skip: WITHOUT_CHROMIUM }, async (context) => {
  const t = lastFirst({ after: (undo) => context.after(undo) });
  const origin = await serveFolder(t, await buildClient(t));
  const server = await serveQuickly(t);
  await rootClients(server.credentials).auth.createRole('hook-id:browser/a/hook', {
    scopes: ECHO_SCOPES,
    description: '',
  });
  const page = await openPage(t);
  const said: string[] = [];
  page.on('pageerror', ({ message }) => said.push(message));
  await page.goto(origin);

  const given = {
    credentials: server.credentials,
    definition: echoHook(),
    module: '/index.js',
    nobody: await urlOfNobody(),
  };
  const result = await page.evaluate(async ({ credentials, definition, module, nobody }) => {
    const { Hooks, ApiCallError, createTemporaryCredentials } = (await import(module)) as Client;
    const { rootUrl, clientId, accessToken } = credentials;
    const options = { rootUrl, credentials: { clientId, accessToken }, retries: 0 };
    const hooks = new Hooks(options);
    const made = await hooks.createHook('browser', 'a/hook', definition);
    const { taskId } = await hooks.triggerHook('browser', 'a/hook', { ü: ['☕', null] });
    const { lastFires } = await hooks.listLastFires('browser', 'a/hook', { limit: 10 });

    const temporary = await createTemporaryCredentials({
      credentials: options.credentials,
      scopes: ['hooks:trigger-hook:browser/*'],
      expiry: new Date(Date.now() + 60_000),
      clientId: 'root/page',
    });
    const theirs = hooks.use({ credentials: temporary });
    const again = await theirs.triggerHook('browser', 'a/hook', {});
    const refused = await theirs.removeHook('browser', 'a/hook').catch((error: unknown) => error);
    const signed = await fetch(await hooks.buildSignedUrl(hooks.hook, 'browser', 'a/hook'));
    const { token } = await hooks.getTriggerToken('browser', 'a/hook');
    const unreachable = await hooks
      .use({ rootUrl: nobody })
      .listHookGroups()
      .catch((error: unknown) => error);
    const isOurs = (error: unknown) =>
      error instanceof ApiCallError ? [error.code, error.statusCode ?? null] : [`${error}`];
    return {
      made: made.hookId,
      taskId,
      fired: lastFires.map((fire) => fire.taskId),
      again: again.taskId,
      refused: isOurs(refused),
      signed: [signed.status, ((await signed.json()) as { hookId: string }).hookId],
      token: typeof token,
      unreachable: isOurs(unreachable),
      shown: JSON.stringify(hooks),
      removed: (await hooks.removeHook('browser', 'a/hook')) === undefined,
    };
  }, given);

  const { taskId, again, ...rest } = result;
  assert.deepEqual(rest, {
    made: 'a/hook',
    fired: [taskId],
    refused: ['InsufficientScopes', 403],
    signed: [200, 'a/hook'],
    token: 'string',
    unreachable: ['ConnectionFailed', null],
    shown: JSON.stringify({ rootUrl: server.url }),
    removed: true,
  });
  const { queue } = rootClients(server.credentials);
  assert.deepEqual((await queue.task(taskId)).payload, { said: { ü: ['☕', null] }, by: 'root' });
  assert.equal((await queue.task(again)).payload.by, 'root/page');
  assert.deepEqual(said, []);
});
