// The program of docs/tour.md against the ordinary client of Taskcluster, also after kill -9; and
// the methods that README.md names.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ALL_APIS } from '../scripts/generating/all-apis.ts';
import { codeBlocksOf } from './house/documents.ts';
import { startServerProcess } from './support/server-process.ts';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const README = await readFile(join(PROJECT, 'README.md'), 'utf8');
const blocks = codeBlocksOf(await readFile(join(PROJECT, 'docs/tour.md'), 'utf8'));

const SLUG_ID = /\b[A-Za-z0-9_-]{22}\b/g;
const withoutIds = (text: string): string => text.replace(SLUG_ID, '<taskId>');

const block = (language: string, beginning: RegExp): string => {
  const found = blocks.filter((one) => one.language === language && beginning.test(one.text));
  assert.equal(found.length, 1, `the tour has one ${language} block that matches ${beginning}`);
  return found[0]?.text ?? '';
};

/**
 * A folder as the clone is after `npm start`: the packages are there, and nothing else that the
 * tour needs.
 */
const newClone = async (t: TestContext): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'hookwright-readme-'));
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 }));
  await chmod(folder, 0o711); // so that the database lies in it also when root runs the tests, and goes with it
  await symlink(join(PROJECT, 'node_modules'), join(folder, 'node_modules'));
  await writeFile(join(folder, 'tour.mjs'), block('js', /taskcluster-client/));
  return folder;
};

const runTour = async (folder: string): Promise<string> =>
  (await promisify(execFile)(process.execPath, ['tour.mjs'], { cwd: folder })).stdout;

const clientsOf = async (folder: string) => {
  const packageName: string = 'taskcluster-client'; // it has no types; named so that the compiler does not look for them
  const { default: taskcluster } = await import(packageName);
  const file = await readFile(join(folder, '.hookwright', 'root-credentials.json'), 'utf8');
  const { rootUrl, ...credentials } = JSON.parse(file);
  const options = { rootUrl, credentials, retries: 0 };
  return { hooks: new taskcluster.Hooks(options), auth: new taskcluster.Auth(options) };
};

test('the program of the tour does what it says, again and again, and after kill -9', async (t) => {
  const folder = await newClone(t);
  const expected = withoutIds(block('text', /^Hello, world!/));
  const server = await startServerProcess(t, { cwd: folder });
  for (let time = 1; time <= 2; time += 1) assert.equal(withoutIds(await runTour(folder)), expected);

  await server.end('SIGKILL');
  const next = await startServerProcess(t, { cwd: folder });
  const { hooks, auth } = await clientsOf(folder);
  assert.equal((await hooks.listLastFires('tour', 'hello')).lastFires.length, 2, 'nothing was lost');
  assert.equal(withoutIds(await runTour(folder)), expected);

  await assert.rejects(hooks.triggerHook('tour', 'hello', { who: 42 }), { code: 'InputError', statusCode: 400 });
  await auth.deleteRole('hook-id:tour/hello');
  await assert.rejects(hooks.triggerHook('tour', 'hello', { who: 'you' }), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'InsufficientScopes');
    return error.message.includes('queue:create-task:lowest:tour/worker');
  });

  assert.deepEqual(await next.end('SIGINT'), [0, null], next.said());
});

test('the README names the methods that there are', () => {
  for (const { service, methods } of ALL_APIS) {
    const row = new RegExp(`^\\| ${service} \\| (.*) \\|$`, 'm').exec(README)?.[1] ?? '';
    const named = row.replaceAll('`', '').split(', ');
    assert.deepEqual(named.sort(), methods.map(({ name }) => name).sort(), service);
  }
});
