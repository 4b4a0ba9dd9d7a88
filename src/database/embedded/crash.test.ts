// What a crash leaves behind, and that the next start copes with it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { shortenServerLog } from './server-log.ts';
import { eventually, isAlive, newFolder, query, spawnHolder, start } from './test-support/world.ts';

/** The supervisor of a server and all that it started. */
const familyOf = async (postmaster: number): Promise<number[]> => {
  const parentOf = async (pid: number) => {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
  };
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const parents = new Map(await Promise.all(ids.map(async (pid) => [pid, await parentOf(pid)] as const)));
  const family = [parents.get(postmaster) ?? 0];
  for (const member of family) family.push(...ids.filter((pid) => parents.get(pid) === member));
  return family;
};

const onLinux = { skip: process.platform !== 'linux' };

/**
 * Starts, writes a row, and kills what `choose` picks among the server's processes. Resolves with
 * the data folder.
 */
const crash = async (t: TestContext, choose: (postmaster: number, family: number[]) => number[]): Promise<string> => {
  const data = join(await newFolder(t), 'data');
  const holder = spawnHolder(t, data);
  const { pid, connection } = await holder.answer;
  await query(connection, 'create table kept as select 1 as one');
  const victims = choose(pid, await familyOf(pid));
  // Supervisor, its reader, the server, and its four helpers.
  assert.ok(victims.length === 1 || victims.length >= 7, `${victims.length} processes`);
  for (const victim of victims) process.kill(victim, 'SIGKILL');
  await holder.kill();
  return data;
};

const expectKept = async (t: TestContext, data: string): Promise<void> => {
  const postgres = await start(t, data);
  assert.deepEqual(await query(postgres.connection, 'select one from kept'), [{ one: 1 }]);
  await postgres[Symbol.asyncDispose]();
  assert.equal(await isAlive(postgres.pid), false);
};

test('the database is found again after kill -9 of everything', onLinux, async (t) => {
  await expectKept(t, await crash(t, (_, family) => family));
});

test('the database is found again after kill -9 of its main process', onLinux, async (t) => {
  await expectKept(t, await crash(t, (postmaster) => [postmaster]));
});

test('a server whose supervisor was killed is replaced by one that stops with its last user', onLinux, async (t) => {
  const data = join(await newFolder(t), 'data');
  const holder = spawnHolder(t, data);
  const { pid, connection } = await holder.answer;
  await query(connection, 'create table kept as select 1 as one');
  for (const member of await familyOf(pid)) {
    const name = await readFile(`/proc/${member}/comm`, 'utf8').catch(() => ''); // a session that has just ended
    if (name === 'sh\n') process.kill(member, 'SIGKILL');
  }
  await holder.kill();
  assert.equal(await isAlive(pid), true);
  await expectKept(t, data);
});

for (const which of ['the supervisor', 'its reader', 'the supervisor and its reader']) {
  test(`a server stops with its last user after kill -9 of ${which}`, onLinux, async (t) => {
    const data = join(await newFolder(t), 'data');
    const [first, second] = [spawnHolder(t, data), spawnHolder(t, data)];
    const [{ pid, connection }] = await Promise.all([first.answer, second.answer]);
    const [supervisor = 0, ...others] = await familyOf(pid);
    const shells = await Promise.all(
      others.map(async (member) => {
        const name = await readFile(`/proc/${member}/comm`, 'utf8').catch(() => ''); // a session that has just ended
        return name === 'sh\n' ? [member] : [];
      }),
    );
    if (which !== 'its reader') process.kill(supervisor, 'SIGKILL');
    if (which !== 'the supervisor') for (const reader of shells.flat()) process.kill(reader, 'SIGKILL');
    await first.letGo();
    assert.deepEqual(await query(connection, 'select 1 as one'), [{ one: 1 }]);
    await second.letGo();
    await eventually('the server is gone', async () => !(await isAlive(pid)));
  });
}

test('sessions that outlive a killed server are waited for', onLinux, async (t) => {
  const data = join(await newFolder(t), 'data');
  const holder = spawnHolder(t, data);
  const { pid, connection } = await holder.answer;
  await query(connection, 'create table kept as select 1 as one');
  // Busy without a wait in which the session would notice the death of the server.
  const busy = query(connection, 'select count(*) from generate_series(1, 15000000) a');
  busy.catch(() => {});
  await eventually('the query runs', async () => {
    const rows = await query(
      connection,
      `select 1 from pg_stat_activity where state = 'active' and query like '%generate%' and pid <> pg_backend_pid()`,
    );
    return rows.length === 1;
  });
  process.kill(pid, 'SIGKILL');
  await holder.kill();
  await expectKept(t, data);
  await busy.catch(() => {});
});

test('a postmaster.pid of a process that is gone, a zombie or something else is stale', onLinux, async (t) => {
  const data = join(await newFolder(t), 'data');
  await (await start(t, data))[Symbol.asyncDispose]();
  // A child that ends after the shell has become a program that does not wait for children stays a
  // zombie.
  const script = 'exec 3<&0; (read _ <&3) & echo $!; exec sleep 1000 3<&-';
  const parent = spawn('/bin/sh', ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => parent.kill('SIGKILL'));
  const [zombie] = (await once(createInterface(parent.stdout), 'line')) as [string];
  const nameOf = (pid: number | undefined) => readFile(`/proc/${pid}/comm`, 'utf8');
  await eventually('the shell is a sleep', async () => (await nameOf(parent.pid)) === 'sleep\n');
  parent.stdin.end();
  await eventually('it is a zombie', async () => /\) Z /.test(await readFile(`/proc/${zombie}/stat`, 'utf8')));
  const gone = spawn('true');
  await once(gone, 'exit');

  for (const pid of [zombie, process.pid, gone.pid, 'nonsense']) {
    const file = `${pid}\n${data}/postgres/cluster\n1700000000\n5432\n/nowhere\n\n  123 456\nready   \n`;
    await writeFile(join(data, 'postgres', 'cluster', 'postmaster.pid'), file);
    const postgres = await start(t, data);
    assert.deepEqual(await query(postgres.connection, 'select 1 as one'), [{ one: 1 }]);
    await postgres[Symbol.asyncDispose]();
  }
});

test('a database whose making was killed is made anew', onLinux, async (t) => {
  const data = join(await newFolder(t), 'data');
  const drafts = async () => {
    const names = await readdir(join(data, 'postgres')).catch(() => []);
    return names.filter((name) => name.startsWith('cluster.new-'));
  };
  const holder = spawnHolder(t, data);
  await eventually('initdb is at work', async () => {
    const [draft] = await drafts();
    return draft !== undefined && (await readdir(join(data, 'postgres', draft)).catch(() => [])).length > 3;
  });
  await holder.kill();

  const postgres = await start(t, data);
  assert.equal(postgres.firstStart, true);
  await postgres[Symbol.asyncDispose]();
  await eventually('initdb has ended, and the next start has removed what it left', async () => {
    const next = await start(t, data);
    assert.equal(next.firstStart, false);
    await next[Symbol.asyncDispose]();
    return (await drafts()).length === 0;
  });
});

test('a cluster that lacks PG_VERSION is refused and not touched', async (t) => {
  const data = join(await newFolder(t), 'data');
  await mkdir(join(data, 'postgres', 'cluster'), { recursive: true });
  await writeFile(join(data, 'postgres', 'cluster', 'precious'), 'data');
  await assert.rejects(start(t, data), { code: 'HW_POSTGRES_DID_NOT_START', message: /no PG_VERSION/ });
  assert.equal(await readFile(join(data, 'postgres', 'cluster', 'precious'), 'utf8'), 'data');
});

test('a server that cannot start says why', async (t) => {
  const data = join(await newFolder(t), 'data');
  const first = await start(t, data);
  await query(first.connection, `alter system set shared_preload_libraries = 'no_such_library'`);
  await first[Symbol.asyncDispose]();
  await assert.rejects(start(t, data), {
    code: 'HW_POSTGRES_DID_NOT_START',
    message: /no_such_library.*postgres\.log/,
  });
});

test('a database of another major version is refused', async (t) => {
  const data = join(await newFolder(t), 'data');
  await mkdir(join(data, 'postgres', 'cluster'), { recursive: true });
  await writeFile(join(data, 'postgres', 'cluster', 'PG_VERSION'), '17\n');
  await assert.rejects(start(t, data), {
    code: 'HW_DATABASE_OF_OTHER_VERSION',
    message: /PostgreSQL 17, .* carries 18/,
  });
});

test('a log that has grown too long is cut, and one earlier file is kept', async (t) => {
  const log = join(await newFolder(t), 'postgres.log');
  await appendFile(log, 'x'.repeat(5 * 2 ** 20));
  await shortenServerLog(log);
  assert.equal((await stat(log)).size, 0);
  assert.equal((await stat(`${log}.1`)).size, 5 * 2 ** 20);
});
