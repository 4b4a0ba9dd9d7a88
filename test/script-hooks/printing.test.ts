// What console writes.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { buildHook, createSandbox, type Sandbox } from '../../src/script-hooks/index.ts';
import { bowl, eventNamed, scriptOf } from './support.ts';

let sandbox: Sandbox;
before(() => {
  sandbox = createSandbox({ workers: 1 });
});
after(() => sandbox[Symbol.asyncDispose]());

const printed = async (code: string): Promise<readonly string[]> => {
  await using hook = await buildHook(scriptOf(code), { sandbox });
  const outcome = await hook.run({ event: eventNamed('post-add'), bowl });
  assert.equal(outcome.outcome, 'allowed', JSON.stringify(outcome));
  return outcome.prints;
};

test('values of every kind are printed as what they are', async () => {
  const cases: [string, string][] = [
    ['new Map([["a", {b: 1}], [[1], new Set()]])', 'Map(2) {"a" => {"b":1}, [1] => Set(0) {}}'],
    ['new Set(["x", 1])', 'Set(2) {"x", 1}'],
    ['new Date()', '2025-04-01T00:00:00.000Z'],
    ['new Date(NaN)', 'Invalid Date'],
    ['/a+/gi', '/a+/gi'],
    ['[undefined, null, -0, NaN, 5n, Symbol("s")]', '[undefined,null,-0,NaN,5n,Symbol(s)]'],
    ['{a: undefined, "b c": [() => 1]}', '{"a":undefined,"b c":[[Function]]}'],
    ['[function named() {}, class A {}]', '[[Function: named],[Function: A]]'],
    ['new (class Point { x = 1 })', 'Point {"x":1}'],
    ['new Error("broken")', 'Error: broken'],
    ['{e: new TypeError("x", {cause: 5})}', '{"e":TypeError: x [cause: 5]}'],
    ['new Uint8Array([1, 2])', 'Uint8Array(2) [1,2]'],
    ['new ArrayBuffer(3)', 'ArrayBuffer(3)'],
    ['[new WeakMap(), Promise.resolve(1)]', '[WeakMap {},Promise {}]'],
    ['Object(5)', '[Number: 5]'],
    ['Object.create(null, {a: {value: 1, enumerable: true}})', '{"a":1}'],
    ['event["on-post"].add.seal.reacts', '{}'],
    ['"plain text"', 'plain text'],
    ['{text: "quoted \\" text"}', '{"text":"quoted \\" text"}'],
  ];
  const prints = await printed(cases.map(([value]) => `console.log(${value})`).join(';'));
  assert.deepEqual(
    prints,
    cases.map(([, line]) => line),
  );
});

test('plain data is printed as its JSON', async () => {
  const [line] = await printed('console.log(event)');
  assert.deepEqual(JSON.parse(line ?? ''), eventNamed('post-add'));
});

test('circles, depth, size and traps do not stop a print', async () => {
  const prints = await printed(`
    const a = {}; a.self = a; a.list = [a]; console.log(a);
    let deep = 1; for (let i = 0; i < 1000; i++) deep = [deep]; console.log(deep);
    console.log(Array(20000).fill("long"));
    console.log({get bad() { throw new Error("no") }});
    console.log(new Proxy({}, {ownKeys() { throw 1 }}));
    const fake = {[Symbol.toStringTag]: "Map"}; console.log(fake);`);
  assert.equal(prints[0], '{"self":[Circular],"list":[[Circular]]}');
  assert.ok((prints[2] ?? '').length <= 4096);
  assert.equal(prints.length, 6);
});

test('placeholders are filled', async () => {
  assert.deepEqual(
    await printed(
      'console.log("%s has %d of %i, %j%%", "~zod", 1.5, 2.9, {a: 1}, "more"); console.log("100%", 1); console.log("%s")',
    ),
    ['~zod has 1.5 of 2, {"a":1}% more', '100% 1', '%s'],
  );
});

test('console has what scripts are used to', async () => {
  const prints = await printed(`
    console.table([{a: 1, b: "x"}, {a: 22}]); console.table(new Map([["k", 1]])); console.table(5);
    console.dir({a: new Set([1])}); console.assert(true, "not said"); console.assert(false, "said", 1); console.assert(false);
    console.count(); console.count("x"); console.count(); console.countReset(); console.count();
    console.time("t"); console.timeLog("t", 1); console.timeEnd("t"); console.timeEnd("t");
    console.group("outer"); console.log("in\\nside"); console.groupCollapsed(); console.info("deeper"); console.groupEnd(); console.groupEnd(); console.groupEnd(); console.debug("out");
    console.dirxml(1); console.clear();`);
  assert.deepEqual(prints, [
    '(index) | a  | b  \n--------+----+----\n0       | 1  | "x"\n1       | 22 |    ',
    '(index) | Values\n--------+-------\nk       | 1     ',
    '5',
    '{"a":Set(1) {1}}',
    'Assertion failed: said 1',
    'Assertion failed',
    ...['default: 1', 'x: 1', 'default: 2', 'default: 1'],
    't: 0 ms, for the clock of a run stands still 1',
    't: 0 ms, for the clock of a run stands still',
    'there is no timer t',
    ...['outer', '  in\n  side', '    deeper', 'out'],
    '1',
  ]);
});

test('console.trace says where it stands', async () => {
  const [line] = await printed('\n\nconst f = () => {\n console.trace("here", 1);\n};\nf();');
  assert.match(line ?? '', /^Trace: here 1\n.*at f \(hook-eval\.js:7:/);
});
