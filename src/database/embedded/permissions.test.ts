// Root and ordinary users, closed folders, full disks.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Cleanup } from '../../../test/support/database.ts';
import { lastFirst } from '../../../test/support/wait.ts';
import { findBinaries } from './binaries.ts';
import type { EmbeddedPostgres } from './embedded-postgres.ts';
import {
  isAlive,
  isRoot,
  newFolder,
  ORDINARY_USER,
  ordinaryUserCanRun,
  query,
  removeOutsidePlace,
  spawnHolder,
  start,
} from './test-support/world.ts';

const asRoot = { skip: isRoot ? false : 'needs root' };
const asOrdinaryUser = { skip: (await ordinaryUserCanRun()) ? false : 'needs root, in a folder that others may enter' };

/**
 * What it placed outside is removed after all that `t` is told later, hence after its last user.
 */
const startOutside = async (t: Cleanup, data: string): Promise<EmbeddedPostgres> => {
  let place: string | undefined;
  t.after(async () => {
    if (place !== undefined) await removeOutsidePlace(place);
  });
  const postgres = await start(t, data);
  place = postgres.place;
  return postgres;
};

test(
  'below a closed folder, root keeps the database in /var/lib/hookwright and the data folder says so',
  asRoot,
  async (context) => {
    const t = lastFirst(context);
    const data = join(await newFolder(t, 0o700), 'data');
    const first = await startOutside(t, data);
    assert.match(first.place, /^\/var\/lib\/hookwright\/[0-9a-f]{16}$/);
    assert.equal(await readFile(join(data, 'postgres'), 'utf8'), `${first.place}\n`);
    await query(first.connection, 'create table kept as select 1 as one');
    const holder = spawnHolder(t, data);
    assert.equal((await holder.answer).pid, first.pid);
    await holder.letGo();
    await first[Symbol.asyncDispose]();

    const second = await start(t, data);
    assert.equal(second.place, first.place);
    assert.deepEqual(await query(second.connection, 'select one from kept'), [{ one: 1 }]);
  },
);

test(
  'a new data folder does not take over what a deleted one of the same path left outside',
  asRoot,
  async (context) => {
    const t = lastFirst(context);
    const data = join(await newFolder(t, 0o700), 'data');
    const first = await startOutside(t, data);
    await first[Symbol.asyncDispose]();
    await rm(data, { recursive: true });
    const second = await startOutside(t, data);
    assert.equal(second.firstStart, true);
    assert.equal(second.place, `${first.place}-2`);
    await second[Symbol.asyncDispose]();
  },
);

test('a database outside that has gone is missed, not replaced by an empty one', asRoot, async (t) => {
  const data = join(await newFolder(t), 'data');
  await mkdir(data);
  await writeFile(join(data, 'postgres'), '/var/lib/hookwright/gone\n');
  await assert.rejects(start(t, data), { code: 'HW_DATABASE_MISSING', message: /gone.*backup/ });
});

test('a folder that was closed after the database was made is told', asRoot, async (t) => {
  const folder = await newFolder(t);
  const data = join(folder, 'data');
  await (await start(t, data))[Symbol.asyncDispose]();
  await chmod(folder, 0o700);
  await assert.rejects(start(t, data), { code: 'HW_DATABASE_OUT_OF_REACH', message: /65534/ });
});

test('an ordinary user runs the server as itself', asOrdinaryUser, async (t) => {
  const folder = await newFolder(t, 0o700);
  await chown(folder, ORDINARY_USER.uid, ORDINARY_USER.gid);
  const data = join(folder, 'data');
  const first = spawnHolder(t, data, ORDINARY_USER);
  const { pid, connection, place } = await first.answer;
  assert.equal(place, join(data, 'postgres'));
  assert.equal((await stat(`/proc/${pid}`)).uid, ORDINARY_USER.uid);
  assert.deepEqual(await query(connection, 'select 1 as one'), [{ one: 1 }]);
  const second = spawnHolder(t, data, ORDINARY_USER);
  assert.equal((await second.answer).pid, pid);
  await first.letGo();
  assert.equal(await isAlive(pid), true);
  await second.letGo();
  assert.equal(await isAlive(pid), false);
});

test("root and the folder's owner can use the same data folder, in turn and at once", asOrdinaryUser, async (t) => {
  const folder = await newFolder(t, 0o700);
  await chown(folder, ORDINARY_USER.uid, ORDINARY_USER.gid);
  const data = join(folder, 'data');
  await mkdir(data, { mode: 0o700 });
  await chown(data, ORDINARY_USER.uid, ORDINARY_USER.gid);

  const root = await start(t, data);
  assert.equal(root.place, join(data, 'postgres'));
  const user = spawnHolder(t, data, ORDINARY_USER);
  assert.equal((await user.answer).pid, root.pid);
  await root[Symbol.asyncDispose]();
  await user.letGo();

  const alone = spawnHolder(t, data, ORDINARY_USER);
  assert.equal((await alone.answer).firstStart, false);
  await alone.letGo();
});

test('a folder that may not be written is told', asOrdinaryUser, async (t) => {
  const folder = await newFolder(t, 0o755);
  const { code, message } = await spawnHolder(t, join(folder, 'data'), ORDINARY_USER).answer;
  assert.equal(code, 'HW_DATA_NOT_WRITABLE');
  assert.match(message, /may not open it.*--data/);

  await mkdir(join(folder, 'made'), { mode: 0o755 });
  const second = await spawnHolder(t, join(folder, 'made'), ORDINARY_USER).answer;
  assert.equal(second.code, 'HW_DATA_NOT_WRITABLE');
});

test('a data folder that is a file is told', async (t) => {
  const file = join(await newFolder(t), 'data');
  await writeFile(file, '');
  await assert.rejects(start(t, file), { code: 'HW_DATA_NOT_WRITABLE' });
});

test('a data folder where no folder can be made is told', { skip: !existsSync('/proc/self') }, async (t) => {
  await assert.rejects(start(t, '/proc/hookwright'), { code: 'HW_DATA_NOT_WRITABLE' });
});

test('a full disk is told, and the start after it is freed works', asRoot, async (t) => {
  const disk = await newFolder(t);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=20m,mode=711', 'hookwright-test', disk], { stdio: 'ignore' });
  } catch {
    return t.skip('needs the right to mount');
  }
  const data = join(disk, 'data');
  try {
    await assert.rejects(start(t, data), { code: 'HW_DISK_FULL', message: /There is no space left/ });
    execFileSync('mount', ['-o', 'remount,size=200m', disk]);
    const postgres = await start(t, data);
    assert.equal(postgres.firstStart, true);
    await query(postgres.connection, 'create table kept as select 1 as one');
    await postgres[Symbol.asyncDispose]();
    await writeFile(join(disk, 'ballast'), Buffer.alloc(300 * 2 ** 20)).catch(() => {});
    await assert.rejects(start(t, data), { code: 'HW_DISK_FULL' });
    await rm(join(disk, 'ballast'));
    const again = await start(t, data);
    assert.deepEqual(await query(again.connection, 'select one from kept'), [{ one: 1 }]);
    await again[Symbol.asyncDispose]();
  } finally {
    execFileSync('umount', ['-l', disk]);
  }
});

test('a platform without binaries is told which way out there is', async () => {
  for (const platform of ['win32-x64', 'linux-s390x']) {
    await assert.rejects(findBinaries(platform), { code: 'HW_NO_POSTGRES_BINARIES', message: /DATABASE_URL/ });
  }
});
