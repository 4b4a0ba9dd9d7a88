// hookwright clients, roles, login, logout and whoami, against a server.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmod, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { GetClientResponse, GetRoleResponse } from '../../client/index.ts';
import { systemClock } from '../../src/core/clock.ts';
import { eventually, lastFirst } from '../support/wait.ts';
import { cleanEnvironment, LAUNCHER, newQuickWorld, type World } from './command-world.ts';

let world: World;
const undo = new AsyncDisposableStack();
before(async () => {
  const t = lastFirst({ after: (step) => undo.defer(step) });
  world = await newQuickWorld(t);
});
after(() => undo.disposeAsync());

const newClient = async (id: string, ...args: string[]): Promise<string> =>
  (await world.succeed(['clients', 'create', id, ...args])).trim();

describe('clients', () => {
  it('are made, shown, changed, disabled and removed', async () => {
    const made = await world.run([
      'clients',
      'create',
      'my/client',
      '--scope',
      'a:b',
      '--scope',
      'c',
      '--expires',
      '30d',
      '--description',
      'mine',
    ]);
    assert.equal(made.status, 0, made.err);
    assert.match(made.out, /^[\w-]{44}\n$/, 'standard output has the token and nothing else');
    assert.match(made.err, /^Made the client my\/client\..*not shown again\.\n$/);
    const client = () => world.json<GetClientResponse>(['clients', 'show', 'my/client']);
    const first = await client();
    assert.deepEqual(
      [first.scopes, first.description, first.disabled, first.deleteOnExpiration],
      [['a:b', 'c'], 'mine', false, false],
    );
    const days = (Date.parse(first.expires) - systemClock.now()) / 86_400_000;
    assert.ok(days > 29 && days <= 30, first.expires);

    await world.succeed([
      'clients',
      'update',
      'my/client',
      '--add-scope',
      'd',
      '--remove-scope',
      'c',
      '--expires',
      '2040-01-31',
    ]);
    const second = await client();
    assert.deepEqual(
      [second.scopes, second.description, second.expires],
      [['a:b', 'd'], 'mine', '2040-01-31T00:00:00.000Z'],
    );
    await world.succeed(['clients', 'update', 'my/client', '--scope', 'e', '--delete-on-expiration']);
    assert.deepEqual((await client()).scopes, ['e']);
    assert.match(
      await world.succeed(['clients', 'show', 'my/client']),
      /expires +2040-01-31T00:00:00\.000Z, and is deleted then\n/,
    );

    const token = (await world.succeed(['clients', 'reset-token', 'my/client'])).trim();
    assert.notEqual(token, made.out.trim());
    await world.succeed(['clients', 'disable', 'my/client']);
    assert.match(await world.succeed(['clients', 'list', 'my/']), /^CLIENT .*\nmy\/client {2}disabled .*\n$/);
    await world.succeed(['clients', 'enable', 'my/client']);
    assert.equal((await client()).disabled, false);
    for (const args of [['list'], ['show', 'my/client']]) {
      for (const json of [[], ['--json']])
        assert.ok(!(await world.succeed(['clients', ...args, ...json])).includes(token));
    }
    await world.succeed(['clients', 'remove', 'my/client']);
    assert.equal((await world.run(['clients', 'show', 'my/client'])).status, 3);
  });

  it('are listed whole, whatever the size of a page', async () => {
    const all = await world.json<GetClientResponse[]>(['clients', 'list']);
    assert.ok(all.some(({ clientId }) => clientId === 'root'));
  });

  it('with an end that is none are refused before anything is sent', async () => {
    for (const expires of ['soon', '30', '2040-13-01', '999999y', '']) {
      const { status, err } = await world.run(['clients', 'create', 'never', '--expires', expires]);
      assert.equal(status, 2, expires);
      assert.match(err, /--expires is ".*30d/, expires);
    }
  });
});

describe('roles', () => {
  it('without scopes are warned of when they are made or changed, beside the answer', async () => {
    const warning = /^Warning: The role bare has no scopes.* hookwright roles grant gives it some\.\n$/;
    const made = await world.run(['roles', 'create', 'bare', '--json']);
    assert.deepEqual([made.status, JSON.parse(made.out).scopes], [0, []]);
    assert.match(made.err, warning);
    assert.equal((await world.run(['roles', 'update', 'bare', '--add-scope', 'a'])).err, '');
    assert.match((await world.run(['roles', 'update', 'bare', '--remove-scope', 'a'])).err, warning);
  });

  it('are made, shown, changed, granted and removed', async () => {
    await world.succeed(['roles', 'create', 'my-role', '--scope', 'a', '--description', 'mine']);
    const scopes = async () => (await world.json<GetRoleResponse>(['roles', 'show', 'my-role'])).scopes;
    assert.deepEqual(await scopes(), ['a']);
    assert.equal(
      await world.succeed(['roles', 'grant', 'my-role', '--scope', 'b']),
      'The role my-role has 1 scope more.\n',
    );
    assert.equal(
      await world.succeed(['roles', 'grant', 'my-role', '--scope', 'b']),
      'The role my-role has these scopes already.\n',
    );
    assert.deepEqual(await scopes(), ['a', 'b']);
    await world.succeed(['roles', 'update', 'my-role', '--remove-scope', 'a', '--add-scope', 'c']);
    assert.deepEqual(await scopes(), ['b', 'c']);
    await world.succeed(['roles', 'update', 'my-role', '--description', 'other']);
    assert.deepEqual(await scopes(), ['b', 'c']);
    assert.match(await world.succeed(['roles', 'list', 'my-']), /^ROLE .*\nmy-role {2}2 .* other\n$/);
    await world.succeed(['roles', 'remove', 'my-role']);
    const { status, err } = await world.run(['roles', 'show', 'my-role']);
    assert.equal(status, 3);
    assert.match(
      err,
      /^hookwright: Role not found\. \[ResourceNotFound\]\n {2}where: role my-role, at .*\n {2}cure: {2}see which roles there are: hookwright roles list\n$/,
    );
  });

  it('cannot be granted what the caller does not have', async () => {
    const token = await newClient('poor', '--scope', 'auth:*');
    const env = {
      TASKCLUSTER_ROOT_URL: world.server.url,
      TASKCLUSTER_CLIENT_ID: 'poor',
      TASKCLUSTER_ACCESS_TOKEN: token,
    };
    const { status, err } = await world.run(['roles', 'grant', 'rich', '--scope', 'everything:*'], { env });
    assert.equal(status, 4);
    assert.match(err, /^hookwright: .*\[InsufficientScopes\]\n {2}where: role rich, at http:\S+ as poor\n/);
    assert.ok(!err.includes(token));
  });
});

describe('a login', () => {
  const home = () => join(world.folder, 'elsewhere');
  const env = () => ({ HOME: home() });
  const stored = () => join(home(), '.config/hookwright/credentials.json');
  const scope = ['--scope', 'auth:current-scopes'];

  it('is kept where only the user can read it, is used where no data folder is, and is forgotten by logout', async () => {
    const token = await newClient('me', ...scope);
    const away = { cwd: '/', env: env() };
    assert.equal((await world.run(['whoami'], away)).status, 4);
    const { out, err, status } = await world.run(['login', `${world.server.url}/`, '--client-id', 'me'], {
      ...away,
      input: `${token}\n`,
    });
    assert.equal(status, 0, err);
    assert.equal(out, `Logged in at ${world.server.url} as me.\n`);
    assert.equal((await stat(stored())).mode & 0o777, 0o600);
    assert.equal((await stat(join(home(), '.config/hookwright'))).mode & 0o777, 0o700);
    assert.match(await world.succeed(['whoami'], away), /^client +me\nserver +http.*\nfrom +the login in .*\nscope +/);
    assert.equal(
      (await world.json<{ clientId: string }>(['whoami'], { env: env() })).clientId,
      'root',
      'the data folder here wins',
    );
    const asMe = await world.json<{ clientId: string }>(
      ['whoami', '--client-id', 'me', '--root-url', world.server.url],
      { env: env() },
    );
    assert.equal(asMe.clientId, 'me');
    const asOther = await world.run(['whoami', '--client-id', 'other', '--root-url', world.server.url], { env: env() });
    assert.equal(asOther.status, 4);

    await chmod(stored(), 0o644);
    const open = await world.run(['whoami'], away);
    assert.equal(open.status, 4);
    assert.match(open.err, /\[HW_CREDENTIALS_OPEN\]/);
    await chmod(stored(), 0o600);
    assert.match(await world.succeed(['logout'], away), /^Logged out at /);
    await assert.rejects(stat(stored()), { code: 'ENOENT' });
    assert.equal(await world.succeed(['logout'], away), 'You are not logged in.\n');
  });

  it('needs no scope: credentials that may not ask what they may do are good all the same', async () => {
    const away = { cwd: '/', env: env() };
    const input = await newClient('scopeless', '--scope', 'hooks:trigger-hook:test/x');
    await world.succeed(['login', world.server.url, '--client-id', 'scopeless'], { ...away, input });
    const { status, out, err } = await world.run(['whoami'], away);
    assert.equal(status, 0, err);
    assert.match(out, /^client +scopeless\n/);
    assert.match(err, /auth:current-scopes/);
    await world.succeed(['logout'], away);
  });

  it('with what does not work is not kept', async () => {
    const away = { cwd: '/', env: env() };
    const wrong = await world.run(['login', world.server.url, '--client-id', 'root'], {
      ...away,
      input: 'not-the-token',
    });
    assert.equal(wrong.status, 4);
    assert.ok(!`${wrong.out}${wrong.err}`.includes('not-the-token'));
    await assert.rejects(stat(stored()), { code: 'ENOENT' });
    for (const [args, input] of [
      [[], 'token'],
      [[world.server.url], 'token'],
      [[world.server.url, '--client-id', 'x'], ''],
      [[world.server.url, '--client-id', 'x'], '{"accessToken": '],
      [['ftp://x', '--client-id', 'x'], 'token'],
    ] as const) {
      const { status, err } = await world.run(['login', ...args], { ...away, input });
      assert.equal(status, 2, err);
      assert.ok(!err.includes('accessToken": '));
    }
  });

  it('takes credentials in JSON, also temporary ones', async () => {
    const { createTemporaryCredentials } = await import('../../client/index.ts');
    const root = JSON.parse(await readFile(join(world.folder, '.hookwright/root-credentials.json'), 'utf8'));
    const expiry = new Date(systemClock.now() + 3_600_000);
    const temporary = await createTemporaryCredentials({
      credentials: root,
      scopes: ['auth:current-scopes', 'a'],
      expiry,
    });
    const away = { cwd: '/', env: env() };
    await world.succeed(['login'], { ...away, input: JSON.stringify({ rootUrl: root.rootUrl, ...temporary }) });
    assert.deepEqual((await world.json<{ scopes: string[] }>(['whoami'], away)).scopes.toSorted(), [
      'a',
      'assume:anonymous',
      'auth:current-scopes',
    ]);
    const variables = {
      TASKCLUSTER_ROOT_URL: root.rootUrl,
      TASKCLUSTER_CLIENT_ID: temporary.clientId,
      TASKCLUSTER_ACCESS_TOKEN: temporary.accessToken,
      TASKCLUSTER_CERTIFICATE: temporary.certificate,
    };
    assert.deepEqual((await world.json<{ scopes: string[] }>(['whoami'], { env: variables })).scopes.toSorted(), [
      'a',
      'assume:anonymous',
      'auth:current-scopes',
    ]);
    await rm(home(), { recursive: true });
  });

  it('asks on a terminal without showing what is typed', async (t) => {
    if (process.platform !== 'linux') return t.skip('script(1) has other options here');
    const token = await newClient('typist', ...scope);
    const command = `'${process.execPath}' '${LAUNCHER}' login ${world.server.url} --client-id typist`;
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      cwd: '/',
      env: { ...cleanEnvironment(world.folder), ...env() },
      stdio: 'pipe',
    });
    const running = { out: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      running.out += text;
    });
    await eventually('it asks', () => running.out.includes('Access token: '));
    child.stdin.write(`x\x7f${token}\r`);
    await eventually('it is logged in', () => running.out.includes('Logged in at'));
    child.stdin.end();
    assert.ok(!running.out.includes(token.slice(0, 8)), running.out);
    await rm(home(), { recursive: true });
  });

  it('is not asked for where the variables name another server', async () => {
    const env = {
      TASKCLUSTER_ROOT_URL: 'http://elsewhere.example',
      TASKCLUSTER_CLIENT_ID: 'x',
      TASKCLUSTER_ACCESS_TOKEN: 'secret',
    };
    const { status, err } = await world.run(['whoami', '--root-url', world.server.url], { env });
    assert.equal(status, 4, 'credentials for one server are not sent to another');
    assert.ok(!err.includes('secret'));
    assert.equal(
      (await world.json<{ clientId: string }>(['whoami', '--data', '.hookwright'], { env })).clientId,
      'root',
    );
    assert.equal((await world.run(['whoami', '--data', '.hookwright', '--client-id', 'x'])).status, 2);
  });
});
