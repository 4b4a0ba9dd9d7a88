// TypeScript and sources of several files, made one script by esbuild; lines of errors lead back to
// where they were written.
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { ScriptHookError } from '../errors.ts';
import type { SourcePlace } from '../source-place.ts';

/** A place in a file. `text` is its line, if it is known. */
export type WrittenPlace = SourcePlace & {
  /** As the terminal shows it: from the command's folder. */
  readonly file: string;
  readonly text: string | undefined;
  /** False for packages that were bundled. */
  readonly isOwn: boolean;
};

export type Script = {
  readonly source: string;
  /** Where a place of `source` was written. */
  readonly placeOf: (place: SourcePlace) => WrittenPlace;
  /** The files that it was made of, without those of packages. */
  readonly files: readonly string[];
};

/**
 * Reads a script. JavaScript that needs nothing but tlon_hooks stays as it is, everything else is
 * bundled. Throws HW_SCRIPT_NO_BUNDLER where esbuild is not installed, and HW_SCRIPT_BUNDLE with
 * what esbuild says.
 */
export const readScript = async (name: string, cwd: string): Promise<Script> => {
  const path = resolve(cwd, name);
  const source = readFileSync(path, 'utf8');
  if (!isWhole(path, source)) return bundle(path, cwd);
  return wholeScript(source, shown(path, cwd), [path]);
};

/** A script that is one text. */
export const wholeScript = (source: string, file: string, files: readonly string[] = []): Script => {
  const lines = source.split('\n');
  return {
    source,
    files,
    placeOf: ({ line, column }) => ({ file, line, column, text: lines[line - 1], isOwn: true }),
  };
};

/** From the folder where the command was called, unless it lies outside. */
const shown = (path: string, cwd: string): string => {
  const inside = relative(cwd, path);
  return inside.startsWith('..') || isAbsolute(inside) ? path : inside;
};

const isWhole = (path: string, source: string): boolean => {
  if (path.endsWith('.hoon')) return true;
  if (!/\.c?js$/.test(path)) return false;
  return !/^\s*(import|export)\b/m.test(source) && !/\brequire\(\s*['"](?!tlon_hooks['"])/.test(source);
};

const isPackage = (path: string): boolean => /(^|[\\/])node_modules[\\/]/.test(path);

const bundle = async (path: string, cwd: string): Promise<Script> => {
  const esbuild = await import('esbuild').catch(() => {
    throw new ScriptHookError(
      'HW_SCRIPT_NO_BUNDLER',
      `${shown(path, cwd)} must be bundled, and esbuild is not installed: npm install --save-dev esbuild`,
    );
  });
  const result = await esbuild
    .build({
      absWorkingDir: cwd,
      entryPoints: [path],
      bundle: true,
      write: false,
      format: 'cjs',
      platform: 'neutral',
      mainFields: ['module', 'main'],
      target: 'es2023',
      external: ['tlon_hooks'],
      sourcemap: 'external',
      metafile: true,
      outfile: 'hook.js',
      logLevel: 'silent',
    })
    .catch(
      (error: {
        message: string;
        errors?: readonly { text: string; location: { file: string; line: number; column: number } | null }[];
      }) => {
        const lines = (error.errors ?? []).map(({ text, location }) =>
          location === null
            ? text
            : `${shown(resolve(cwd, location.file), cwd)}:${location.line}:${location.column + 1}: ${text}`,
        );
        throw new ScriptHookError('HW_SCRIPT_BUNDLE', lines.join('\n') || error.message);
      },
    );
  const [map, code] = ['.map', '.js'].map(
    (end) => result.outputFiles.find((file) => file.path.endsWith(end))?.text ?? '',
  );
  const payload = JSON.parse(map as string) as { sources: string[]; sourcesContent?: string[] };
  const sourceMap = new SourceMap(payload as ConstructorParameters<typeof SourceMap>[0]);
  return {
    source: code as string,
    files: Object.keys(result.metafile.inputs)
      .map((input) => resolve(cwd, input))
      .filter((input) => !isPackage(input)),
    placeOf: ({ line, column }) => {
      const entry = sourceMap.findEntry(line - 1, column - 1);
      if (!('originalSource' in entry)) {
        return { file: shown(path, cwd), line, column, text: (code as string).split('\n')[line - 1], isOwn: false };
      }
      const { originalSource, originalLine, originalColumn } = entry;
      // Sources are named from the folder of the bundle, which is the command's.
      const written = resolve(cwd, dirname('hook.js'), originalSource);
      const text = payload.sourcesContent?.[payload.sources.indexOf(originalSource)]?.split('\n')[originalLine];
      return {
        file: shown(written, cwd),
        line: originalLine + 1,
        column: originalColumn + 1,
        text,
        isOwn: !isPackage(written),
      };
    },
  };
};
