#!/usr/bin/env node
// The `hookwright` command. In a clone it sets up what is missing, then runs src/main.ts; in an
// installed package it runs dist/main.js. Under an old Node it looks for a newer one. Plain
// JavaScript of 2020: an old Node must be able to read it.
import { existsSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { beginWithMemory, findNode, isNewEnough, NEEDED_NODE, runInPlace, userCache } from './run-node.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const args = process.argv.slice(2);

const runClone = async () => {
  const { setUp, compileCache } = await import('../scripts/setup.js');
  await run(join(root, 'src', 'main.ts'), await setUp(root), compileCache(root));
};

const runPackage = async () => {
  const node = isNewEnough(process.version) ? process.execPath : findNode([join(root, '..'), process.cwd()]);
  if (node === undefined) {
    throw new Error(
      `Hookwright needs Node ${NEEDED_NODE} or newer, and this is ${process.version}.\n` +
        `Install a newer Node, or put one into this project and try again: npm install node@${NEEDED_NODE}`,
    );
  }
  await run(join(root, 'dist', 'main.js'), node, userCache());
};

/**
 * In this process if it is the Node to use, which saves 40 MB and a process to forward signals to.
 */
const run = async (main, node, compileCache) => {
  if (!isNewEnough(process.version)) return runInPlace(node, [main, ...args], compileCache);
  if (args[0] === 'serve') beginWithMemory();
  // Tells by a result, not by throwing, when the folder cannot be written; then there is no cache.
  if (!process.env.NODE_COMPILE_CACHE) nodeModule.enableCompileCache(compileCache);
  process.argv[1] = main;
  await import(pathToFileURL(main).href);
};

/**
 * npm forwards the signals it gets, except SIGKILL, and dies of SIGHUP. The start script is an
 * `exec`, so that npm itself, and no shell, is the parent that is looked at here.
 */
const endWithNpm = () => {
  if (!/^exec node bin\/hookwright\.js\b/.test(process.env.npm_lifecycle_script)) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM'); // as if npm had forwarded it
  }, LOOK_FOR_NPM_MS);
  timer.unref();
};
const LOOK_FOR_NPM_MS = 500;

process.stderr.on('error', () => {}); // nobody reads what is told on it
endWithNpm();
/** Only what the user can do something about is said without a stack trace. */
const isClone = existsSync(join(root, 'package-lock.json')) && existsSync(join(root, 'src', 'main.ts'));
(isClone ? runClone() : runPackage()).catch((error) => {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exit(1);
});
