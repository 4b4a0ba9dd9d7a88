import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../core/clock.ts';
import type { Database } from '../../database/database.ts';
import type { Client, ClientStore } from './clients.ts';
import { ensureRootClient } from './root-client.ts';

/** A store of clients in memory: what is tested here is the file, and who wins. */
const memoryStore = () => {
  const rows = new Map<string, Client>();
  const clients: Pick<ClientStore, 'find' | 'add'> = {
    find: async (clientId) => rows.get(clientId),
    add: async (_tx, client, now) => {
      if (rows.has(client.clientId)) return false;
      const times = { created: now, lastModified: now, lastDateUsed: now, lastRotated: now };
      rows.set(client.clientId, { ...client, ...times, disabled: false });
      return true;
    },
  };
  const database = { transaction: async (work: (tx: never) => Promise<unknown>) => work(undefined as never) };
  return { rows, clients, database: database as unknown as Database };
};

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hookwright-root-'));
});
after(() => rm(folder, { recursive: true }));

const world = async () => {
  const dataFolder = await mkdtemp(join(folder, 'data-'));
  const file = join(dataFolder, 'root-credentials.json');
  const store = memoryStore();
  const ensure = (rootUrl = 'http://localhost:8080') =>
    ensureRootClient({ ...store, clock: systemClock, dataFolder, rootUrl });
  const read = async () => JSON.parse(await readFile(file, 'utf8'));
  return { dataFolder, file, store, ensure, read };
};

describe('the root client', () => {
  it('is made at the first start, with its credentials in a file for its owner only', async () => {
    const { dataFolder, file, store, ensure, read } = await world();
    assert.deepEqual(await ensure(), { credentialsFile: file, written: true });
    const root = store.rows.get('root');
    assert.deepEqual(root?.scopes, ['*']);
    assert.ok(root && root.expires > systemClock.now() + 900 * 365 * 24 * 3_600_000);
    assert.deepEqual(await read(), {
      rootUrl: 'http://localhost:8080',
      clientId: 'root',
      accessToken: root.accessToken,
    });
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(dataFolder), ['root-credentials.json'], 'no temporary file stays');
  });

  it('and its file are left alone by later starts', async () => {
    const { file, ensure } = await world();
    await ensure();
    const before = await stat(file);
    assert.equal((await ensure()).written, false);
    assert.equal((await stat(file)).ino, before.ino);
  });

  it('has its file written again when it is missing, spoilt, or no longer true', async () => {
    const { file, store, ensure, read } = await world();
    await ensure();
    await unlink(file);
    assert.equal((await ensure()).written, true);
    await writeFile(file, '{"rootUrl": "http://local');
    assert.equal((await ensure()).written, true);
    await writeFile(file, 'null');
    assert.equal((await ensure()).written, true);
    assert.equal((await ensure('http://localhost:9999')).written, true);
    assert.equal((await read()).rootUrl, 'http://localhost:9999');
    store.rows.set('root', { ...(store.rows.get('root') as Client), accessToken: 'rotated' });
    assert.equal((await ensure('http://localhost:9999')).written, true);
    assert.equal((await read()).accessToken, 'rotated');
  });

  it('whose start crashed before the file was written has it after the next', async () => {
    const { file, store, ensure, read } = await world();
    await ensure();
    await unlink(file);
    const token = store.rows.get('root')?.accessToken;
    await ensure();
    assert.equal((await read()).accessToken, token);
  });

  it('is one, whoever starts at once', async () => {
    const { dataFolder, store, ensure, read } = await world();
    await Promise.all(Array.from({ length: 10 }, () => ensure()));
    assert.equal((await read()).accessToken, store.rows.get('root')?.accessToken);
    assert.deepEqual(await readdir(dataFolder), ['root-credentials.json']);
  });

  it('has its file closed again when others could read it', async () => {
    const { file, ensure } = await world();
    await ensure();
    await chmod(file, 0o644);
    assert.equal((await ensure()).written, false);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
  });

  it('has its file replaced, not written through, when it is a link', async () => {
    const { dataFolder, file, ensure, read } = await world();
    const elsewhere = join(dataFolder, 'elsewhere');
    await writeFile(elsewhere, 'keep');
    await symlink(elsewhere, file);
    await ensure();
    assert.equal(await readFile(elsewhere, 'utf8'), 'keep');
    assert.equal((await read()).clientId, 'root');
  });

  it('says what is wrong when the folder cannot be written', async () => {
    const store = memoryStore();
    const dataFolder = join(await mkdtemp(join(folder, 'data-')), 'file', 'below');
    await writeFile(join(dataFolder, '..'), '');
    const ensuring = ensureRootClient({ ...store, clock: systemClock, dataFolder, rootUrl: 'http://x' });
    await assert.rejects(ensuring, (error: Error & { code?: string }) => {
      assert.equal(error.code, 'HW_DATA_NOT_WRITABLE');
      return !error.message.includes(store.rows.get('root')?.accessToken ?? 'x');
    });
  });
});
