// `hookwright serve` whose embedded database runs out of disk space, on a small disk of its own.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ECHO_SCOPES, echoHook, rootClients } from './support/client.ts';
import { newFolder, serve } from './support/server.ts';
import { eventually, lastFirst } from './support/wait.ts';

const isRoot = process.getuid?.() === 0;

const statusOf = (call: Promise<unknown>): Promise<number> =>
  call.then(
    () => 200,
    (error: { statusCode?: number }) => error.statusCode ?? 0,
  );

test('a full disk makes calls that write fail with 503, is reported once, and its end is noticed', {
  skip: isRoot ? false : 'needs the right to mount',
}, async (context) => {
  const t = lastFirst(context);
  const disk = await newFolder(t);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=400m,mode=711', 'hookwright-test', disk], { stdio: 'ignore' });
  } catch {
    return context.skip('needs the right to mount');
  }
  t.after(async () => void execFileSync('umount', ['-l', disk]));
  const server = await serve(t, join(disk, 'data'));
  const { auth, hooks } = rootClients(server.credentials, { retries: 0 });
  const isReady = async () => (await fetch(`${server.url}/readyz`)).status === 200;
  await auth.createRole('hook-id:g/*', { description: '', scopes: ECHO_SCOPES });
  await hooks.createHook('g', 'h', echoHook());
  assert.equal(await isReady(), true);

  await writeFile(join(disk, 'ballast'), Buffer.alloc(500 * 2 ** 20)).catch(() => {}); // as much as fits
  // Pages that are there already take some hooks.
  let made = 0;
  const createLargeHook = () => {
    made += 1;
    const metadata = { ...echoHook().metadata, description: randomBytes(15_000).toString('hex') };
    return statusOf(hooks.createHook('g', `large-${made}`, echoHook({ metadata })));
  };
  const failed = await eventually('a call fails', async () => {
    const status = await createLargeHook();
    return status === 200 ? undefined : status;
  });
  assert.equal(failed, 503);
  for (let call = 0; call < 5; call += 1) assert.equal(await createLargeHook(), 503);
  assert.equal(await isReady(), false);
  const { reason } = (await (await fetch(`${server.url}/readyz`)).json()) as { reason: string };
  assert.match(reason, /HW_DATABASE_FULL/);
  assert.equal((await hooks.hook('g', 'h')).hookId, 'h');

  await rm(join(disk, 'ballast'));
  await eventually('the server is ready', isReady);
  await hooks.createHook('g', 'further', echoHook());
  await hooks.triggerHook('g', 'h', {});
  assert.doesNotMatch(server.said(), /incidentId/);
  assert.equal(server.said().match(/"level":50.*HW_DATABASE_FULL/g)?.length, 1, server.said());
});
