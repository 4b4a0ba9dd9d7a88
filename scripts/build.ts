// Makes dist/: what the published package runs. JavaScript and declarations by tsc, and every other
// file of src/ as it is.
import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const source = join(root, 'src');
const output = join(root, 'dist');

const compile = (project: string, outDir: string): void => {
  const compiler = join(root, 'node_modules', '.bin', 'tsc');
  const args = [compiler, '-p', join(root, project), '--outDir', outDir];
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
};

/**
 * Migrations and the like. Declarations that were written by hand are not emitted by tsc, but
 * others refer to them.
 */
const copyAssets = (): void => {
  for (const name of globSync('**/*.*', { cwd: source })) {
    if (name.endsWith('.ts') && !name.endsWith('.d.ts')) continue;
    if (name.split('/').includes('test-support')) continue;
    mkdirSync(dirname(join(output, name)), { recursive: true });
    cpSync(join(source, name), join(output, name));
  }
};

/**
 * tsc rewrites `./x.ts` to `./x.js` in JavaScript only; whoever compiles against the package has no
 * `.ts` files.
 */
const rewriteDeclarations = (): void => {
  for (const name of globSync('**/*.d.ts', { cwd: output })) {
    const text = readFileSync(join(output, name), 'utf8');
    writeFileSync(
      join(output, name),
      text.replace(/((?:from|import)\s*\(?\s*["']\.{1,2}\/[^"']*)\.ts(["'])/g, '$1.js$2'),
    );
  }
};

/**
 * `src/` imports the client as `#client` and what it shares with it as `#signing`. package.json of
 * the clone resolves both to their sources; here they are what was built of them.
 */
const resolveClient = (): void => {
  const imports = { '#client': './client/index.js', '#signing': './client/signing/signed-text.js' };
  writeFileSync(join(output, 'package.json'), `${JSON.stringify({ type: 'module', imports }, null, 2)}\n`);
};

rmSync(output, { recursive: true, force: true });
// Has a project of its own, because it runs where nothing of Node is there. First, because the rest
// is compiled against it.
compile('client/tsconfig.json', join(output, 'client'));
compile('tsconfig.build.json', output);
copyAssets();
resolveClient();
rewriteDeclarations();
