// The published package: packed from a copy of this clone, installed into an empty project, and
// used there.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { systemClock } from '../src/core/clock.ts';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const NOT_OF_THE_PACKAGE = new Set(['node_modules', '.git', 'dist', '.hookwright']);

/** npm and what it starts run on the Node that runs the test. */
const environment = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}` };

let folder = '';
let clone = '';
let project = '';
let packed: string[] = [];

const runIn = async (cwd: string, command: string, ...args: string[]): Promise<string> => {
  const { stdout } = await promisify(execFile)(command, args, { cwd, env: environment, maxBuffer: 2 ** 26 });
  return stdout;
};

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hookwright-package-'));
  // Entered by the user that runs PostgreSQL, so that nothing is made outside of it.
  await chmod(folder, 0o711);
  // A copy, because the build replaces dist/, which another test run may be reading.
  clone = join(folder, 'clone');
  const isWanted = (path: string) => !NOT_OF_THE_PACKAGE.has(path.slice(PROJECT.length).split('/')[0] ?? '');
  await cp(PROJECT, clone, { recursive: true, filter: isWanted });
  await symlink(join(PROJECT, 'node_modules'), join(clone, 'node_modules'));
  const json = await runIn(clone, 'npm', 'pack', '--json', '--silent', '--pack-destination', folder);
  // `npm run build` may say something before the answer.
  const answer = JSON.parse(json.slice(json.search(/^[[{]/m)));
  const [pack] = Object.values(answer) as [{ filename: string; files: { path: string }[] }];
  packed = pack.files.map((file) => file.path);

  project = join(folder, 'project');
  await mkdir(project);
  await writeFile(join(project, 'package.json'), '{"private":true}');
  await runIn(
    project,
    'npm',
    'install',
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    join(folder, pack.filename),
  );
});

after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

test('the package has what it needs to run and to be understood, and nothing else', () => {
  for (const name of [
    'README.md',
    'LICENSE',
    'CHANGELOG.md',
    'SECURITY.md',
    'bin/hookwright.js',
    'dist/main.js',
    'dist/main.d.ts',
    'dist/client/index.js',
    'dist/client/index.d.ts',
    'dist/script-hooks/index.js',
    'dist/script-hooks/index.d.ts',
    'dist/script-hooks/sandbox/worker.js',
    'docs/client.md',
    'docs/script-hooks.md',
    'docs/tour.md',
    'examples/hooks/greet.yaml',
  ]) {
    assert.ok(packed.includes(name), `${name} is missing`);
  }
  assert.ok(packed.some((name) => /^dist\/database\/migrations\/.*\.sql$/.test(name)));
  const foreign = packed.filter((name) => !/^(bin|dist|docs|examples)\/|^(package\.json|[A-Z]+(\.md)?)$/.test(name));
  assert.deepEqual(foreign, []);
  assert.deepEqual(
    packed.filter((name) => /\.test\.|test-support|(?<!\.d)\.ts$/.test(name)),
    [],
  );
});

test('the built program finds its client', async () => {
  const { status, stderr } = await promisify(execFile)(process.execPath, ['dist/main.js', 'whoami'], {
    cwd: clone,
    env: { PATH: environment.PATH, HOME: folder },
  }).then(
    () => ({ status: 0, stderr: '' }),
    ({ code, stderr }: { code: number; stderr: string }) => ({ status: code, stderr }),
  );
  assert.match(stderr, /\[HW_NO_CREDENTIALS\]/);
  assert.equal(status, 4);
});

test('the installed command says its version', async () => {
  const { version } = JSON.parse(await readFile(join(PROJECT, 'package.json'), 'utf8'));
  assert.ok((await runIn(project, 'npx', 'hookwright', '--version')).includes(version));
});

test('hookwright/script-hooks is a library of its own: it compiles a script and runs it', async () => {
  await writeFile(
    join(project, 'library.mjs'),
    `import { buildHook } from 'hookwright/script-hooks';
    await using hook = await buildHook('const hooks = require("tlon_hooks"); module.exports = () => ({event: {denied: hooks.bowl.our}, effects: []})');
    const bowl = { our: '~zod', src: '~nec', now: 0, state: null, config: {}, hook: { id: '0v1', name: 'mine' }, channel: null, group: null };
    const { outcome, reason } = await hook.run({ event: { cron: null }, bowl });
    console.log(outcome, reason);
    await buildHook('module.exports = (').catch(({ code, line }) => console.log(code, line));`,
  );
  assert.equal(await runIn(project, process.execPath, 'library.mjs'), 'denied ~zod\nHW_SCRIPT_SYNTAX 1\n');
});

test('hookwright/client is a library of its own, and its types are whole', async () => {
  await writeFile(
    join(project, 'client.mts'),
    `import { Hooks, createTemporaryCredentials, type CreateHookRequest, type HookDefinition } from 'hookwright/client';
    const { certificate, ...rest } = await createTemporaryCredentials({
      credentials: { clientId: 'me', accessToken: 'secret' },
      scopes: ['a'],
      expiry: new Date(0),
      start: new Date(0),
    });
    const hooks: Hooks = new Hooks({ rootUrl: 'https://hooks.example.com/', credentials: { certificate, ...rest } }).use({ retries: 0 });
    console.log(hooks.buildUrl(hooks.triggerHook, 'group', 'a/hook'), rest.clientId, JSON.parse(certificate).scopes);
    export const change = async (definition: HookDefinition): Promise<string | undefined> => {
      const changed: CreateHookRequest = { ...definition, schedule: ['0 0 0 * * *'] };
      await hooks.updateHook('group', 'hook', changed);
      // @ts-expect-error a payload is an object
      await hooks.triggerHook('group', 'hook', 5);
      // @ts-expect-error there is no such query
      await hooks.listLastFires('group', 'hook', { limits: 5 });
      const nothing: void = await hooks.removeHook('group', 'hook');
      for await (const { taskState } of hooks.lastFires('group', 'hook')) if (taskState === 'completed') break;
      return nothing ?? (await hooks.triggerHook('group', 'hook', {})).taskId;
    };`,
  );
  const options = ['--strict', '--target', 'es2022', '--module', 'nodenext', '--lib', 'es2022,dom'];
  const compiler = join(PROJECT, 'node_modules', '.bin', 'tsc');
  await runIn(project, process.execPath, compiler, ...options, 'client.mts');
  const said = await runIn(project, process.execPath, 'client.mjs');
  assert.equal(said, "https://hooks.example.com/api/hooks/v1/hooks/group/a%2Fhook/trigger me [ 'a' ]\n");
});

test('the installed command starts a script hook and simulates it', async () => {
  await runIn(project, 'npx', 'hookwright', 'init', 'script', 'mine');
  const said = await runIn(project, 'npx', 'hookwright', 'simulate', 'mine/hook.js', '--event', 'mine/event.json');
  assert.match(said, /^ALLOWED\n/);
});

test('the installed command serves, is alive, and ends with 0 on SIGTERM', async (t) => {
  const data = join(project, 'data');
  const args = ['serve', '--port', '0', '--data', data];
  const server = spawn(join(project, 'node_modules', '.bin', 'hookwright'), args, { cwd: project, env: environment });
  t.after(() => server.kill('SIGKILL'));
  let said = '';
  server.stderr.on('data', (text) => {
    said += text;
  });
  server.stdout.resume();
  const ended = once(server, 'exit');

  const { url } = JSON.parse(
    await whenWritten(
      join(data, 'server.json'),
      () => server.exitCode === null,
      () => said,
    ),
  );
  assert.equal((await fetch(new URL('/livez', url))).status, 200);
  server.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null], said);
});

const whenWritten = async (file: string, isRunning: () => boolean, said: () => string): Promise<string> => {
  const end = systemClock.monotonic() + 30_000;
  for (;;) {
    const text = await readFile(file, 'utf8').catch(() => '');
    if (text.trimEnd().endsWith('}')) return text;
    if (!isRunning() || systemClock.monotonic() > end) throw new Error(`the server did not become ready: ${said()}`);
    await systemClock.sleep(20);
  }
};
