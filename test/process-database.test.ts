// `hookwright serve` on a database that was given, and what it says of one that it cannot use.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { access, chmod, chown, readdir, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import pg from 'pg';
import { ECHO_SCOPES, echoHook, rootClients } from './support/client.ts';
import { type Cleanup, freshConnection, freshDatabaseUrl } from './support/database.ts';
import { kill9 } from './support/processes.ts';
import { newDataFolder, newFolder, runProgram, serve } from './support/server.ts';
import { eventually, lastFirst } from './support/wait.ts';

const isRoot = process.getuid?.() === 0;
const NOBODY = 65534;

const query = async (
  connectionString: string,
  sql: string,
  values: unknown[] = [],
): Promise<Record<string, unknown>[]> => {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return (await client.query(sql, values)).rows;
  } finally {
    await client.end();
  }
};

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** What a server that cannot start says. */
const refusalOf = async (
  cleanup: Cleanup,
  data: string,
  env: NodeJS.ProcessEnv,
  ...args: string[]
): Promise<string> => {
  const program = runProgram(cleanup, ['serve', '--port', '0', '--data', data, ...args], { env });
  assert.deepEqual(await program.exit, [1, null], program.said());
  assert.equal(await exists(join(data, 'server.json')), false);
  return program.said();
};

/** Lets so many bytes of answers through, and is gone then. */
const cuttingProxy = async (cleanup: Cleanup, target: pg.ClientConfig, most: number) => {
  const { host, port, user = '', password, database } = new pg.Client(target); // which knows what a URL means
  let bytes = 0;
  const sockets = new Set<Socket>();
  const proxy = createServer((client) => {
    const server = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', () => {}); // it is cut on purpose
    }
    client.pipe(server);
    client.on('close', () => server.destroy());
    server.on('close', () => client.destroy());
    server.on('data', (chunk) => {
      bytes += chunk.length;
      if (bytes <= most) return void client.write(chunk);
      proxy.close();
      for (const socket of sockets) socket.destroy();
    });
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  cleanup.after(async () => {
    proxy.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = proxy.address() as AddressInfo;
  const credentials = [user, ...(typeof password === 'string' ? [password] : [])].map(encodeURIComponent).join(':');
  return { url: `postgres://${credentials}@127.0.0.1:${address.port}/${database}`, bytes: () => bytes };
};

describe('a given database', () => {
  it('holds everything, and no other is started', async (t) => {
    const cleanup = lastFirst(t);
    const url = await freshDatabaseUrl(cleanup);
    const server = await serve(cleanup, await newDataFolder(cleanup), { env: { DATABASE_URL: url } });
    const { hooks, auth } = rootClients(server.credentials);
    await hooks.createHook('g', 'h', echoHook());
    await auth.createRole('hook-id:g/h', { scopes: ECHO_SCOPES, description: '' });
    const { taskId } = await hooks.triggerHook('g', 'h', {});
    assert.deepEqual(await query(url, 'select task_id from tasks'), [{ task_id: taskId }]);
    assert.equal(await exists(join(server.dataFolder, 'postgres')), false);
    assert.match(server.said(), / {2}database {5}localhost/);
    server.process.kill('SIGTERM');
    assert.deepEqual(await server.exit, [0, null]);
    assert.deepEqual(
      await query(
        url,
        'select count(*)::int as others from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
      ),
      [{ others: 0 }],
    );
  });

  it('is named without its password', async (t) => {
    const cleanup = lastFirst(t);
    const env = { DATABASE_URL: 'postgres://me:geheim@127.0.0.1:1/none?password=verborgen' };
    const said = await refusalOf(cleanup, await newDataFolder(cleanup), env, '--log-level', 'trace');
    assert.match(
      said,
      /^hookwright: The database at 127\.0\.0\.1:1\/none cannot be reached: .*ECONNREFUSED.* \[HW_DATABASE_UNREACHABLE\]\n$/,
    );
    assert.doesNotMatch(said, /geheim|verborgen/);
  });

  it('that goes away while the server starts ends the start with a reason that an operator can act on', async (t) => {
    const cleanup = lastFirst(t);
    const connection = await freshConnection(cleanup);
    const key = { HOOKWRIGHT_ENCRYPTION_KEY: randomBytes(32).toString('base64') };
    const start = async (most: number) => {
      const { url, bytes } = await cuttingProxy(cleanup, connection, most);
      const data = await newDataFolder(cleanup);
      const env = { ...key, DATABASE_URL: url };
      const program = runProgram(cleanup, ['serve', '--port', '0', '--data', data, '--log-level', 'fatal'], { env });
      // A server that has begun its work waits for its database, however soon it goes.
      const [said] = await program.says(/^hookwright: .*$|is ready at /m);
      if (said.startsWith('hookwright: ')) assert.deepEqual(await program.exit, [1, null], program.said());
      program.process.kill('SIGKILL');
      return { said, bytes: bytes() };
    };
    const all = (await start(Number.POSITIVE_INFINITY)).bytes;
    const ends = [];
    for (let part = 0.02; part < 0.4; part += 0.04) ends.push((await start(Math.floor(all * part))).said);
    const refusals = ends.filter((said) => said.startsWith('hookwright: '));
    assert.ok(refusals.length > 2, ends.join('\n'));
    for (const said of refusals) {
      assert.match(said, /^hookwright: The database at 127.* cannot be reached: .* \[HW_DATABASE_UNREACHABLE\]$/);
    }
  });

  it('that a newer Hookwright migrated is refused, and left as it is', async (t) => {
    const cleanup = lastFirst(t);
    const url = await freshDatabaseUrl(cleanup);
    await query(url, `insert into migrations (name, run_on) values ('9999_future', '2030-01-01')`);
    const before = await query(url, 'select name from migrations order by id');
    const said = await refusalOf(cleanup, await newDataFolder(cleanup), { DATABASE_URL: url });
    assert.match(said, /^hookwright: .*"9999_future".* \[HW_SCHEMA_TOO_NEW\]\n$/);
    assert.deepEqual(await query(url, 'select name from migrations order by id'), before);
    assert.deepEqual(await query(url, 'select client_id from clients'), []);
  });

  it('whose secrets were sealed with another key is refused, and opens again with the right one', async (t) => {
    const cleanup = lastFirst(t);
    const env = { DATABASE_URL: await freshDatabaseUrl(cleanup) };
    const data = await newDataFolder(cleanup);
    const first = await serve(cleanup, data, { env });
    first.process.kill('SIGTERM');
    await first.exit;

    const key = randomBytes(32).toString('base64');
    const cases: [string, NodeJS.ProcessEnv][] = [
      [await newDataFolder(cleanup), env],
      [data, { ...env, HOOKWRIGHT_ENCRYPTION_KEY: key }],
    ];
    for (const [folder, surroundings] of cases) {
      const said = await refusalOf(cleanup, folder, surroundings, '--log-level', 'trace');
      assert.match(
        said,
        /hookwright: The secrets in this database were encrypted with another key .* \[HW_WRONG_ENCRYPTION_KEY\]\n$/,
      );
      assert.equal(said.includes(key), false);
    }
    const again = await serve(cleanup, data, { env });
    assert.equal(again.credentials.accessToken, first.credentials.accessToken);
    assert.equal((await rootClients(again.credentials).auth.ping()).alive, true);
  });

  it('is used by servers with data folders of their own that share the key', async (t) => {
    const cleanup = lastFirst(t);
    const env = {
      DATABASE_URL: await freshDatabaseUrl(cleanup),
      HOOKWRIGHT_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    };
    const [left, right] = await Promise.all(
      [1, 2].map(async () => serve(cleanup, await newDataFolder(cleanup), { env })),
    );
    assert.ok(left && right);
    assert.equal(left.credentials.accessToken, right.credentials.accessToken);
    await rootClients(left.credentials).hooks.createHook('g', 'h', echoHook());
    assert.equal((await rootClients(right.credentials).hooks.hook('g', 'h')).hookId, 'h');
    assert.equal((await readdir(left.dataFolder)).includes('postgres'), false);
  });
});

describe('a pooler', () => {
  const isThere = spawnSync('pgbouncer', ['--version'], { uid: isRoot ? NOBODY : undefined, cwd: '/' }).status === 0;

  /**
   * PgBouncer on a socket in a folder of its own, before a database of its own. Resolves with a
   * DATABASE_URL through it.
   */
  const startPooler = async (cleanup: Cleanup, mode: 'session' | 'transaction', poolSize: number): Promise<string> => {
    const connection = await freshConnection(cleanup);
    const { host, port, user, database } =
      'connectionString' in connection ? partsOf(connection.connectionString) : connection;
    const folder = await newFolder(cleanup);
    const config = join(folder, 'pgbouncer.ini');
    const text = `[databases]
behind = host=${host} port=${port} dbname=${database} user=${user}
[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = ${folder}
auth_type = any
pool_mode = ${mode}
default_pool_size = ${poolSize}
logfile =
pidfile =
`;
    await writeFile(config, text);
    await chmod(folder, 0o711);
    if (isRoot) await chown(folder, NOBODY, NOBODY);
    const pooler = spawn('pgbouncer', [config], {
      stdio: ['ignore', 'ignore', 'pipe'],
      cwd: '/',
      ...(isRoot && { uid: NOBODY, gid: NOBODY }),
    });
    let said = '';
    pooler.stderr.setEncoding('utf8').on('data', (more: string) => {
      said += more;
    });
    const ended = once(pooler, 'exit');
    cleanup.after(async () => {
      if (pooler.pid !== undefined) kill9(pooler.pid);
      await ended;
    });
    await eventually('PgBouncer listens', async () => {
      if (pooler.exitCode !== null) throw new Error(`PgBouncer ended: ${said}`);
      return exists(join(folder, '.s.PGSQL.6432'));
    });
    return `postgres:///behind?${new URLSearchParams({ host: folder, port: '6432', user })}`;
  };

  const partsOf = (connectionString: string) => {
    const { host, port, user, database } = new pg.Client({ connectionString });
    return { host, port, user: user ?? 'postgres', database: database ?? 'postgres' };
  };

  for (const poolSize of [1, 20]) {
    it(`that lends ${poolSize === 1 ? 'one server process' : 'server processes'} for a transaction is refused`, async (t) => {
      if (!isThere) return t.skip('pgbouncer is not installed: apt-get install pgbouncer');
      const cleanup = lastFirst(t);
      const env = { DATABASE_URL: await startPooler(cleanup, 'transaction', poolSize) };
      const said = await refusalOf(cleanup, await newDataFolder(cleanup), env);
      assert.match(
        said,
        /^hookwright: The database at .* sits behind a transaction pooler \(.*\)\..* \[HW_DATABASE_IS_POOLED\]\n$/,
      );
    });
  }

  it('that lends them for a session is as good as the database itself', async (t) => {
    if (!isThere) return t.skip('pgbouncer is not installed: apt-get install pgbouncer');
    const cleanup = lastFirst(t);
    const env = { DATABASE_URL: await startPooler(cleanup, 'session', 20) };
    const server = await serve(cleanup, await newDataFolder(cleanup), { env });
    const { hooks } = rootClients(server.credentials);
    assert.equal((await hooks.createHook('g', 'h', echoHook())).hookId, 'h');
  });
});
