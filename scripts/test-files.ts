// Which test files there are, and what each of them needs. A file's imports say it, followed
// through everything that they import in turn: no list is kept by hand.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import { importsOf } from '../test/house/source-text.ts';

/**
 * `unit`: starts no process and no thread, and uses no database and no broker.
 * `database`: stands in src/ and uses a database of the run's server.
 * `process`: all others. They start servers, databases, brokers or browsers of their own.
 */
export type TestKind = 'unit' | 'database' | 'process';

/**
 * In the order in which they are run: the slow ones first, so that at the end no processor waits
 * for a last long file.
 */
export const TEST_KINDS: readonly TestKind[] = ['process', 'database', 'unit'];

const TESTS = ['src/**/*.test.ts', 'test/**/*.test.ts', 'bench/**/*.test.ts', 'scripts/*.test.ts'];
const NOT_TESTS = ['**/node_modules/**', 'test/tools/**'];

const DATABASE = 'test/support/database.ts';
/** What a unit test cannot reach. */
const NOT_UNIT = [DATABASE, 'test/support/rabbitmq.ts', 'node:child_process', 'node:worker_threads', 'pg'];

/** Paths below `root`, in the order in which they are to be run. */
export const findTestFiles = (root: string, kinds: readonly TestKind[]): string[] => {
  const files = TESTS.flatMap((pattern) => globSync(pattern, { cwd: root, exclude: NOT_TESTS })).sort();
  const kindOf = createKindOf((path) => {
    const file = join(root, path);
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  });
  const byKind = Map.groupBy(files, kindOf);
  return TEST_KINDS.filter((kind) => kinds.includes(kind)).flatMap((kind) => byKind.get(kind) ?? []);
};

/** `read` has the text of a file below the root, or undefined where there is none. */
export const createKindOf = (read: (path: string) => string | undefined): ((file: string) => TestKind) => {
  const known = new Map<string, readonly string[]>();
  const importsOfFile = (path: string): readonly string[] => {
    const found = known.get(path) ?? readImports(path, read(path) ?? '');
    known.set(path, found);
    return found;
  };
  return (file) => {
    const reached = new Set([file]);
    for (const path of reached) {
      if (/\.[jt]s$/.test(path)) for (const target of importsOfFile(path)) reached.add(target);
    }
    if (!NOT_UNIT.some((path) => reached.has(path))) return 'unit';
    return file.startsWith('src/') && reached.has(DATABASE) ? 'database' : 'process';
  };
};

/** What is imported only as a type is not there when the program runs. */
const readImports = (path: string, text: string): string[] =>
  importsOf(text).flatMap(({ specifier, isType }) => {
    if (isType || specifier === undefined) return [];
    return [specifier.startsWith('.') ? join(dirname(path), specifier) : specifier];
  });
