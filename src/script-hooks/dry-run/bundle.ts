// TypeScript and sources of several files, made one script by esbuild; lines of errors lead back to
// where they were written.
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname, relative } from 'node:path';
import { ScriptHookError } from '../errors.ts';
import type { SourcePlace } from '../source-place.ts';

export type Script = {
  readonly source: string;
  /** Where a place of `source` was written: `src/hook.ts:3:5`. */
  readonly placeOf: (place: SourcePlace) => string;
};

/**
 * Reads a script. JavaScript that needs nothing but tlon_hooks stays as it is, everything else is
 * bundled. Throws HW_SCRIPT_NO_BUNDLER where esbuild is not installed, and HW_SCRIPT_BUNDLE with
 * what esbuild says.
 */
export const readScript = async (path: string): Promise<Script> => {
  const source = readFileSync(path, 'utf8');
  if (isWhole(path, source)) return { source, placeOf: ({ line, column }) => `${path}:${line}:${column}` };
  return bundle(path);
};

const isWhole = (path: string, source: string): boolean => {
  if (path.endsWith('.hoon')) return true;
  if (!/\.c?js$/.test(path)) return false;
  return !/^\s*(import|export)\b/m.test(source) && !/\brequire\(\s*['"](?!tlon_hooks['"])/.test(source);
};

const bundle = async (path: string): Promise<Script> => {
  const esbuild = await import('esbuild').catch(() => {
    throw new ScriptHookError(
      'HW_SCRIPT_NO_BUNDLER',
      `${path} must be bundled, and esbuild is not installed: npm install --save-dev esbuild`,
    );
  });
  const result = await esbuild
    .build({
      entryPoints: [path],
      bundle: true,
      write: false,
      format: 'cjs',
      platform: 'neutral',
      mainFields: ['module', 'main'],
      target: 'es2023',
      external: ['tlon_hooks'],
      sourcemap: 'external',
      outfile: 'hook.js',
      logLevel: 'silent',
    })
    .catch(
      (error: {
        message: string;
        errors?: readonly { text: string; location: { file: string; line: number; column: number } | null }[];
      }) => {
        const lines = (error.errors ?? []).map(({ text, location }) =>
          location === null ? text : `${location.file}:${location.line}:${location.column + 1}: ${text}`,
        );
        throw new ScriptHookError('HW_SCRIPT_BUNDLE', lines.join('\n') || error.message);
      },
    );
  const [map, code] = ['.map', '.js'].map(
    (end) => result.outputFiles.find((file) => file.path.endsWith(end))?.text ?? '',
  );
  const sourceMap = new SourceMap(JSON.parse(map as string));
  return {
    source: code as string,
    placeOf: ({ line, column }) => {
      const entry = sourceMap.findEntry(line - 1, column - 1);
      if (!('originalSource' in entry)) return `${path}:${line}:${column}`;
      const file = relative(dirname(path), entry.originalSource);
      return `${file}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
    },
  };
};
