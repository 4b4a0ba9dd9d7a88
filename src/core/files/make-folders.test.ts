import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { makeFolders } from './make-folders.ts';

const newFolder = async (t: TestContext): Promise<string> => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'hookwright-folders-')));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
};

describe('a folder', () => {
  it('is made with those around it that are missing, and the outermost of them is told', async (t) => {
    const folder = await newFolder(t);
    assert.equal(await makeFolders(join(folder, 'a', 'b', 'c'), 0o700), join(folder, 'a'));
    assert.equal((await stat(join(folder, 'a', 'b', 'c'))).mode & 0o777, 0o700);
    assert.equal(await makeFolders(join(folder, 'a', 'd')), join(folder, 'a', 'd'));
    assert.equal(await makeFolders(join(folder, 'a', 'd')), undefined);
  });

  it('may be there already, or be made by several at once', async (t) => {
    const folder = await newFolder(t);
    await symlink(folder, join(folder, 'link'));
    assert.equal(await makeFolders(join(folder, 'link')), undefined);
    assert.equal(await makeFolders('/'), undefined);
    await Promise.all(Array.from({ length: 9 }, () => makeFolders(join(folder, 'x', 'y', 'z'))));
    assert.ok((await stat(join(folder, 'x', 'y', 'z'))).isDirectory());
  });

  it('is not made in a file or in place of one', async (t) => {
    const file = join(await newFolder(t), 'file');
    await writeFile(file, '');
    await assert.rejects(makeFolders(file), { code: 'EEXIST' });
    await assert.rejects(makeFolders(join(file, 'a', 'b')), { code: 'ENOTDIR' });
  });

  it('is not tried for ever where none can be made', { skip: !existsSync('/proc/self') }, async () => {
    await assert.rejects(makeFolders('/proc/a/b'), { message: 'no folder can be made in /proc' });
  });
});
