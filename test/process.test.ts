// `hookwright serve` as a process: what it says, what it leaves, how it ends, and with whom it
// shares.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { access, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ECHO_SCOPES, echoHook, rootClients } from './support/client.ts';
import { type Cleanup, freshDatabaseUrl } from './support/database.ts';
import { holdRequest } from './support/held-request.ts';
import { isAlive, kill9 } from './support/processes.ts';
import { send } from './support/request.ts';
import {
  MAIN,
  newDataFolder,
  newFolder,
  type Program,
  postmasterOf,
  type RootCredentials,
  readJson,
  runNpm,
  runProgram,
  type Server,
  type ServerFile,
  serve,
  serveQuickly,
} from './support/server.ts';
import { eventually, lastFirst } from './support/wait.ts';

const isRoot = process.getuid?.() === 0;
const NOBODY = 65534;
/**
 * Signals that come within this time are one (src/commands/server/serve.ts); a little more, because
 * clocks differ.
 */
const SAME_SIGNAL_MS = 250 + 50;
const WITHOUT_FULL_DISK = existsSync('/dev/full') ? false : 'there is no /dev/full here';
const TRIGGER = '/api/hooks/v1/hooks/g/h/trigger';

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

const makeHook = async (server: Server): Promise<void> => {
  const { hooks, auth } = rootClients(server.credentials);
  await hooks.createHook('g', 'h', echoHook());
  await auth.createRole('hook-id:g/h', { scopes: ECHO_SCOPES, description: '' });
};

describe('the start', () => {
  it('says where it listens, where data and credentials are and what to do next, and only then is ready', async (t) => {
    const cleanup = lastFirst(t);
    const server = await serve(cleanup, await newDataFolder(cleanup));
    const { dataFolder, url } = server;
    await server.says(/Press Ctrl-C to end/);
    const said = server.said();
    for (const fact of [`is ready at ${url}\n`, dataFolder, 'root-credentials.json', 'docs/tour.md']) {
      assert.ok(said.includes(fact), `${fact} in:\n${said}`);
    }
    assert.ok(said.split('\n').length <= 10, said);
    assert.equal((await send(url, '/readyz')).status, 200);
    assert.deepEqual(JSON.parse(await readFile(join(dataFolder, 'server.json'), 'utf8')), { url, pid: server.pid });
  });

  it('makes credentials that only their owner may read, and keeps them', async (t) => {
    const cleanup = lastFirst(t);
    const data = await newDataFolder(cleanup);
    const first = await serve(cleanup, data);
    const file = join(data, 'root-credentials.json');
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.deepEqual(Object.keys(first.credentials).toSorted(), ['accessToken', 'clientId', 'rootUrl']);
    assert.deepEqual([first.credentials.rootUrl, first.credentials.clientId], [first.url, 'root']);
    const secrets = (await readdir(data)).filter((name) => /key|credentials/.test(name));
    for (const name of secrets) assert.equal((await stat(join(data, name))).mode & 0o777, 0o600, name);
    first.process.kill('SIGTERM');
    await first.exit;

    const second = await serve(cleanup, data);
    assert.equal(second.credentials.accessToken, first.credentials.accessToken);
    assert.equal(second.credentials.rootUrl, second.url, 'the file names where the server is now');
    assert.equal((await stat(file)).mode & 0o777, 0o600);
  });

  it('on a port that is taken says which and how to choose another, and leaves nothing running', async (t) => {
    const cleanup = lastFirst(t);
    const first = await serveQuickly(cleanup);
    const { port } = new URL(first.url);
    const data = await newDataFolder(cleanup);
    const second = runProgram(cleanup, ['serve', '--port', port, '--data', data]);
    assert.deepEqual(await second.exit, [1, null]);
    assert.match(
      second.said(),
      new RegExp(`^hookwright: Port ${port} on 127.0.0.1 is already taken.* \\[HW_PORT_IN_USE\\]\n$`),
    );
    assert.equal(await exists(join(data, 'server.json')), false);
    await eventually('its database has stopped', async () => (await postmasterOf(data)) === undefined);
  });

  it('with an option that is wrong says what to set, and touches nothing', async (t) => {
    const cleanup = lastFirst(t);
    const folder = await newFolder(cleanup);
    const data = join(folder, 'data');
    const notJson = join(folder, 'config.json');
    await writeFile(notJson, '{"prot": 1}');
    const cases: [string[], NodeJS.ProcessEnv, RegExp][] = [
      [['--port', '65536'], {}, /--port \(HOOKWRIGHT_PORT\) is "65536"\. Give a whole number from 0 to 65535/],
      [['--port', ''], {}, /--port \(HOOKWRIGHT_PORT\) is ""/],
      [[], { HOOKWRIGHT_PORT: 'x' }, /--port \(HOOKWRIGHT_PORT\) is "x"/],
      [['--nope'], {}, /There is no option --nope\. hookwright help serve lists the options/],
      [['extra'], {}, /extra/],
      [['--log-level', 'loud'], {}, /There is no log level "loud"\. Use one of trace, debug/],
      [['--root-url', 'https://hooks.example.com/path'], {}, /--root-url is .*https:\/\/hooks\.example\.com$/m],
      [['--root-url', 'ftp://hooks.example.com'], {}, /--root-url is/],
      [['--config', notJson], {}, /unknown key "prot" \(did you mean "port"\?\)\. Known are: port/],
      [['--config', join(folder, 'none.json')], {}, /none\.json cannot be read/],
      [['--encryption-key-file', join(folder, 'none')], {}, /openssl rand -base64 32/],
      [[], { DATABASE_URL: 'mysql://x' }, /DATABASE_URL begins with mysql:\/\//],
    ];
    const check = async ([args, env, message]: (typeof cases)[number]) => {
      const program = runProgram(cleanup, ['serve', '--data', data, ...args], { env });
      assert.deepEqual(await program.exit, [2, null], args.join(' '));
      const said = program.said();
      assert.match(said, /^hookwright: .* \[HW_BAD_OPTION\]\n$/s, args.join(' '));
      assert.match(said.replace(/\. \[HW_BAD_OPTION\]\n$/, ''), message);
    };
    await Promise.all(cases.map(check));
    assert.deepEqual(await readdir(folder), ['config.json']);
  });

  it('in a data folder that cannot be written says which', async (t) => {
    const cleanup = lastFirst(t);
    const folder = await newFolder(cleanup, 0o555);
    const uid = isRoot ? NOBODY : undefined;
    const canRun =
      uid === undefined || spawnSync(process.execPath, ['--version'], { uid, gid: uid, cwd: '/' }).status === 0;
    if (!canRun || spawnSync('test', ['-r', MAIN], { uid, gid: uid, cwd: '/' }).status !== 0) {
      return t.skip('an ordinary user may not enter the folder of this project');
    }
    const closed = join(folder, 'closed');
    if (isRoot) await mkdir(closed, { mode: 0o755 });
    for (const data of isRoot ? [join(folder, 'data'), closed] : [join(folder, 'data')]) {
      const program = runProgram(cleanup, ['serve', '--port', '0', '--data', data], uid === undefined ? {} : { uid });
      assert.deepEqual(await program.exit, [1, null], program.said());
      assert.match(program.said(), /^hookwright: The data folder .* cannot be written: .* \[HW_DATA_NOT_WRITABLE\]\n$/);
      assert.ok(program.said().includes(data));
    }
  });
});

describe('the end', () => {
  it('by SIGTERM is orderly: status 0, server.json gone, the database stopped', async (t) => {
    const cleanup = lastFirst(t);
    const server = await serve(cleanup, await newDataFolder(cleanup));
    const postmaster = await postmasterOf(server.dataFolder);
    assert.ok(postmaster !== undefined && (await isAlive(postmaster)));
    server.process.kill('SIGTERM');
    assert.deepEqual(await server.exit, [0, null], server.said());
    assert.match(server.said(), /Ending: finishing what is under way.*\nEnded\.\n$/);
    assert.equal(await exists(join(server.dataFolder, 'server.json')), false);
    await eventually('the database has stopped', async () => !(await isAlive(postmaster)));
  });

  for (const signal of ['SIGINT', 'SIGHUP'] as const) {
    it(`by ${signal} is as orderly`, async (t) => {
      const server = await serveQuickly(lastFirst(t));
      server.process.kill(signal);
      assert.deepEqual(await server.exit, [0, null], server.said());
      assert.match(server.said(), /\nEnded\.\n$/);
      assert.equal(await exists(join(server.dataFolder, 'server.json')), false);
    });
  }

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGKILL'] as const) {
    it(`by ${signal} to npm, which runs it as "npm start", is as orderly, and the port is free`, async (t) => {
      const cleanup = lastFirst(t);
      const data = await newDataFolder(cleanup);
      const env = { DATABASE_URL: await freshDatabaseUrl(cleanup) };
      const npm = runNpm(cleanup, ['start', '--', '--port', '0', '--data', data], env);
      const { url, pid } = await eventually('server.json is there', () =>
        readJson<ServerFile>(join(data, 'server.json')),
      );
      await npm.says(/Press Ctrl-C to end/);
      cleanup.after(async () => kill9(pid));
      npm.process.kill(signal);
      const exit = await npm.exit; // when the server, which writes to the same pipes, has ended too
      assert.match(npm.said(), /\nEnded\.\n$/);
      await eventually('the server has ended', async () => !(await isAlive(pid)));
      await assert.rejects(send(url, '/livez'), { code: 'ECONNREFUSED' });
      assert.equal(await exists(join(data, 'server.json')), false);
      assert.deepEqual(exit, signal === 'SIGKILL' ? [null, signal] : [0, null], npm.said());
    });
  }

  it('waits for the trigger that is under way, and its task is there after the next start', async (t) => {
    const cleanup = lastFirst(t);
    const env = { DATABASE_URL: await freshDatabaseUrl(cleanup) };
    const server = await serve(cleanup, await newDataFolder(cleanup), { env });
    await makeHook(server);
    const held = await holdRequest(cleanup, server, TRIGGER, '{"late": true}');
    server.process.kill('SIGTERM');
    await server.says(/Ending/);
    const { status, body } = await held.letGo();
    assert.equal(status, 200, body);
    assert.deepEqual(await server.exit, [0, null], server.said());

    const next = await serve(cleanup, server.dataFolder, { env });
    const { queue } = rootClients(next.credentials);
    assert.deepEqual((await queue.task(JSON.parse(body).taskId)).payload.said, { late: true });
  });

  it('takes no new work: new connections are refused', async (t) => {
    const cleanup = lastFirst(t);
    const server = await serveQuickly(cleanup);
    await makeHook(server);
    const held = await holdRequest(cleanup, server, TRIGGER, '{}');
    server.process.kill('SIGTERM');
    await server.says(/Ending/);
    await eventually('nobody listens', () =>
      send(server.url, '/livez').then(
        () => false,
        () => true,
      ),
    );
    assert.equal((await held.letGo()).status, 200);
    assert.deepEqual(await server.exit, [0, null]);
  });

  it('asked for twice within milliseconds, as by Ctrl-C under npm, is asked for once', async (t) => {
    const cleanup = lastFirst(t);
    const server = await serveQuickly(cleanup);
    await makeHook(server);
    const held = await holdRequest(cleanup, server, TRIGGER, '{}');
    for (const signal of ['SIGINT', 'SIGINT', 'SIGTERM'] as const) server.process.kill(signal);
    await server.says(/Ending/);
    assert.equal((await held.letGo()).status, 200, 'what was under way was finished');
    assert.deepEqual(await server.exit, [0, null]);
  });

  it('asked for again later comes at once', async (t) => {
    const cleanup = lastFirst(t);
    const server = await serve(cleanup, await newDataFolder(cleanup));
    await makeHook(server);
    const held = await holdRequest(cleanup, server, TRIGGER, '{}');
    server.process.kill('SIGTERM');
    await server.says(/Ending/);
    const told = performance.now();
    await eventually('enough time has passed for another signal', () => performance.now() - told > SAME_SIGNAL_MS);
    assert.equal(server.process.exitCode, null, 'it still waits for the request');
    server.process.kill('SIGINT');
    assert.deepEqual(await server.exit, [128 + 2, null]);
    await held.broken;
    assert.equal(await exists(join(server.dataFolder, 'server.json')), false);
    const postmaster = await postmasterOf(server.dataFolder);
    await eventually(
      'the database stops by itself',
      async () => postmaster === undefined || !(await isAlive(postmaster)),
    );
  });

  it('does not wait for connections on which nobody has asked anything', async (t) => {
    const server = await serveQuickly(t);
    const idle = connect(Number(new URL(server.url).port), '127.0.0.1');
    t.after(async () => void idle.destroy());
    await once(idle, 'connect');
    await send(server.url, '/livez'); // it knows of the connection by now
    server.process.kill('SIGTERM');
    assert.deepEqual(await server.exit, [0, null]);
    assert.doesNotMatch(server.said(), /work under way/);
  });

  it('comes at its deadline, whoever is still sending', async (t) => {
    const cleanup = lastFirst(t);
    const server = await serveQuickly(cleanup, { args: ['--shutdown-seconds', '1'] });
    await makeHook(server);
    const held = await holdRequest(cleanup, server, TRIGGER, '{}');
    server.process.kill('SIGTERM');
    assert.deepEqual(await server.exit, [0, null]);
    assert.match(server.said(), /shutdown with work under way/);
    await held.broken;
  });
});

describe('output that nobody reads', () => {
  const serveUnread = async (cleanup: Cleanup, lose: (data: string) => Promise<Program>) => {
    const data = await newDataFolder(cleanup);
    const program = await lose(data);
    const { url } = await eventually('server.json is there', () => readJson<ServerFile>(join(data, 'server.json')));
    const credentials = JSON.parse(await readFile(join(data, 'root-credentials.json'), 'utf8')) as RootCredentials;
    for (const path of ['/livez', '/nowhere', '/api/hooks/v1/hooks/%zz/h']) await send(url, path); // each is logged
    const { hooks } = rootClients(credentials);
    await hooks.createHook('g', 'h', echoHook());
    program.process.kill('SIGTERM');
    return program.exit;
  };
  const argsFor = (data: string) => ['serve', '--port', '0', '--data', data, '--log-level', 'trace'];

  for (const lost of [['stdout'], ['stderr'], ['stdout', 'stderr']] as const) {
    it(`does not end the server: ${lost.join(' and ')} closed by the reader`, async (t) => {
      const cleanup = lastFirst(t);
      const env = { DATABASE_URL: await freshDatabaseUrl(cleanup) };
      const exit = await serveUnread(cleanup, async (data) => {
        const program = runProgram(cleanup, argsFor(data), { env });
        for (const stream of lost) program.process[stream]?.destroy();
        return program;
      });
      assert.deepEqual(exit, [0, null]);
    });
  }

  it('does not end the server: a full disk', { skip: WITHOUT_FULL_DISK }, async (t) => {
    const cleanup = lastFirst(t);
    const env = { DATABASE_URL: await freshDatabaseUrl(cleanup) };
    const full = openSync('/dev/full', 'w');
    cleanup.after(async () => closeSync(full));
    const exit = await serveUnread(cleanup, async (data) => runProgram(cleanup, argsFor(data), { env, output: full }));
    assert.deepEqual(exit, [0, null]);
  });
});

describe('two servers on one data folder', () => {
  it('share everything; the last one out stops the database', async (t) => {
    const cleanup = lastFirst(t);
    const data = await newDataFolder(cleanup);
    const first = await serve(cleanup, data);
    const second = await serve(cleanup, data);
    const postmaster = await postmasterOf(data);
    assert.ok(postmaster !== undefined);
    const [left, right] = [first, second].map(({ url, credentials }) => rootClients({ ...credentials, rootUrl: url }));
    assert.ok(left && right);

    await left.hooks.createHook('g', 'h', echoHook());
    await left.auth.createRole('hook-id:g/h', { scopes: ECHO_SCOPES, description: '' });
    const { taskId } = await right.hooks.triggerHook('g', 'h', { through: 'right' });
    assert.deepEqual((await left.queue.task(taskId)).payload.said, { through: 'right' });
    // What is taken away is gone for both, as soon as the word has reached the other.
    await left.auth.deleteRole('hook-id:g/h');
    await eventually('the role is gone for the other', () =>
      right.hooks.triggerHook('g', 'h', {}).then(
        () => false,
        (error: { statusCode: number }) => error.statusCode === 403,
      ),
    );

    first.process.kill('SIGTERM');
    assert.deepEqual(await first.exit, [0, null]);
    assert.equal(await isAlive(postmaster), true);
    assert.equal((await right.hooks.hook('g', 'h')).hookId, 'h');
    assert.equal(JSON.parse(await readFile(join(data, 'server.json'), 'utf8')).pid, second.pid);
    second.process.kill('SIGTERM');
    assert.deepEqual(await second.exit, [0, null]);
    await eventually('the database has stopped', async () => !(await isAlive(postmaster)));
    assert.equal(await exists(join(data, 'server.json')), false);
  });

  it('may start at the same moment on a folder that does not exist', async (t) => {
    const cleanup = lastFirst(t);
    const data = await newDataFolder(cleanup);
    const programs = [1, 2, 3].map(() => runProgram(cleanup, ['serve', '--port', '0', '--data', data]));
    const urls = await Promise.all(programs.map(async (program) => (await program.says(/is ready at (\S+)/))[1] ?? ''));
    assert.equal(new Set(urls).size, 3);
    const credentials = JSON.parse(await readFile(join(data, 'root-credentials.json'), 'utf8'));
    for (const url of urls) {
      const role = `from:${new URL(url).port}`;
      await rootClients({ ...credentials, rootUrl: url }).auth.createRole(role, { scopes: [], description: '' });
    }
  });
});

describe('the probes', () => {
  it('say that it lives, that it can work, and how it does', async (t) => {
    const server = await serveQuickly(lastFirst(t));
    await makeHook(server);
    await rootClients(server.credentials).hooks.triggerHook('g', 'h', {});
    assert.deepEqual(
      [(await send(server.url, '/livez')).json, (await send(server.url, '/readyz')).json],
      [{ alive: true }, { ready: true }],
    );
    const { text, headers } = await send(server.url, '/metrics');
    assert.match(String(headers['content-type']), /^text\/plain; version=0\.0\.4/);
    assert.match(text, /^hookwright_fires_total\{[^}]*outcome="created"[^}]*\} 1$/m);
    assert.match(text, /^hookwright_api_seconds_count\{[^}]*method="triggerHook"[^}]*\} 1$/m);
  });
});

describe('the log', () => {
  it('has the request of a call in the line about its fire, where task and fire are one transaction too', async (t) => {
    const cleanup = lastFirst(t);
    const server = await serve(cleanup, await newDataFolder(cleanup), { args: ['--log-level', 'debug'] });
    await makeHook(server);
    const { json, headers } = await send(server.url, TRIGGER, {
      method: 'POST',
      credentials: server.credentials,
      body: '{}',
      headers: { 'content-type': 'application/json' },
    });
    await server.says(
      new RegExp(`"taskId":"${json.taskId}".*"requestId":"${headers['x-for-request-id']}".*fire created its task`),
    );
  });
});

describe('secrets', () => {
  it('stand in no output and no log, not even at level trace, and in no other file', async (t) => {
    const cleanup = lastFirst(t);
    const data = await newDataFolder(cleanup);
    const server = await serve(cleanup, data, { args: ['--log-level', 'trace'] });
    await makeHook(server);
    const { accessToken, clientId } = server.credentials;
    const key = (await readdir(data)).find((name) => /key/.test(name));
    assert.ok(key, 'the encryption key is a file of the data folder');
    const encryptionKey = (await readFile(join(data, key), 'utf8')).trim();

    const { hooks } = rootClients(server.credentials);
    await hooks.triggerHook('g', 'h', {});
    const replies = [
      await send(server.url, TRIGGER, { credentials: { clientId, accessToken: 'wrong' } }),
      await send(server.url, TRIGGER, {
        method: 'POST',
        credentials: server.credentials,
        body: '{',
        headers: { 'content-type': 'application/json' },
      }),
      await send(server.url, '/api/hooks/v1/hooks/%zz/h', { credentials: server.credentials }),
      await send(server.url, '/nowhere', { credentials: server.credentials }),
      await send(server.url, '/metrics'),
    ];
    const grant = runProgram(cleanup, ['roles', 'grant', 'some-role', '--scope', 'a', '--data', data]);
    assert.deepEqual(await grant.exit, [0, null], grant.said());
    server.process.kill('SIGTERM');
    await server.exit;
    assert.match(server.said(), /"level":20/, 'it did log');

    const spoken = [
      server.said(),
      grant.said(),
      ...replies.map(({ text, headers }) => text + JSON.stringify(headers)),
    ].join('\n');
    for (const secret of [accessToken, encryptionKey, encodeURIComponent(encryptionKey)]) {
      assert.equal(spoken.includes(secret), false, 'a secret was spoken');
    }
    assert.equal(/mac=\\?"/.test(spoken), false, 'a signature was spoken');

    for (const path of await readdir(data, { recursive: true, withFileTypes: true })) {
      if (!path.isFile() || path.name === 'root-credentials.json' || path.name === key) continue;
      const bytes: Buffer = await readFile(join(path.parentPath, path.name));
      for (const secret of [accessToken, encryptionKey])
        assert.equal(bytes.includes(secret), false, `${path.name} holds a secret`);
    }
  });
});
