// What is about to run is built before it is called.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { lastFirst } from '../../../test/support/wait.ts';
import { createSandbox, type Sandbox } from '../sandbox/sandbox.ts';
import { createPrograms } from './programs.ts';

const cleanup = lastFirst({ after });
const sandbox = createSandbox();
cleanup.after(async () => sandbox[Symbol.asyncDispose]());

const open = (sources: Record<string, string>) => {
  const compiled: string[] = [];
  const counted: Sandbox = {
    ...sandbox,
    compile: (source) => {
      compiled.push(source);
      return sandbox.compile(source);
    },
  };
  const hooks = {
    sourceOf: async (id: string) => ({ version: 1, source: sources[id] as string }),
    inUse: async (limit: number) =>
      Object.keys(sources)
        .slice(0, limit)
        .map((id) => ({ id, version: 1 })),
  };
  const programs = createPrograms(hooks, counted);
  cleanup.after(async () => programs[Symbol.asyncDispose]());
  return { programs, compiled };
};

describe('programs', () => {
  it('that are in use are built once, ahead of their runs', async () => {
    const source = (n: number) => `module.exports = (event) => ({ event: { allowed: event }, effects: [${n}] })`;
    const { programs, compiled } = open({ 1: source(1), 2: source(2) });
    await programs.prepare();
    assert.deepEqual(compiled, [source(1), source(2)]);
    await programs.prepare();
    assert.equal((await programs.get({ id: '2', version: 1 }))?.version, 1);
    assert.equal(compiled.length, 2);
  });

  it('that cannot be built keep nobody from building the others, and say why when they are called', async () => {
    const { programs, compiled } = open({ 1: 'module.exports = (', 2: 'module.exports = () => null' });
    await programs.prepare();
    assert.equal(compiled.length, 2);
    await assert.rejects(programs.get({ id: '1', version: 1 }), { code: 'HW_SCRIPT_SYNTAX' });
  });
});
