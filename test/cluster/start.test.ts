// What a process of a cluster needs of its own machine: nothing.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { test } from 'node:test';
import { freshDatabaseUrl } from '../support/database.ts';
import { startDeployment } from '../support/deployment.ts';
import { newDataFolder, runProgram } from '../support/server.ts';
import { lastFirst } from '../support/wait.ts';

test('a server with a given database, a given key and a deployment starts without a data folder, and makes one', async (t) => {
  const cleanup = lastFirst(t);
  const deployment = await startDeployment(cleanup);
  deployment.clients.set('hooks', { accessToken: randomBytes(33).toString('base64url'), scopes: ['assume:hook-id:*'] });
  const data = await newDataFolder(cleanup);
  await assert.rejects(stat(data), { code: 'ENOENT' });
  const env = {
    ...deployment.environment('hooks'),
    DATABASE_URL: await freshDatabaseUrl(cleanup),
    HOOKWRIGHT_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
  };
  const program = runProgram(cleanup, ['serve', '--port', '0', '--data', data], { env });
  await program.says(/Press Ctrl-C/);
  assert.ok((await stat(data)).isDirectory());
});
