import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { before, test } from 'node:test';
import fc from 'fast-check';
import { roundsOf } from '../../../test/support/test-length.ts';
import { DEFAULT_LIMITS } from '../limits.ts';
import { jsonOfBinaryForm } from './binary-form.ts';
import { bootImage } from './boot.ts';
import { createCompiler } from './compiler.ts';
import { type Image, instanceOf, restored, takeImage } from './image.ts';
import { createRunner } from './runner.ts';
import type { Vm } from './vm.ts';
import { loadWasm, withMemoryCeiling } from './wasm.ts';

let wasm: WebAssembly.Module;
let image: Image;
before(() => {
  wasm = loadWasm();
  image = bootImage(wasm, DEFAULT_LIMITS);
});

const hashOf = ({ extents, stackPointer, memoryLength }: Image): string => {
  const hash = createHash('sha256').update(`${stackPointer} ${memoryLength}`);
  for (const [address, content] of extents) hash.update(`${address} `).update(content);
  return hash.digest('hex');
};

const memoryOf = (vm: Vm): string => createHash('sha256').update(vm.bytes()).digest('hex');

test('two boots give the same image, bit for bit', () => {
  assert.equal(hashOf(bootImage(wasm, DEFAULT_LIMITS)), hashOf(image));
});

test('an image put back after a use is the image again, bit for bit', () => {
  const vm = instanceOf(wasm, image);
  const before = memoryOf(vm);
  for (let use = 0; use < 3; use++) {
    vm.parseJson(JSON.stringify(Array.from({ length: 500 }, (_, n) => ({ [`key${n}`]: n }))));
    assert.notEqual(memoryOf(vm), before);
    assert.equal(restored(vm, wasm, image), vm);
    assert.equal(memoryOf(vm), before);
    assert.equal(hashOf(takeImage(vm)), hashOf(image));
  }
});

test('an instance whose memory has grown is replaced', () => {
  const vm = instanceOf(wasm, image);
  vm.memory.grow(1);
  assert.notEqual(restored(vm, wasm, image), vm);
});

test('a run leaves the same memory behind when it is repeated', () => {
  const compiled = createCompiler(
    wasm,
    image,
    DEFAULT_LIMITS,
  )(
    'const a = {}; module.exports = (event) => { for (let i = 0; i < 50; i++) a[Math.random()] = [i]; return {event: {denied: JSON.stringify(a).slice(0, 500)}} }',
  );
  assert.ok(compiled.kind === 'compiled');
  const head = JSON.stringify({ event: { cron: null }, lazy: [], node: ['cron'], keys: null, tellsReturned: false });
  const job = {
    hook: 1,
    program: { bytecode: compiled.bytecode, loaded: undefined, differs: false },
    head,
    parts: [],
    skeleton: '',
    isWhole: true,
    bowl: '{}',
    now: 5,
    seed: 'x',
    deadlineMs: 1000,
    known: {},
    owner: '0v1',
    passesWhenFailed: true,
  } as const;
  const runs = [0, 1, 2, 3].map((n) => {
    const runner = createRunner(wasm, n < 2 ? image : bootImage(wasm, DEFAULT_LIMITS), DEFAULT_LIMITS, () => ({
      json: 'null',
      waitedMs: 0,
    }));
    return [runner.run(job), runner.run(job)].map(({ durationMs: _, cpuMs: __, ...report }) => JSON.stringify(report));
  });
  assert.equal(new Set(runs.flat()).size, 1);
});

test('any JSON value leaves the engine as it went in', () => {
  const vm = instanceOf(wasm, image);
  let [read, all] = [0, 0];
  fc.assert(
    fc.property(fc.json({ maxDepth: 5 }), (json) => {
      restored(vm, wasm, image);
      const form = vm.binaryForm(vm.parseJson(json));
      const left = form === undefined ? undefined : jsonOfBinaryForm(form);
      all++;
      // What is not read here goes the slow way: an empty key, for one.
      if (left === undefined) return;
      read++;
      assert.deepEqual(JSON.parse(left), JSON.parse(json));
    }),
    { numRuns: roundsOf(500) },
  );
  assert.ok(read > all / 2, `${read} of ${all}`);
});

test('bytes that are no binary form are not read', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const read = jsonOfBinaryForm(Uint8Array.of(28, 0, 0, 0, 0, ...bytes));
      assert.ok(read === undefined || JSON.parse(read) !== undefined);
    }),
  );
});

test('the ceiling is refused for another engine', () => {
  const header = [0, 97, 115, 109, 1, 0, 0, 0];
  assert.throws(() => withMemoryCeiling(Uint8Array.of(...header), 10), /no memory section/);
  assert.throws(() => withMemoryCeiling(Uint8Array.of(...header, 5, 4, 1, 1, 1, 2), 10), /memory differs/);
});
