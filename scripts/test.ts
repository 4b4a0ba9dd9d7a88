// npm test: lint and types, then all tests against one database server.   npm test -- FILE…   runs
// only these, without lint and types.
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onLauncherGone } from '../src/core/lifeline.ts';
import { startTestServer, TEST_SERVER_VARIABLE } from '../test/support/test-server.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const TESTS = ['src/**/*.test.ts', 'test/**/*.test.ts', 'bench/*.test.ts', 'scripts/*.test.ts'];
const NOT_TESTS = ['**/node_modules/**', 'test/tools/**'];
/** A test that hangs fails. The slowest one packs and installs the package. */
const TIMEOUT_MS = 180_000;
const AT_ONCE = 2;

const ending = new AbortController();
let endedBy: NodeJS.Signals = 'SIGTERM';
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    endedBy = signal;
    ending.abort();
  });
}
onLauncherGone(() => ending.abort());

/** Resolves with the exit status; what was ended by a signal, ours or another, has failed. */
const run = (args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> =>
  new Promise((resolve, reject) => {
    if (ending.signal.aborted) return resolve(1);
    const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit', env });
    ending.signal.addEventListener('abort', () => child.kill(endedBy));
    child.on('error', reject);
    child.on('exit', (status) => resolve(status ?? 1));
  });

const tool = (name: string, ...args: string[]): Promise<number> =>
  run([join(root, 'node_modules', '.bin', name), ...args], process.env);

const runTests = async (files: readonly string[]): Promise<number> => {
  await using server = await startTestServer(process.env.DATABASE_URL);
  const { connection, template } = server;
  const env: NodeJS.ProcessEnv = { ...process.env, [TEST_SERVER_VARIABLE]: JSON.stringify({ connection, template }) };
  // Servers that tests start are to be what a newcomer gets, unless the test says otherwise.
  delete env.DATABASE_URL;
  delete env.NODE_TEST_CONTEXT;
  const flags = ['--test', '--test-reporter=spec', `--test-concurrency=${AT_ONCE}`, `--test-timeout=${TIMEOUT_MS}`];
  return await run([...flags, ...files], env);
};

const main = async (files: readonly string[]): Promise<number> => {
  if (files.length > 0) return runTests(files);
  const checks = [await tool('biome', 'check', '--error-on-warnings', '.'), await tool('tsc', '--noEmit')];
  if (checks.some((status) => status !== 0)) return 1;
  return runTests(TESTS.flatMap((pattern) => globSync(pattern, { cwd: root, exclude: NOT_TESTS }).sort()));
};

process.exitCode = await main(process.argv.slice(2));
