// npm test: lint and types, and beside them all tests against one database server.
//   npm test -- FILE…            only these files, without lint and types
//   npm test -- --kind unit      only the files of this kind (scripts/test-files.ts)
//   npm test -- --watch FILE…    again whenever one of them, or what it imports, is saved
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { onLauncherGone } from '../src/core/lifeline.ts';
import { startTestServer, TEST_SERVER_VARIABLE } from '../test/support/test-server.ts';
import { makeMemoryFolder } from './memory-folder.ts';
import { findTestFiles, TEST_KINDS, type TestKind } from './test-files.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
/** A file that hangs fails. The slowest take a minute alone, and three beside others. */
const TIMEOUT_MS = 600_000;
/**
 * More than one for each processor, because most tests wait half of their time. With two for each,
 * tests that watch the clock failed now and then.
 */
const FILES_AT_ONCE = availableParallelism() + 1;

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
const runTool = (name: string, ...args: string[]): Promise<number> =>
  new Promise((resolve, reject) => {
    if (ending.signal.aborted) return resolve(1);
    const program = join(root, 'node_modules', '.bin', name);
    const child = spawn(process.execPath, [program, ...args], { cwd: root, stdio: 'inherit' });
    ending.signal.addEventListener('abort', () => child.kill(endedBy));
    child.on('error', reject);
    child.on('exit', (status) => resolve(status ?? 1));
  });

/** Lint and types. */
const check = async (): Promise<boolean> => {
  const statuses = await Promise.all([
    runTool('biome', 'check', '--error-on-warnings', '.'),
    runTool('tsc', '--noEmit'),
  ]);
  return statuses.every((status) => status === 0);
};

type Options = { readonly watch?: boolean; readonly isChecked?: Promise<boolean> };

const runFiles = async (files: string[], settings: NodeJS.ProcessEnv, options: Options): Promise<number> => {
  const { watch = false, isChecked } = options;
  const env: NodeJS.ProcessEnv = { ...process.env, ...settings };
  // Servers that tests start are to be what a newcomer gets, unless the test says otherwise.
  delete env.DATABASE_URL;
  delete env.NODE_TEST_CONTEXT;
  delete process.env.NODE_TEST_CONTEXT;
  const events = run({
    files,
    watch,
    env,
    cwd: root,
    concurrency: FILES_AT_ONCE,
    timeout: TIMEOUT_MS,
    signal: ending.signal,
  });
  let hasPassed = false;
  events.on('test:summary', ({ file, success }) => {
    if (file === undefined) hasPassed = success;
  });
  // What the checks find is said first, and alone: the tests wait with what they have to say.
  const isRefused = (await isChecked) === false;
  if (isRefused) ending.abort();
  for await (const text of events.compose(spec)) if (!isRefused) process.stdout.write(text);
  return hasPassed && !ending.signal.aborted ? 0 : 1;
};

const runWithServer = async (files: string[], options: Options): Promise<number> => {
  await using folder = makeMemoryFolder();
  if (folder) process.env.TMPDIR = folder.path;
  await using server = await startTestServer(process.env.DATABASE_URL);
  return await runFiles(files, { [TEST_SERVER_VARIABLE]: JSON.stringify(server) }, options);
};

const isKind = (text: string): text is TestKind => TEST_KINDS.some((kind) => kind === text);

const main = async (): Promise<number> => {
  const { values, positionals } = parseArgs({
    options: { kind: { type: 'string', multiple: true }, watch: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const kinds = values.kind ?? [];
  if (!kinds.every(isKind)) throw new Error(`--kind is one of ${TEST_KINDS.join(', ')}`);
  if (values.watch && positionals.length === 0) throw new Error('--watch needs the test files to watch');
  if (kinds.length + positionals.length === 0) {
    return runWithServer(findTestFiles(root, TEST_KINDS), { isChecked: check() });
  }
  const files = [...positionals.map((file) => resolve(file)), ...(kinds.length > 0 ? findTestFiles(root, kinds) : [])];
  const needsNothing = kinds.every((kind) => kind === 'unit') && positionals.length === 0;
  const { watch } = values;
  return needsNothing ? runFiles(files, {}, { watch }) : runWithServer(files, { watch });
};

process.exitCode = await main().catch((error: Error) => {
  console.error(error.message);
  return 1;
});
