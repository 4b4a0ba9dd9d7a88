// The heavy packages that only tests need (test/tools/package.json): installed when a test first
// asks for them.
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const TOOLS_FOLDER = fileURLToPath(new URL('../tools/', import.meta.url));

/** Loads a package of test/tools. */
export const requireTool: NodeJS.Require = createRequire(join(TOOLS_FOLDER, 'package.json'));

const LONGEST_INSTALL_MS = 150_000;

/**
 * Installs the packages unless they are there. Several runs may do so at once: each installs into a
 * folder of its own, which becomes `test/tools/node_modules` as a whole. Rejects with the packages'
 * names when they cannot be had.
 */
export const installTestTools = async (folder = TOOLS_FOLDER): Promise<void> => {
  const wanted = await packagesOf(folder);
  if (await areThere(folder, wanted)) return;
  const fresh = await mkdtemp(join(folder, '.install-'));
  try {
    for (const name of ['package.json', 'package-lock.json']) await copyFile(join(folder, name), join(fresh, name));
    await install(fresh, wanted);
    if (await areThere(folder, wanted)) return;
    // What lies there is of another version, or was left by an installation that was broken off.
    await rename(join(folder, 'node_modules'), join(fresh, 'old')).catch(ignore('ENOENT'));
    await rename(join(fresh, 'node_modules'), join(folder, 'node_modules')).catch(ignore('ENOTEMPTY', 'EEXIST'));
  } finally {
    await rm(fresh, { recursive: true, force: true, maxRetries: 5 });
  }
};

type Wanted = ReadonlyMap<string, string>;

const packagesOf = async (folder: string): Promise<Wanted> => {
  const { dependencies } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  return new Map(Object.entries(dependencies as Record<string, string>));
};

const areThere = async (folder: string, wanted: Wanted): Promise<boolean> => {
  // npm writes this file last.
  const text = await readFile(join(folder, 'node_modules', '.package-lock.json'), 'utf8').catch(() => '{}');
  const { packages = {} } = JSON.parse(text) as { packages?: Record<string, { version?: string }> };
  return [...wanted].every(([name, version]) => packages[`node_modules/${name}`]?.version === version);
};

const install = async (folder: string, wanted: Wanted): Promise<void> => {
  // Not `npm ci`: it refuses a lockfile without rollup's builds for platforms that not every
  // registry has.
  const options = ['install', '--no-save', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  try {
    await promisify(execFile)('npm', options, { cwd: folder, timeout: LONGEST_INSTALL_MS });
  } catch (error) {
    const names = [...wanted].map(([name, version]) => `${name}@${version}`).join(', ');
    const { stderr, message } = error as Error & { stderr?: string };
    throw new Error(
      `the packages that only tests need could not be installed (${names}): ${stderr?.trim() || message}`,
    );
  }
};

const ignore =
  (...codes: string[]) =>
  (error: NodeJS.ErrnoException): void => {
    if (!codes.includes(error.code ?? '')) throw error;
  };
