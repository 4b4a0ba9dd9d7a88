// Sets up what is missing, then runs something under Node 24:
//   node scripts/run.js FILE [arguments]
//   node scripts/run.js --tool NAME [arguments]     NAME is one of node_modules/.bin
// Plain JavaScript of 2020, like all that runs before the set-up.
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runInPlace } from '../bin/run-node.js';
import { compileCache, setUp } from './setup.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const [first, ...rest] = process.argv.slice(2);

const main = async () => {
  const isTool = first === '--tool';
  const name = isTool ? rest.shift() : first;
  if (name === undefined) throw new Error('Usage: node scripts/run.js FILE [arguments], or --tool NAME [arguments]');
  const file = isTool ? join(root, 'node_modules', '.bin', name) : resolve(name);
  runInPlace(await setUp(root), [file, ...rest], compileCache(root));
};

main().catch((error) => {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exit(1);
});
