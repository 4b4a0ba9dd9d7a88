// Hooks are brought over from one service to another as docs/moving-over.md says. A server of ours
// stands for the reference: the API is the same.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { newReader, runPage } from './commands/run-page.ts';
import { echoHook, rootClients } from './support/client.ts';
import { type Cleanup, freshDatabaseUrl } from './support/database.ts';
import { newDataFolder, newFolder, type Server, serve } from './support/server.ts';
import { lastFirst } from './support/wait.ts';
import { createWorld, PERSON_CREDENTIALS } from './taskcluster/world.ts';

const HELLO = {
  ...echoHook(),
  triggerSchema: { type: 'object', properties: { who: { type: 'string', default: 'nobody' } } },
};
const NIGHTLY = { ...echoHook(), schedule: ['0 0 3 * * *'] };
const BOUND = { ...echoHook(), bindings: [{ exchange: 'exchange/builds/v1/finished', routingKeyPattern: '#' }] };

/** The service that hooks come from, and the variables that name it. */
const newOldService = async (t: Cleanup): Promise<{ old: Server; env: NodeJS.ProcessEnv }> => {
  const env = { DATABASE_URL: await freshDatabaseUrl(t) };
  const old = await serve(t, await newDataFolder(t), { env });
  const { auth, hooks } = rootClients(old.credentials);
  const scopes = ['queue:create-task:lowest:proj/worker', 'queue:create-task:project:none', 'queue:scheduler-id:-'];
  await auth.createRole('worker:proj', { description: 'what makes tasks', scopes });
  await auth.createRole('hook-id:builds/*', { description: 'all builds', scopes: ['assume:worker:proj'] });
  await auth.createRole('people', { description: 'not of hooks', scopes: ['hooks:*'] });
  await hooks.createHook('builds', 'tools/hello', HELLO);
  await hooks.createHook('builds', 'nightly', NIGHTLY);
  await hooks.createHook('builds', 'on-finished', BOUND);
  const { rootUrl, clientId, accessToken } = old.credentials;
  return {
    old,
    env: { TASKCLUSTER_ROOT_URL: rootUrl, TASKCLUSTER_CLIENT_ID: clientId, TASKCLUSTER_ACCESS_TOKEN: accessToken },
  };
};

const PROGRAMS = fileURLToPath(new URL('../examples/moving-over', import.meta.url));

const credentialsIn = async (folder: string) =>
  JSON.parse(await readFile(join(folder, '.hookwright', 'root-credentials.json'), 'utf8'));

/**
 * Runs a program of examples/moving-over. Answers what it said, and its status unless that is 0.
 */
const runnerIn =
  (cwd: string, env: NodeJS.ProcessEnv) =>
  async (name: string, ...args: string[]): Promise<string> => {
    const options = { cwd, env: { ...env, PATH: process.env.PATH } };
    const ran = promisify(execFile)(process.execPath, [join(PROGRAMS, name), ...args], options);
    return ran.then(
      ({ stdout }) => stdout,
      ({ stdout, stderr, code }: { stdout: string; stderr: string; code: number }) => `${stdout}${stderr}${code}`,
    );
  };

test('docs/moving-over.md brings hooks and their roles over, asleep until they are woken', async (context) => {
  const t = lastFirst({ after: (undo) => context.after(undo) });
  const { old, env } = await newOldService(t);
  const { world } = await runPage(context, 'docs/moving-over.md', {
    env,
    asShown: (printed) => printed.replaceAll(old.url, 'https://tc.example.com'),
  });
  const { auth, hooks } = rootClients(await credentialsIn(world.folder));
  const before = rootClients(old.credentials);
  assert.deepEqual(await hooks.listHooks('builds'), await before.hooks.listHooks('builds'));
  const { lastFires } = await hooks.listLastFires('builds', 'tools/hello');
  assert.equal(lastFires[0].result, 'success', 'the role came along, and the one that it assumes');
  assert.ok((await hooks.getHookStatus('builds', 'nightly')).nextScheduledDate);
  await assert.rejects(auth.role('people'), { statusCode: 404 });
});

test('a hook that is refused does not keep the others from coming, and a role that is there is not widened', async (context) => {
  const t = lastFirst({ after: (undo) => context.after(undo) });
  const { env } = await newOldService(t);
  const { world } = await newReader(context);
  const run = runnerIn(world.folder, env);
  const target = ['--credentials', '.hookwright/root-credentials.json'];
  await run('export-hooks.mjs', 'moved');
  const file = join(world.folder, 'moved', 'hooks.json');
  const exported = JSON.parse(await readFile(file, 'utf8'));
  const spoilt = exported.map((hook: { hookId: string }) =>
    hook.hookId === 'nightly' ? { ...hook, schedule: ['0 H * * * *'] } : hook,
  );
  await writeFile(file, JSON.stringify(spoilt));
  const { auth, hooks } = rootClients(await credentialsIn(world.folder));
  await auth.createRole('hook-id:builds/*', { description: 'here', scopes: ['queue:scheduler-id:-'] });

  const said = await run('import-hooks.mjs', 'moved', ...target);
  assert.match(said, /^role hook-id:builds\/\*: is there with other scopes, and was left as it is$/m);
  assert.match(said, /^hook builds\/nightly: .*H/m);
  assert.match(said, /: 3 made, 2 with a problem\.\n1$/);
  assert.deepEqual((await auth.role('hook-id:builds/*')).scopes, ['queue:scheduler-id:-']);
  await assert.rejects(hooks.hook('builds', 'nightly'), { statusCode: 404 });

  await writeFile(file, JSON.stringify(exported));
  assert.match(await run('import-hooks.mjs', 'moved', ...target, '--check'), /^hook builds\/nightly: is missing$/m);
  assert.match(await run('import-hooks.mjs', 'moved', ...target, '--without-roles'), /: 1 made, 2 equal\.\n$/);
});

test('hooks come to a server of a Taskcluster deployment asleep, at its own address, and are woken behind that of the deployment', async (context) => {
  const t = lastFirst({ after: (undo) => context.after(undo) });
  const { env } = await newOldService(t);
  const { deployment, person, start } = await createWorld(t);
  const { url } = await start();
  const folder = await newFolder(t);
  await runnerIn(folder, env)('export-hooks.mjs', 'moved');
  const importing = (rootUrl: string, ...args: string[]) => {
    const { clientId, accessToken } = PERSON_CREDENTIALS;
    const variables = { TASKCLUSTER_CLIENT_ID: clientId, TASKCLUSTER_ACCESS_TOKEN: accessToken };
    const run = runnerIn(folder, { TASKCLUSTER_ROOT_URL: rootUrl, ...variables });
    return run('import-hooks.mjs', 'moved', '--without-roles', ...args);
  };
  assert.equal(await importing(url, '--asleep'), `${url}: 3 made.\n`);
  assert.equal((await person.hooks.getHookStatus('builds', 'nightly')).nextScheduledDate, undefined);
  assert.equal(await importing(deployment.rootUrl), `${deployment.rootUrl}: 2 replaced, 1 equal.\n`);
  assert.equal(await importing(deployment.rootUrl, '--check'), `${deployment.rootUrl}: 3 equal.\n`);
  assert.ok((await person.hooks.getHookStatus('builds', 'nightly')).nextScheduledDate);
});
