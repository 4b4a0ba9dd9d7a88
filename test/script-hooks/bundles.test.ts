// Scripts that are bundles: made by esbuild, rollup and webpack from real packages, as authors make
// them.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { build } from 'esbuild';
import { buildHook, createSandbox, type Sandbox } from '../../src/script-hooks/index.ts';
import { installTestTools, requireTool, TOOLS_FOLDER } from '../support/test-tools.ts';
import { bowl, eventNamed } from './support.ts';

let folder = '';
let sandbox: Sandbox;
before(async () => {
  await installTestTools();
  folder = mkdtempSync(join(TOOLS_FOLDER, 'node_modules', '.bundle-'));
  sandbox = createSandbox({ workers: 1 });
});
after(async () => {
  rmSync(folder, { recursive: true, force: true });
  await sandbox[Symbol.asyncDispose]();
});

const packages: Record<string, { readonly use: string; readonly says: string }> = {
  lodash: {
    use: `import _ from 'lodash'; const say = () => _.chunk(_.uniq([1, 1, 2, 3]), 2).map((c) => _.camelCase('n ' + c)).join();`,
    says: 'n12,n3',
  },
  marked: {
    use: `import { marked } from 'marked'; const say = () => marked.parse('# *Hi* \`x\`').trim();`,
    says: '<h1><em>Hi</em> <code>x</code></h1>',
  },
  'date-fns': {
    use: `import { addDays, format } from 'date-fns'; const say = () => format(addDays(new Date(), 1), 'yyyy-MM-dd EEEE');`,
    says: '2025-04-02 Wednesday',
  },
  zod: {
    use: `import { z } from 'zod'; const shape = z.object({ n: z.number().int().min(2) });
const say = () => shape.safeParse({ n: 1 }).error.issues[0].code + shape.parse({ n: 3 }).n;`,
    says: 'too_small3',
  },
};

const entry = (name: string): string => {
  const path = join(folder, `${name}.mjs`);
  writeFileSync(path, `${packages[name]?.use}\nexport default () => ({ event: { denied: say() }, effects: [] });\n`);
  return path;
};

const bundlers: Record<string, (path: string) => Promise<string>> = {
  esbuild: async (path) => {
    const result = await build({
      entryPoints: [path],
      bundle: true,
      write: false,
      format: 'cjs',
      platform: 'neutral',
      mainFields: ['module', 'main'],
      nodePaths: [join(TOOLS_FOLDER, 'node_modules')],
    });
    return result.outputFiles[0]?.text ?? '';
  },
  rollup: async (path) => {
    const { rollup } = requireTool('rollup');
    const plugins = [
      requireTool('@rollup/plugin-node-resolve').default(),
      requireTool('@rollup/plugin-commonjs').default(),
    ];
    const bundle = await rollup({ input: path, plugins, logLevel: 'silent' });
    const { output } = await bundle.generate({ format: 'cjs', exports: 'auto' });
    return output[0].code;
  },
  webpack: (path) =>
    new Promise((resolve, reject) => {
      const webpack = requireTool('webpack');
      const output = {
        path: folder,
        filename: 'webpacked.js',
        library: { type: 'commonjs2' },
        chunkFormat: 'commonjs',
        chunkLoading: false,
      };
      webpack({ mode: 'production', entry: path, output, target: 'es2023', performance: { hints: false } }).run(
        (error: Error | null, stats: { hasErrors(): boolean; toString(): string }) => {
          if (error !== null || stats.hasErrors()) reject(error ?? new Error(stats.toString()));
          else resolve(readFileSync(join(folder, 'webpacked.js'), 'utf8'));
        },
      );
    }),
};

for (const [bundler, make] of Object.entries(bundlers)) {
  for (const [name, { says }] of Object.entries(packages)) {
    test(`a bundle of ${name} by ${bundler} runs, and keeps its instance`, async () => {
      await using hook = await buildHook(await make(entry(name)), { sandbox });
      const durations: number[] = [];
      for (let run = 0; run < 6; run++) {
        const outcome = await hook.run({ event: eventNamed('post-add'), bowl });
        assert.equal(outcome.outcome === 'denied' && outcome.reason, says, JSON.stringify(outcome));
        durations.push(outcome.durationMs);
      }
      // The first runs find out how much room it needs; after them its instance stays.
      const { retirements } = sandbox.statistics();
      for (let run = 0; run < 5; run++) await hook.run({ event: eventNamed('post-add'), bowl });
      assert.equal(sandbox.statistics().retirements, retirements);
    });
  }
}
