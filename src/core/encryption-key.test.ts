import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { loadEncryptionKey } from './encryption-key.ts';

const newFolder = async (t: TestContext): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'hookwright-key-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
};

describe('the encryption key', () => {
  it('is made once, for its owner alone, and found again', async (t) => {
    const folder = join(await newFolder(t), 'not/there/yet');
    const made = await loadEncryptionKey(undefined, folder);
    assert.equal(made.key.length, 32);
    assert.equal(made.source, join(folder, 'encryption-key'));
    assert.equal((await stat(made.source)).mode & 0o777, 0o600);
    assert.deepEqual(await loadEncryptionKey(undefined, folder), made);
    assert.deepEqual(await readdir(folder), ['encryption-key']);
  });

  it('is the same for all who start at once', async (t) => {
    const folder = await newFolder(t);
    const loaded = await Promise.all(Array.from({ length: 20 }, () => loadEncryptionKey(undefined, folder)));
    assert.equal(new Set(loaded.map(({ key }) => key.toString('hex'))).size, 1);
    assert.deepEqual(await readdir(folder), ['encryption-key']);
  });

  it('that is given is used, and none is made', async (t) => {
    const folder = await newFolder(t);
    const key = randomBytes(32);
    assert.deepEqual((await loadEncryptionKey(` ${key.toString('base64')}\n`, folder)).key, key);
    assert.deepEqual(await readdir(folder), []);
  });

  it('that is no key is refused, naming where it came from and how to make one', async (t) => {
    const folder = await newFolder(t);
    for (const bad of ['', 'x', randomBytes(31).toString('base64'), randomBytes(32).toString('hex')]) {
      const refused = { code: 'HW_BAD_ENCRYPTION_KEY', message: /HOOKWRIGHT_ENCRYPTION_KEY.*openssl rand -base64 32/s };
      await assert.rejects(loadEncryptionKey(bad, folder), refused);
    }
    await writeFile(join(folder, 'encryption-key'), 'half a k');
    await assert.rejects(loadEncryptionKey(undefined, folder), {
      code: 'HW_BAD_ENCRYPTION_KEY',
      message: new RegExp(join(folder, 'encryption-key')),
    });
  });

  it('cannot be kept where the folder is a file, and the error names it', async (t) => {
    const file = join(await newFolder(t), 'file');
    await writeFile(file, '');
    await assert.rejects(loadEncryptionKey(undefined, file), {
      code: 'HW_DATA_NOT_WRITABLE',
      message: new RegExp(file),
    });
  });

  it('cannot be kept where no folder can be made', { skip: !existsSync('/proc/self') }, async () => {
    await assert.rejects(loadEncryptionKey(undefined, '/proc/a'), {
      code: 'HW_DATA_NOT_WRITABLE',
      message: /\/proc\/a cannot be written: its file system takes nothing new there/,
    });
  });
});
