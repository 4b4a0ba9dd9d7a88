// `npm test` itself: it tells good from bad, and leaves nothing behind, however it ends.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../src/core/clock.ts';
import { TEST_SERVER_VARIABLE } from './support/test-server.ts';

const RUN = fileURLToPath(new URL('../scripts/test.ts', import.meta.url));
const SUPPORT = new URL('./support/database.ts', import.meta.url).href;

/** A test file that takes a database, says so, and goes on as `then` says. */
const fixture = (then: string): string => `
import { test } from 'node:test';
import { freshDatabase } from '${SUPPORT}';
test('takes a database', async (t) => {
  const database = await freshDatabase(t);
  const [{ n }] = await database.query({ name: 'n', text: 'select count(*)::int as n from hooks' });
  console.log('there are ' + n + ' hooks');
  ${then}
});
`;

type Run = { readonly process: ChildProcess; readonly said: () => string; readonly temporary: string };

/**
 * A run of one file with a temporary folder of its own, so that what it leaves there can be seen.
 */
const run = async (t: TestContext, then: string, command: readonly string[] = [RUN]): Promise<Run> => {
  const folder = await mkdtemp(join(tmpdir(), 'hookwright-run-'));
  const temporary = await mkdtemp(join(tmpdir(), 'hw-'));
  t.after(() => Promise.all([folder, temporary].map((path) => rm(path, { recursive: true, force: true }))));
  const file = join(folder, 'some.test.ts');
  await writeFile(file, fixture(then));
  const env: NodeJS.ProcessEnv = { ...process.env, TMPDIR: temporary };
  delete env[TEST_SERVER_VARIABLE];
  delete env.NODE_TEST_CONTEXT;
  delete env.DATABASE_URL;
  // A group of its own, so that what a killed run leaves under way can be ended after the test.
  const child = spawn(process.execPath, [...command, file], { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  t.after(() => killGroup(child.pid ?? Number.NaN));
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  return { process: child, said: () => said, temporary };
};

const killGroup = (pid: number): void => {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {} // nothing of it is left
};

const eventually = async (isSo: () => boolean | Promise<boolean>, what: () => string): Promise<void> => {
  const giveUpAt = systemClock.monotonic() + 30_000;
  while (!(await isSo())) {
    assert.ok(systemClock.monotonic() < giveUpAt, what());
    await systemClock.sleep(50);
  }
};

const isEmpty = async ({ temporary }: Run): Promise<boolean> => (await readdir(temporary)).length === 0;

test('a run in which all is well ends with 0 and the summary of the test runner', async (t) => {
  const good = await run(t, '');
  assert.deepEqual(await once(good.process, 'close'), [0, null], good.said());
  assert.match(good.said(), /there are 0 hooks/);
  assert.match(good.said(), /ℹ pass 1\nℹ fail 0\n(ℹ .*\n)*$/);
  assert.ok(await isEmpty(good), 'nothing is left');
});

test('a run in which a test fails ends with another status', async (t) => {
  const bad = await run(t, `throw new Error('on purpose');`);
  assert.deepEqual(await once(bad.process, 'close'), [1, null], bad.said());
  assert.match(bad.said(), /ℹ fail 1/);
  assert.ok(await isEmpty(bad), 'nothing is left');
});

for (const signal of ['SIGINT', 'SIGKILL'] as const) {
  test(`a run that ${signal} ends leaves no database behind`, async (t) => {
    const long = await run(t, `await new Promise((resolve) => setTimeout(resolve, 20_000));`);
    await eventually(() => /there are 0 hooks/.test(long.said()), long.said);
    long.process.kill(signal);
    const [status] = await once(long.process, 'exit');
    assert.notEqual(status, 0);
    await eventually(
      () => isEmpty(long),
      () => `something is left in ${long.temporary}`,
    );
  });
}

test('a file that is run alone has a database too, and leaves none', async (t) => {
  const alone = await run(t, '', []);
  assert.deepEqual(await once(alone.process, 'close'), [0, null], alone.said());
  assert.match(alone.said(), /there are 0 hooks/);
  await eventually(
    () => isEmpty(alone),
    () => `something is left in ${alone.temporary}`,
  );
});
