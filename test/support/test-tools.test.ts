// The installation of what only tests need: by two at once, again, over what was broken off, and
// where it cannot be had.
import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { installTestTools, TOOLS_FOLDER } from './test-tools.ts';

/** A folder that asks for a package that there is not. */
const newFolder = async (t: TestContext): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'hookwright-tools-'));
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const dependencies = { 'hookwright-no-such-package': '1.0.0' };
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies }));
  await writeFile(join(folder, 'package-lock.json'), 'this is no lockfile');
  return folder;
};

test('what cannot be installed is named, and nothing is left behind', async (t) => {
  const folder = await newFolder(t);
  await assert.rejects(installTestTools(folder), /could not be installed \(hookwright-no-such-package@1\.0\.0\): \S/);
  assert.deepEqual((await readdir(folder)).sort(), ['package-lock.json', 'package.json']);
});

test('what is there is not installed again', async (t) => {
  const folder = await newFolder(t);
  await mkdir(join(folder, 'node_modules'));
  const installed = { packages: { 'node_modules/hookwright-no-such-package': { version: '1.0.0' } } };
  await writeFile(join(folder, 'node_modules', '.package-lock.json'), JSON.stringify(installed));
  await installTestTools(folder);
});

test('two installations at once, over one that was broken off, leave one that is whole', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'hookwright-tools-'));
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  // Two of the packages are as good as all, and take a tenth of the time.
  const all = JSON.parse(await readFile(join(TOOLS_FOLDER, 'package.json'), 'utf8'));
  const { rollup, zod } = all.dependencies;
  await writeFile(join(folder, 'package.json'), JSON.stringify({ ...all, dependencies: { rollup, zod } }));
  await copyFile(join(TOOLS_FOLDER, 'package-lock.json'), join(folder, 'package-lock.json'));
  await mkdir(join(folder, 'node_modules'));
  await writeFile(join(folder, 'node_modules', 'left-over'), '');
  await Promise.all([installTestTools(folder), installTestTools(folder)]);
  assert.deepEqual((await readdir(folder)).sort(), ['node_modules', 'package-lock.json', 'package.json']);
  const installed = await readdir(join(folder, 'node_modules'));
  assert.ok(installed.includes('rollup') && installed.includes('zod') && !installed.includes('left-over'));
});
