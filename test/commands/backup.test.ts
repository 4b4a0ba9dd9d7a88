// hookwright backup and restore as people call them: beside a running server, from one kind of
// database to another, and when things go wrong.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import pg from 'pg';
import { ask, contentOf } from '../backup/world.ts';
import { type Cleanup, freshDatabaseUrl } from '../support/database.ts';
import { startServerProcess } from '../support/server-process.ts';
import { administer } from '../support/test-server.ts';
import { eventually, lastFirst } from '../support/wait.ts';
import {
  cleanEnvironment,
  follow,
  GREETING,
  GREETING_SCOPES,
  LAUNCHER,
  newWorld,
  type Result,
  type World,
} from './command-world.ts';

let world: World;
/** With its key in it. */
let whole: string;
const undo = new AsyncDisposableStack();

before(async () => {
  world = await newWorld(lastFirst({ after: (step) => undo.defer(step) }));
  const schedule = ['0 0 0 1 1 *'];
  await world.succeed(['roles', 'create', 'hook-id:my/*', ...GREETING_SCOPES]);
  await world.succeed(['hooks', 'create', 'my/hook', '-'], { input: JSON.stringify({ ...GREETING, schedule }) });
  await world.succeed(['hooks', 'trigger', 'my/hook', '--payload', '{"who":"you"}']);
  whole = join(world.folder, 'whole.backup');
  await world.succeed(['backup', whole, '--with-key']);
});
after(() => undo.disposeAsync());

const newFolder = async (t: Cleanup): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'hookwright-backup-'));
  await chmod(folder, 0o755);
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
};

/** An empty database as a DATABASE_URL, and what to ask it with. */
const emptyDatabase = async (t: Cleanup) => {
  const url = await freshDatabaseUrl(t);
  await administer({ connectionString: url }, 'drop schema public cascade', 'create schema public');
  return { url, connection: { connectionString: url } };
};

const fails = async (
  args: readonly string[],
  status: number,
  message: RegExp,
  env: NodeJS.ProcessEnv = {},
): Promise<Result> => {
  const result = await world.run(args, { env });
  assert.equal(result.status, status, result.err);
  assert.match(result.err, message);
  return result;
};

/** More than fits into any buffer on the way, and cannot be compressed. */
const addMuch = (url: string): Promise<void> =>
  administer(
    { connectionString: url },
    `insert into settings select 'much ' || g, to_json((select string_agg(md5(random()::text), '') from generate_series(1, 300) where g > 0))
     from generate_series(1, 1500) g`,
  );

describe('hookwright backup', () => {
  it('beside a running server writes one file of mode 0600, and says what to keep with it', async () => {
    const file = join(world.folder, 'one.backup');
    const out = await world.succeed(['backup', 'one.backup']);
    assert.match(
      out,
      /^Wrote one\.backup: \d+ bytes, \d+ rows of \d+ tables as they were at 20.*Z\.\nKeep the encryption key from .*encryption-key too, .*\n$/,
    );
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    const content = await readFile(file);
    assert.match(content.toString('latin1', 0, 20), /^hookwright backup 1\n$/);
    const key = await readFile(join(world.folder, '.hookwright/encryption-key'), 'utf8');
    assert.ok(!content.includes(key.trim()), 'the key is not in it');
    assert.ok((await readFile(whole)).includes(key.trim()), 'with --with-key it is');
    const told = await world.json<{ bytes: number; hasKey: boolean; rows: Record<string, number> }>(['backup', file]);
    assert.deepEqual([told.bytes, told.hasKey, told.rows.hooks], [content.length, false, 1]);
    assert.ok((await readdir(world.folder)).every((name) => !name.endsWith('.part')));
  });

  it('where there are no data says so, and makes none', async (t) => {
    const folder = await newFolder(t);
    await fails(['backup', 'x', '--data', join(folder, 'data')], 1, /HW_NOTHING_TO_BACK_UP/);
    assert.deepEqual(await readdir(folder), []);
    const { url } = await emptyDatabase(t);
    await fails(['backup', join(folder, 'x'), '--database-url', url], 1, /HW_NOTHING_TO_BACK_UP/);
    assert.deepEqual(await readdir(folder), []);
  });

  it('that cannot be written leaves nothing, and leaves an older one as it was', async (t) => {
    const folder = await newFolder(t);
    const url = await freshDatabaseUrl(t);
    await addMuch(url);
    const env = { DATABASE_URL: url };
    await writeFile(join(folder, 'old'), 'the older backup');
    await mkdir(join(folder, 'sub'));
    await fails(
      ['backup', join(folder, 'missing/x')],
      1,
      /not written to .*missing\/x: there is no such folder.*HW_BACKUP_NOT_WRITTEN/,
      env,
    );
    await fails(['backup', join(folder, 'sub')], 1, /it is not a file.*HW_BACKUP_NOT_WRITTEN/, env);
    await fails(['backup', '/dev/null'], 1, /it is not a file/, env);
    assert.ok((await stat('/dev/null')).isCharacterDevice());
    // Files of at most 1 MiB: the same as a disk that becomes full on the way.
    const script = `ulimit -f 1024; exec '${process.execPath}' '${LAUNCHER}' backup '${join(folder, 'old')}'`;
    const child = spawn('bash', ['-c', script], { cwd: folder, env: { ...cleanEnvironment(folder), ...env } });
    const { status, err } = await follow(child).end;
    assert.equal(status, 1, err);
    assert.match(err, /old: EFBIG.*HW_BACKUP_NOT_WRITTEN/);
    assert.deepEqual((await readdir(folder)).toSorted(), ['old', 'sub']);
    assert.equal(await readFile(join(folder, 'old'), 'utf8'), 'the older backup');
    await world.succeed(['backup', join(folder, 'old')], { env });
    assert.ok((await stat(join(folder, 'old'))).size > 1_000_000);
  });

  it('on a full disk says so', async (context) => {
    const t = lastFirst(context);
    const folder = await newFolder(t);
    const mount = spawn('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder], { stdio: 'ignore' });
    mount.on('error', () => {}); // then it has no exit status
    if (mount.pid === undefined || (await once(mount, 'exit'))[0] !== 0)
      return context.skip('a disk of its own needs root');
    t.after(async () => void (await once(spawn('umount', [folder]), 'exit')));
    const url = await freshDatabaseUrl(t);
    await addMuch(url);
    await fails(['backup', join(folder, 'x')], 1, /no space is left on the device.*HW_BACKUP_NOT_WRITTEN/, {
      DATABASE_URL: url,
    });
    assert.deepEqual(await readdir(folder), []);
  });

  it('that is interrupted leaves nothing', async (t) => {
    const folder = await newFolder(t);
    const url = await freshDatabaseUrl(t);
    const holder = new pg.Client({ connectionString: url });
    await holder.connect();
    try {
      await holder.query('begin; lock table settings in access exclusive mode');
      const { process: child, end } = world.start(['backup', join(folder, 'x')], { env: { DATABASE_URL: url } });
      await eventually('it waits for the table, with its file begun', async () => {
        const waiting = await ask(
          { connectionString: url },
          `select from pg_stat_activity where application_name = 'hookwright backup' and wait_event_type = 'Lock'`,
        );
        return waiting.length > 0 && (await readdir(folder)).length === 1;
      });
      child.kill('SIGTERM');
      const { status, err } = await end;
      assert.deepEqual([status, /it was interrupted.*HW_BACKUP_NOT_WRITTEN/.test(err)], [1, true], err);
      assert.deepEqual(await readdir(folder), []);
    } finally {
      await holder.end();
    }
  });

  it('to a pipe whose reader goes away ends with 1', async (t) => {
    const url = await freshDatabaseUrl(t);
    await addMuch(url);
    const script = `'${process.execPath}' '${LAUNCHER}' backup - | head -c 100 > head; echo "\${PIPESTATUS[0]}"`;
    const env = { ...cleanEnvironment(world.folder), DATABASE_URL: url };
    const child = spawn('bash', ['-c', script], { cwd: world.folder, env });
    const { out, err } = await follow(child).end;
    assert.equal(out, '1\n');
    assert.match(err, /not written to standard output: .*EPIPE.*HW_BACKUP_NOT_WRITTEN/);
  });

  it('follows a link, and replaces what it leads to', async (t) => {
    const folder = await newFolder(t);
    await writeFile(join(folder, 'real'), '');
    await symlink('real', join(folder, 'link'));
    await world.succeed(['backup', join(folder, 'link')]);
    assert.equal(await readlink(join(folder, 'link')), 'real');
    assert.ok((await stat(join(folder, 'real'))).size > 100);
  });

  it('with a key refuses one that is not the database’s', async () => {
    const other = { HOOKWRIGHT_ENCRYPTION_KEY: Buffer.alloc(32, 1).toString('base64') };
    await fails(['backup', 'x', '--with-key'], 1, /HW_BACKUP_OTHER_KEY/, other);
    assert.ok(!(await readdir(world.folder)).includes('x'));
    // Without it the key does not matter, and the advice names no wrong place.
    assert.match(await world.succeed(['backup', 'y'], { env: other }), /Keep the encryption key of the servers/);
  });
});

describe('hookwright restore', () => {
  it('brings a server back: its hooks, its secrets, its numbers, its past', async (t) => {
    const folder = await newFolder(t);
    const out = await world.succeed(['restore', whole, '--data', join(folder, '.hookwright')]);
    assert.match(
      out,
      /^Restored \d+ rows of \d+ tables from .*\nThey are as they were at .*\nWrote the encryption key to .*encryption-key\.\n$/,
    );
    assert.equal((await stat(join(folder, '.hookwright/encryption-key'))).mode & 0o777, 0o600);
    const server = await startServerProcess(lastFirst(t), { cwd: folder });
    const here = { cwd: folder };
    const hook = ['hooks', 'show', 'my/hook', '--json'];
    assert.equal(await world.succeed(hook, here), await world.succeed(hook));
    const fires = ['hooks', 'fires', 'my/hook', '--json'];
    assert.equal(await world.succeed(fires, here), await world.succeed(fires));
    const tokenOf = async (path: string) =>
      JSON.parse(await readFile(join(path, '.hookwright/root-credentials.json'), 'utf8')).accessToken;
    assert.equal(await tokenOf(folder), await tokenOf(world.folder));
    await world.succeed(['hooks', 'trigger', 'my/hook', '--payload', '{"who":"you again"}'], here);
    assert.equal((await world.json<unknown[]>(['hooks', 'fires', 'my/hook'], here)).length, 2);
    await fails(['restore', whole, '--replace', '--data', join(folder, '.hookwright')], 1, /HW_DATABASE_IN_USE/);
    await server.end('SIGTERM');
    assert.match(
      await world.succeed(['restore', whole, '--replace', '--data', join(folder, '.hookwright')]),
      /^Removed what was there: .*\bhooks 1\b/m,
    );
  });

  it('leads from the embedded database to a given one and back, with every row', async (t) => {
    const [first, second] = [await emptyDatabase(t), await emptyDatabase(t)];
    const data = join(await newFolder(t), 'data');
    const key = {
      HOOKWRIGHT_ENCRYPTION_KEY: (await readFile(join(world.folder, '.hookwright/encryption-key'), 'utf8')).trim(),
    };
    await world.succeed(['restore', whole, '--database-url', first.url], { env: key });
    await world.succeed(['backup', 'given.backup', '--database-url', first.url]);
    await world.succeed(['restore', 'given.backup', '--data', data], { env: key });
    await world.succeed(['backup', 'embedded.backup', '--data', data]);
    await world.succeed(['restore', 'embedded.backup'], { env: { ...key, DATABASE_URL: second.url } });
    const content = await contentOf(first.connection);
    assert.equal(content.hooks?.length, 1);
    assert.deepEqual(await contentOf(second.connection), content);
  });

  it('wants the key: the right one, from wherever', async (t) => {
    const folder = await newFolder(t);
    const data = join(folder, 'data');
    await world.succeed(['backup', 'keyless.backup']);
    await fails(['restore', 'keyless.backup', '--data', data], 1, /HW_BACKUP_WITHOUT_KEY/);
    const other = { HOOKWRIGHT_ENCRYPTION_KEY: Buffer.alloc(32, 1).toString('base64') };
    await fails(['restore', 'keyless.backup', '--data', data], 1, /HW_BACKUP_OTHER_KEY/, other);
    await fails(['restore', whole, '--data', data], 1, /HW_BACKUP_OTHER_KEY/, other);
    assert.deepEqual(await readdir(folder), [], 'nothing was made');
    const keyFile = join(world.folder, '.hookwright/encryption-key');
    await world.succeed(['restore', 'keyless.backup', '--data', data, '--encryption-key-file', keyFile]);
    assert.ok(!(await readdir(data)).includes('encryption-key'), 'who gives a key keeps it where it is');
  });

  it('of a file that is damaged, or none, begins nothing', async (t) => {
    const folder = await newFolder(t);
    const data = ['--data', join(folder, 'data')];
    const file = await readFile(whole);
    await writeFile(join(folder, 'cut'), file.subarray(0, -30));
    await writeFile(join(folder, 'hook.yaml'), 'a: b');
    await fails(['restore', join(folder, 'cut'), ...data], 1, /cut is not a whole backup: .*HW_BACKUP_DAMAGED/);
    await fails(['restore', join(folder, 'hook.yaml'), ...data], 1, /HW_BACKUP_DAMAGED/);
    await fails(
      ['restore', join(folder, 'nothing'), ...data],
      1,
      /nothing cannot be used: there is no such file.*HW_BAD_FILE/,
    );
    await fails(['restore', folder, ...data], 1, /HW_BAD_FILE/);
    assert.deepEqual((await readdir(folder)).toSorted(), ['cut', 'hook.yaml']);
    await fails(['restore'], 2, /FILE is missing/);
  });

  it('from a pipe commits nothing before the end was seen', async (t) => {
    const { url, connection } = await emptyDatabase(t);
    const env = {
      DATABASE_URL: url,
      HOOKWRIGHT_ENCRYPTION_KEY: (await readFile(join(world.folder, '.hookwright/encryption-key'), 'utf8')).trim(),
    };
    const pipe = async (bytes: string): Promise<Result> => {
      const script = `set -o pipefail; ${bytes} '${whole}' | '${process.execPath}' '${LAUNCHER}' restore -`;
      return follow(
        spawn('bash', ['-c', script], { cwd: world.folder, env: { ...cleanEnvironment(world.folder), ...env } }),
      ).end;
    };
    const cut = await pipe('head -c -1');
    assert.match(cut.err, /standard input is not a whole backup/);
    assert.deepEqual(await ask(connection, `select from pg_class where relnamespace = 'public'::regnamespace`), []);
    const complete = await pipe('cat');
    assert.equal(complete.status, 0, complete.err);
    assert.equal((await contentOf(connection)).hooks?.length, 1);
  });

  it('that is killed in the middle leaves the database as it was', async (t) => {
    const source = await freshDatabaseUrl(t);
    await addMuch(source);
    const file = join(await newFolder(t), 'much.backup');
    await world.succeed(['backup', file], { env: { DATABASE_URL: source } });
    const target = await freshDatabaseUrl(t);
    const connection = { connectionString: target };
    await administer(connection, `insert into settings values ('mine', '1')`);
    const before = await contentOf(connection);
    for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
      await interruptRestore(t, file, target, signal);
      assert.deepEqual(await contentOf(connection), before, signal);
    }
    await world.succeed(['restore', file, '--replace'], { env: { DATABASE_URL: target } });
    assert.deepEqual(await contentOf(connection), await contentOf({ connectionString: source }));
  });
});

describe('a server on a restored backup', () => {
  it('goes on with schedules as after an outage: no occurrence fires twice, and none is unaccounted for', async (context) => {
    const t = lastFirst(context);
    const [folder, source, target] = [await newFolder(t), await emptyDatabase(t), await emptyDatabase(t)];
    const env = { HOOKWRIGHT_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64') };
    const occurrences = ({ connection }: typeof source) =>
      ask<{ at: number; count: number }>(
        connection,
        `select extract(epoch from substring(cause from ':(.*)')::timestamptz) as at,
           case outcome when 'missed' then (detail ->> 'count')::integer else 1 end as count
         from ledger where kind = 'fire' and cause ~ '^(schedule|missed):' order by 1`,
      );
    const first = await startServerProcess(t, { cwd: folder, env: { ...env, DATABASE_URL: source.url } });
    const ticker = { ...GREETING, triggerSchema: undefined, schedule: ['* * * * * *'] };
    const task = { ...GREETING.task, payload: {} };
    await world.succeed(['roles', 'create', 'hook-id:my/*', ...GREETING_SCOPES], { cwd: folder });
    await world.succeed(['hooks', 'create', 'my/ticker', '-'], {
      cwd: folder,
      input: JSON.stringify({ ...ticker, task }),
    });
    await eventually('it ticks', async () => (await occurrences(source)).length >= 2);
    await world.succeed(['backup', join(folder, 'b')], { env: { DATABASE_URL: source.url } });
    // What fires after the backup is not in it.
    const known = (await occurrences(source)).length;
    await eventually('it ticks on', async () => (await occurrences(source)).length > known + 1);
    await first.end('SIGTERM');
    await world.succeed(['restore', join(folder, 'b')], { env: { ...env, DATABASE_URL: target.url } });
    const inBackup = (await occurrences(target)).length;
    await startServerProcess(t, { cwd: folder, env: { ...env, DATABASE_URL: target.url } });
    const found = await eventually('it ticks again', async () => {
      const rows = await occurrences(target);
      return rows.length > inBackup + 3 && rows;
    });
    let next = Number(found[0]?.at);
    for (const { at, count } of found) {
      assert.equal(Number(at), next, JSON.stringify(found));
      next += count;
    }
  });
});

/** Gives it half of the file, waits until rows go into the database, and ends it. */
const interruptRestore = async (
  t: TestContext,
  file: string,
  url: string,
  signal: 'SIGKILL' | 'SIGTERM',
): Promise<void> => {
  const content = await readFile(file);
  const env = { ...cleanEnvironment(world.folder), DATABASE_URL: url };
  const child = spawn(process.execPath, [LAUNCHER, 'restore', '-', '--replace'], { cwd: world.folder, env });
  t.after(() => void child.kill('SIGKILL'));
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  child.stdin.on('error', () => {}); // it is killed while it reads
  child.stdin.write(content.subarray(0, content.length / 2));
  const sessions = `from pg_stat_activity where application_name = 'hookwright restore' and datname = current_database()`;
  await eventually('rows go in', async () => {
    if (child.exitCode !== null) throw new Error(`it ended: ${err}`);
    return (await ask({ connectionString: url }, `select ${sessions} and query like 'copy "settings"%'`)).length > 0;
  });
  child.kill(signal);
  const [status] = (await once(child, 'close')) as [number | null];
  if (signal === 'SIGTERM')
    assert.deepEqual([status, /was undone: it was interrupted.*HW_RESTORE_FAILED/.test(err)], [1, true], err);
  await eventually(
    'its session is gone',
    async () => (await ask({ connectionString: url }, `select ${sessions}`)).length === 0,
  );
};
