// The client has the methods that it must have, and they are those of the server's declaration.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import Type from 'typebox';
import { HOOKS_SERVICE } from '../../client/hooks-api.ts';
import { paramsOf, type Service } from '../../client/service.ts';
import { clientSource } from '../../scripts/generating/client-source.ts';
import { clientSources } from '../../scripts/generating/client-sources.ts';
import { SCHEMAS } from '../../src/auth/schemas.ts';
import type { MethodDeclaration } from '../../src/http/api-method.ts';
import { importsOf, onlyCode } from '../house/source-text.ts';
import { LISTED_METHODS } from './listed-methods.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

describe('the generated client', () => {
  it('is that of the declaration (node scripts/run.js scripts/generate-client.ts)', () => {
    for (const [path, text] of clientSources()) assert.equal(readFileSync(join(ROOT, path), 'utf8'), text, path);
  });

  it('has every method that was asked for, with the arguments in the same order', () => {
    assert.equal(LISTED_METHODS.length, 12);
    const { methods } = HOOKS_SERVICE as Service;
    for (const { name, args } of LISTED_METHODS) {
      const method = methods[name];
      assert.ok(method, `${name} is missing`);
      assert.deepEqual([...paramsOf(method), ...(method.input ? ['payload'] : [])], args, name);
    }
  });
});

describe('the source of a client', () => {
  const method = (more: Partial<MethodDeclaration>): MethodDeclaration => ({
    name: 'do',
    title: 'Do it',
    description: 'Does it */ all.',
    verb: 'POST',
    route: '/do/<what>',
    ...more,
  });
  const source = (...methods: readonly Partial<MethodDeclaration>[]): string =>
    clientSource({ service: 'worker-pool', title: 'Pool', description: '', methods: methods.map(method) });

  it('is made for any service, with its own names', () => {
    const text = source(
      {},
      { name: 'undo', verb: 'GET', query: { limit: /^[0-9]+$/, 'a-b': /^.+$/ }, secretParams: ['what'] },
    );
    for (const part of [
      "export const WORKER_POOL_SERVICE = {\n  name: 'worker-pool',",
      "undo: { verb: 'GET', route: '/do/<what>', query: ['limit', 'a-b'], secretParams: ['what'] },",
      'export interface WorkerPoolMethods {',
      'do(what: string): Promise<void>;',
      'undo(what: string, query?: UndoQuery): Promise<unknown>;',
      "  readonly limit?: number | string;\n  readonly 'a-b'?: string;\n",
      'Does it *\\/ all.',
    ]) {
      assert.ok(text.includes(part), `${part}\nis not in\n${text}`);
    }
  });

  it('says who may call', () => {
    const scopes = { AllOf: ['a:<what>', { AnyOf: ['b', 'c'] }] };
    assert.match(source({ scopes }), /Needs `a:<what>` and \(`b` or `c`\)\./);
    assert.match(source({}), /Anybody may call it\./);
    assert.match(source({ stability: 'deprecated' }), /@deprecated/);
  });

  it('lets what is sent leave out what has a default, and finds it in what is answered', () => {
    const schema = { name: 'both-ways', schema: Type.Object({ list: Type.Array(Type.String(), { default: [] }) }) };
    const text = source({ input: schema, output: schema });
    assert.match(text, /do\(what: string, payload: BothWays\): Promise<BothWaysOutput>/);
    assert.match(text, /type BothWays = \{\n.*Default: `\[\]`.*\n {2}readonly list\?: readonly string\[\];\n\};/);
    assert.match(text, /type BothWaysOutput = \{\n {2}list: string\[\];\n\};/);
  });

  it('names a type once, wherever it is used', () => {
    const item = Type.Object({ id: Type.String() });
    const text = source(
      { output: { name: 'get-item', schema: item } },
      { name: 'all', output: { name: 'get-items', schema: Type.Object({ items: Type.Array(item) }) } },
    );
    assert.match(text, /items: GetItem\[\];/);
    assert.equal(text.match(/id: string/g)?.length, 1);
  });

  it('writes every schema of the other services too', () => {
    for (const schema of Object.values(SCHEMAS)) assert.match(source({ output: schema }), /export type \w+ = /);
  });

  it('is none where a schema says what it cannot write, or two schemas have one name', () => {
    const odd = { name: 'odd', schema: { not: { type: 'string' } } };
    assert.throws(() => source({ output: odd }), /The schema odd cannot be written as a type: .*not/);
    const [one, other] = [Type.Object({ a: Type.String() }), Type.Object({ b: Type.String() })];
    assert.throws(
      () => source({ output: { name: 'x', schema: one } }, { name: 'e', output: { name: 'x', schema: other } }),
      /Two schemas are called x/,
    );
  });
});

describe('the source of the client', () => {
  const files = globSync('**/*.ts', { cwd: join(ROOT, 'client') });
  const read = (path: string): string => readFileSync(join(ROOT, 'client', path), 'utf8');

  it('imports nothing but itself: it runs in browsers, and brings no packages', () => {
    assert.ok(files.length > 10);
    for (const path of files) {
      for (const { specifier = '' } of importsOf(read(path)))
        assert.match(join('client', dirname(path), specifier), /^client\/[\w/-]+\.ts$/, path);
    }
  });

  it('asks for time and chance in one place', () => {
    for (const path of files.filter((name) => name !== 'surroundings.ts')) {
      assert.doesNotMatch(
        onlyCode(read(path)),
        /Date\.now|new Date\(\)|Math\.random|setTimeout|getRandomValues|\bBuffer\b/,
        path,
      );
    }
  });
});
