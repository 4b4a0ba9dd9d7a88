// Errors lead to the line where they happened, whatever was thrown.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { buildHook, createSandbox, type Outcome, type Sandbox } from '../../src/script-hooks/index.ts';
import { bowl, eventNamed } from './support.ts';

let sandbox: Sandbox;
before(() => {
  sandbox = createSandbox({ workers: 1 });
});
after(() => sandbox[Symbol.asyncDispose]());

const failureOf = async (source: string): Promise<Outcome & { outcome: 'failed' }> => {
  await using hook = await buildHook(source, { sandbox });
  const outcome = await hook.run({ event: eventNamed('post-add'), bowl });
  assert.equal(outcome.outcome, 'failed', JSON.stringify(outcome));
  return outcome as Outcome & { outcome: 'failed' };
};

test('a failure has its stack, the innermost call first', async () => {
  const { line, column, stack } = await failureOf(
    'const inner = () => {\n  null.x;\n};\nfunction outer() {\n  inner();\n}\nmodule.exports = () => {\n  outer();\n};',
  );
  assert.deepEqual([line, column], [2, stack[0]?.column]);
  assert.deepEqual(
    stack.map((frame) => [frame.name, frame.line]),
    [
      ['inner', 2],
      ['outer', 5],
      ['', 8],
    ],
  );
});

test('what is thrown and is no error leads to its line', async () => {
  const cases: [string, string][] = [
    ['{code: 5}', '{"code":5}'],
    ['"text"', 'text'],
    ['5', '5'],
    ['null', 'null'],
    ['undefined', 'undefined'],
    ['new Map([[1, 2]])', 'Map(1) {1 => 2}'],
    ['Object.freeze(["x"])', 'x'],
    ['{toString: () => "odd"}', 'odd'],
  ];
  for (const [value, message] of cases) {
    const failure = await failureOf(
      `const f = () => {\n  try { throw 0 } catch {}\n  throw ${value};\n};\nmodule.exports = () => {\n  f();\n};`,
    );
    assert.equal(failure.message, message, value);
    assert.deepEqual(
      failure.stack.map(({ line }) => line),
      [3, 6],
      value,
    );
  }
});

test('what is thrown again leads to where it was thrown last, or to the stack that it brought', async () => {
  const value = await failureOf(
    'module.exports = () => {\n  try { throw {a: 1} }\n  catch (e) {\n    throw e;\n  }\n};',
  );
  assert.equal(value.line, 4);
  const error = await failureOf('module.exports = () => {\n  try { null.x }\n  catch (e) {\n    throw e;\n  }\n};');
  assert.equal(error.line, 2);
});

test('an error class of the script leads to where it was made, not to its constructor', async () => {
  for (const declared of [
    'class Bad extends Error {\n constructor(m) {\n  super(m);\n  this.name = "Bad";\n } }',
    'class Base extends Error {\n constructor(m) {\n  super(m); } }\nclass Bad extends Base { constructor(m) { super(m); } }',
    'class Bad extends TypeError {\n\n\n\n}',
    'function Bad(m) {\n const e = new Error(m);\n Object.setPrototypeOf(e, Bad.prototype);\n return e; }\nBad.prototype = Object.create(Error.prototype, {constructor: {value: Bad}});',
  ]) {
    const lines = declared.split('\n').length;
    const { line } = await failureOf(`${declared}\nmodule.exports = () => {\n  throw new Bad("x");\n};`);
    assert.equal(line, lines + 2, declared);
  }
});

test('a deadline leads to the function that was running, and to who called it', async () => {
  const { kind, stack } = await failureOf(
    'const add = (n) => n + 1;\nconst busy = () => {\n  for (let n = 0; ; ) n = add(n);\n};\nmodule.exports = () => {\n  busy();\n};',
  );
  assert.equal(kind, 'deadline');
  const lines = stack.map(({ line }) => line);
  assert.deepEqual(lines.slice(-2)[1], 6);
  assert.ok(lines.length >= 2 && (lines.at(-2) ?? 0) >= 2 && (lines.at(-2) ?? 9) <= 3, JSON.stringify(stack));
});

test('causes are told, each with its place', async () => {
  const failure = await failureOf(
    'const low = () => {\n  null.x;\n};\nmodule.exports = () => {\n  try { low() }\n  catch (cause) {\n    throw new Error("outer", {cause: new TypeError("middle", {cause})});\n  }\n};',
  );
  assert.equal(failure.message, 'Error: outer');
  assert.equal(failure.line, 7);
  assert.deepEqual(
    failure.causes.map(({ message, stack }) => [message, stack[0]?.line]),
    [
      ['TypeError: middle', 7],
      ["TypeError: cannot read property 'x' of null", 2],
    ],
  );
  const plain = await failureOf('module.exports = () => { throw new Error("x", {cause: {code: 1}}) }');
  assert.deepEqual(plain.causes, [{ message: '{"code":1}', stack: [] }]);
  const circle = await failureOf('module.exports = () => { const e = new Error("x"); e.cause = e; throw e }');
  assert.ok(circle.causes.length < 10);
});

test('a call of the library with a wrong argument leads to the call', async () => {
  const { line } = await failureOf(
    'const hooks = require("tlon_hooks");\nmodule.exports = () => {\n  hooks.set_state();\n};',
  );
  assert.equal(line, 3);
});

test('an error while loading leads to its line, a thrown value too', async () => {
  for (const thrown of ['new Error("x")', '{a: 1}', '"text"']) {
    const { kind, line } = await failureOf(`const f = () => {\n  throw ${thrown};\n};\nf();`);
    assert.deepEqual([kind, line], ['load', 2], thrown);
  }
});

test('no place of ours is told, and a stack of the script cannot forge one', async () => {
  const failure = await failureOf(
    'module.exports = () => { const e = new Error("x"); e.stack = "at f (/etc/passwd:1:1)"; throw e }',
  );
  assert.doesNotMatch(JSON.stringify(failure), /passwd|tlon_hooks/);
});
