// The embedded database as its users see it: started, joined, left, killed.
import assert from 'node:assert/strict';
import { readdir, readFile, readlink, rm, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { roundsOf } from '../../../test/support/test-length.ts';
import { systemClock } from '../../core/clock.ts';
import { silentLog } from '../../core/log.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres.ts';
import {
  eventually,
  isAlive,
  isRoot,
  newFolder,
  ordinaryUserCanRun,
  query,
  spawnHolder,
  start,
} from './test-support/world.ts';

const ROUNDS = roundsOf(15);

/** For the tests that only look at it. */
let running: EmbeddedPostgres;
const undo = new AsyncDisposableStack();
before(async () => {
  const t = { after: (step: () => Promise<void>) => undo.defer(step) };
  running = await start(t, join(await newFolder(t), 'data'));
});
after(() => undo.disposeAsync());

test('the first start makes a database, a later one finds it with what was in it', async (t) => {
  const data = join(await newFolder(t), 'data');
  const first = await start(t, data);
  assert.equal(first.firstStart, true);
  assert.equal(first.place, join(data, 'postgres'));
  await query(first.connection, 'create table kept as select 1 as one');
  await first[Symbol.asyncDispose]();
  assert.equal(await isAlive(first.pid), false, 'the last one out has waited for the end');

  const second = await start(t, data);
  assert.equal(second.firstStart, false);
  assert.deepEqual(await query(second.connection, 'select one from kept'), [{ one: 1 }]);
});

test('no connection over the network is taken, and over the socket only those of its user', async () => {
  assert.deepEqual(await query(running.connection, 'show listen_addresses'), [{ listen_addresses: '' }]);
  assert.equal((await stat(running.connection.host)).mode & 0o777, 0o700);
});

test('the server keeps what it acknowledged and speaks UTC and UTF-8', async () => {
  const { connection } = running;
  const names = ['fsync', 'synchronous_commit', 'full_page_writes', 'autovacuum', 'TimeZone', 'server_encoding'];
  const rows = await query(connection, `select name, setting from pg_settings where name = any('{${names.join()}}')`);
  const settings = Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
  assert.deepEqual(settings, {
    TimeZone: 'UTC',
    autovacuum: 'on',
    fsync: 'on',
    full_page_writes: 'on',
    server_encoding: 'UTF8',
    synchronous_commit: 'on',
  });
});

test('a second process joins the server, which ends with the last of them', async (t) => {
  const data = join(await newFolder(t), 'data');
  const first = spawnHolder(t, data);
  const { pid } = await first.answer;
  const second = spawnHolder(t, data);
  const joined = await second.answer;
  assert.equal(joined.pid, pid);
  assert.equal(joined.firstStart, false);

  await first.letGo();
  assert.deepEqual(await query(joined.connection, 'select 1 as one'), [{ one: 1 }]);
  await second.letGo();
  assert.equal(await isAlive(pid), false);
});

test('processes that start at the same moment on an empty folder make one database and share one server', async (t) => {
  const data = join(await newFolder(t), 'data');
  const holders = Array.from({ length: 4 }, () => spawnHolder(t, data));
  const answers = await Promise.all(holders.map((holder) => holder.answer));
  assert.equal(answers.filter((answer) => answer.firstStart).length, 1);
  assert.equal(new Set(answers.map((answer) => answer.pid)).size, 1);
  await Promise.all(holders.map((holder) => holder.letGo()));
  assert.equal(await isAlive(answers[0]?.pid ?? 0), false);
});

test('one process may use a data folder twice', async (t) => {
  const data = join(await newFolder(t), 'data');
  const [one, two] = await Promise.all([start(t, data), start(t, data)]);
  assert.equal(one.pid, two.pid);
  await one[Symbol.asyncDispose]();
  assert.deepEqual(await query(two.connection, 'select 1 as one'), [{ one: 1 }]);
});

test('the server stops after kill -9 of all its users', async (t) => {
  const data = join(await newFolder(t), 'data');
  const holders = [spawnHolder(t, data), spawnHolder(t, data)];
  const [answer] = await Promise.all(holders.map((holder) => holder.answer));
  const pid = answer?.pid ?? 0;
  await holders[0]?.kill();
  assert.equal(await isAlive(pid), true);
  await holders[1]?.kill();
  await eventually('the server is gone', async () => !(await isAlive(pid)));
});

test('whoever comes while the server stops gets a server that stays', async (t) => {
  const data = join(await newFolder(t), 'data');
  const options = { dataFolder: data, log: silentLog, clock: systemClock };
  let current = await startEmbeddedPostgres(options);
  for (let round = 0; round < ROUNDS; round++) {
    const [next] = await Promise.all([startEmbeddedPostgres(options), current[Symbol.asyncDispose]()]);
    current = next;
    assert.deepEqual(await query(current.connection, 'select 1 as one'), [{ one: 1 }]);
  }
  await current[Symbol.asyncDispose]();
});

test('whoever comes just after kill -9 of the last user gets a server that stays', async (t) => {
  const data = join(await newFolder(t), 'data');
  for (let round = 0; round < 6; round++) {
    const holder = spawnHolder(t, data);
    await holder.answer;
    const killed = holder.kill();
    const next = await startEmbeddedPostgres({ dataFolder: data, log: silentLog, clock: systemClock });
    await killed;
    for (let look = 0; look < 3; look++) {
      assert.deepEqual(await query(next.connection, 'select 1 as one'), [{ one: 1 }]);
    }
    await next[Symbol.asyncDispose]();
  }
});

test('Ctrl-C in the terminal does not reach the server', async (t) => {
  const holder = spawnHolder(t, join(await newFolder(t), 'data'));
  const { pid, connection } = await holder.answer;
  process.kill(-(holder.process.pid ?? 0), 'SIGINT');
  assert.deepEqual(await query(connection, 'select 1 as one'), [{ one: 1 }]);
  assert.equal(await isAlive(pid), true);
});

test('the server holds no file of ours open but its log', { skip: process.platform !== 'linux' }, async () => {
  const folder = `/proc/${running.pid}/fd`;
  const targets = await Promise.all((await readdir(folder)).map((fd) => readlink(join(folder, fd)).catch(() => '')));
  const foreign = targets.filter((target) => target.startsWith('/') && !target.startsWith('/dev/'));
  const allowed = [join(running.place, 'postgres.log'), join(running.place, 'cluster')];
  assert.deepEqual(
    foreign.filter((target) => !allowed.some((path) => target.startsWith(path))),
    [],
  );
});

test('a data folder with a very long name has its socket elsewhere', async (t) => {
  const data = join(await newFolder(t), "it's long, ".repeat(15), 'ü'.repeat(100));
  const postgres = await start(t, data);
  assert.ok(Buffer.byteLength(postgres.connection.host) < 90);
  assert.equal((await stat(postgres.connection.host)).mode & 0o777, 0o700);
  assert.deepEqual(await query(postgres.connection, 'select 1 as one'), [{ one: 1 }]);
  await postgres[Symbol.asyncDispose]();
  await assert.rejects(stat(postgres.connection.host), { code: 'ENOENT' });
});

test('a temporary socket folder that a crash left is removed by the next start', async (t) => {
  const data = join(await newFolder(t), 'x'.repeat(120));
  const holder = spawnHolder(t, data);
  const { connection, pid } = await holder.answer;
  // The supervisor would remove it, so it goes first. It is the parent of the server.
  const parent = Number(/\) \w (\d+) /.exec(await readFile(`/proc/${pid}/stat`, 'utf8'))?.[1]);
  process.kill(parent, 'SIGKILL');
  await holder.kill();
  await eventually('the server is gone', async () => !(await isAlive(pid)));
  const next = await start(t, data);
  assert.notEqual(next.connection.host, connection.host);
  await assert.rejects(stat(connection.host), { code: 'ENOENT' });
});

const programsAreCopied = isRoot && !(await ordinaryUserCanRun());

test('a data folder may have quotes in its name', { skip: programsAreCopied && 'initdb cannot' }, async (t) => {
  const postgres = await start(t, join(await newFolder(t), `"it's" $HOME \\n`));
  assert.deepEqual(await query(postgres.connection, 'select 1 as one'), [{ one: 1 }]);
});

test('a symlink and its target are the same data folder', async (t) => {
  const folder = await newFolder(t);
  const one = await start(t, join(folder, 'data'));
  await symlink('data', join(folder, 'link'));
  const two = await start(t, join(folder, 'link'));
  assert.equal(two.pid, one.pid);
});

test('a data folder that is deleted under the server does not keep the process from ending', async (t) => {
  const data = join(await newFolder(t), 'data');
  const holder = spawnHolder(t, data);
  const { pid } = await holder.answer;
  await rm(data, { recursive: true, force: true, maxRetries: 5 });
  await holder.letGo();
  await eventually('the server is gone', async () => !(await isAlive(pid)));
});

test('what the server complains about is in its log', async () => {
  await assert.rejects(query(running.connection, 'select secret_of_a_caller'));
  const log = await readFile(join(running.place, 'postgres.log'), 'utf8');
  assert.match(log, /ready to accept connections/);
  assert.doesNotMatch(log, /STATEMENT/);
});
