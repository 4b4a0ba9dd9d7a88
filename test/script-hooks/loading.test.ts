// Loading belongs to building: the top level of a script runs once, with a budget of its own.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Bowl, buildHook, createSandbox, type Outcome, type Sandbox } from '../../src/script-hooks/index.ts';
import { bowl, eventNamed, NOW } from './support.ts';

let sandbox: Sandbox;
before(() => {
  sandbox = createSandbox({ workers: 1 });
});
after(() => sandbox[Symbol.asyncDispose]());

const runsOf = async (source: string, bowls: readonly Bowl[] = [bowl, bowl, bowl]): Promise<Outcome[]> => {
  await using hook = await buildHook(source, { sandbox });
  const outcomes: Outcome[] = [];
  for (const one of bowls) outcomes.push(await hook.run({ event: eventNamed('post-add'), bowl: one }));
  return outcomes;
};
const reasons = (outcomes: readonly Outcome[]): unknown[] =>
  outcomes.map((outcome) => (outcome.outcome === 'denied' ? outcome.reason : JSON.stringify(outcome)));

/** A top level that does so much work that a run of it would take longer than an event may. */
const WORK = 'const words = {}; for (let i = 0; i < 1500000; i++) words["w" + (i % 500)] = i;';

test('a top level that takes longer than an event may take works at the first post', async () => {
  const outcomes = await runsOf(
    `${WORK} let n = 0; module.exports = () => ({event: {denied: Object.keys(words).length + "," + n++}})`,
  );
  assert.deepEqual(reasons(outcomes), ['500,0', '500,0', '500,0']);
});

test('a top level that does not end fails each run in the same way, without running again', async () => {
  await using quick = createSandbox({ workers: 1, limits: { loadMs: 50 } });
  await using hook = await buildHook('const busy = () => {\n  for (;;) Math.sqrt(2);\n};\nbusy();', { sandbox: quick });
  for (const name of ['cron', 'post-add', 'post-add']) {
    const outcome = await hook.run({ event: eventNamed(name), bowl });
    assert.equal(outcome.outcome === 'failed' && outcome.kind, 'deadline', JSON.stringify(outcome));
    assert.match(outcome.outcome === 'failed' ? outcome.message : '', /loading took longer than 50 ms/);
    assert.equal(outcome.durationMs, 0);
    assert.equal(outcome.outcome === 'failed' && outcome.stack.at(-1)?.line, 4);
  }
  assert.equal(hook.disabled(), null);
});

test('a large heap after loading gets an image, too', async () => {
  const outcomes = await runsOf(
    'const list = []; for (let i = 0; i < 100000; i++) list.push({i}); module.exports = () => { list.push(1); return {event: {denied: String(list.length)}} }',
  );
  assert.deepEqual(reasons(outcomes), ['100001', '100001', '100001']);
});

test('what the top level prints and loses belongs to every run', async () => {
  const outcomes = await runsOf(
    `${WORK} console.log("loaded"); Promise.reject(new Error("early")); module.exports = () => { console.log("ran"); return {event: {denied: null}} }`,
  );
  for (const { prints, dropped } of outcomes) {
    assert.deepEqual(prints, ['loaded', 'ran']);
    assert.match(dropped[0]?.reason ?? '', /Error: early/);
  }
});

test('a top level that asks for what differs from run to run runs before each of them', async () => {
  const bowls = [1, 2].map((n) => ({ ...bowl, now: NOW + n, state: { n }, config: { n } }));
  const cases: [string, string, unknown[]][] = [
    ['const at = Date.now();', 'at', [NOW + 1, NOW + 2]],
    ['const at = new Date().getTime();', 'at', [NOW + 1, NOW + 2]],
    ['const { n } = hooks.get_state();', 'n', [1, 2]],
    ['const { n } = hooks.bowl.config;', 'n', [1, 2]],
    ['let n = 0; try { n = hooks.bowl.config.n } catch { n = "caught" }', 'n', [1, 2]],
    ['const ships = hooks.get_members_here();', 'ships', [['~zod', '~nec'].join(), ['~zod', '~nec'].join()]],
  ];
  for (const [top, value, expected] of cases) {
    const source = `const hooks = require("tlon_hooks"); ${top} module.exports = () => ({event: {denied: String(${value})}})`;
    assert.deepEqual(reasons(await runsOf(source, bowls)), expected.map(String), top);
  }
  const random = reasons(
    await runsOf('const r = Math.random(); module.exports = () => ({event: {denied: String(r)}})'),
  );
  assert.equal(new Set(random).size, 3);
});

test('a top level that differs by run has a budget of its own in each', async () => {
  const outcomes = await runsOf(
    `const at = Date.now(); ${WORK} module.exports = () => ({event: {denied: String(at)}})`,
    [bowl],
  );
  assert.deepEqual(reasons(outcomes), [String(NOW)]);
});

test('taking the bowl at the top level does not make loading differ by run', async () => {
  const outcomes = await runsOf(
    `const { bowl, get_state } = require("tlon_hooks"); ${WORK} module.exports = () => ({event: {denied: bowl.our + get_state()}})`,
  );
  assert.deepEqual(reasons(outcomes), ['~zodnull', '~zodnull', '~zodnull']);
});

test('scripts beyond the bound of all images load in each run', async () => {
  await using small = createSandbox({ workers: 1, limits: { images: 0 } });
  await using hook = await buildHook(`${WORK} module.exports = () => ({event: {denied: "x"}})`, { sandbox: small });
  const outcome = await hook.run({ event: eventNamed('post-add'), bowl });
  assert.equal(outcome.outcome, 'denied', JSON.stringify(outcome));
});

test('a hook is the same on every thread', async () => {
  await using wide = createSandbox({ workers: 3 });
  await using hook = await buildHook(`${WORK} module.exports = () => ({event: {denied: String(words.w7)}})`, {
    sandbox: wide,
  });
  const runs = Array.from({ length: 9 }, () => hook.run({ event: eventNamed('cron'), bowl }));
  assert.equal(new Set(reasons(await Promise.all(runs))).size, 1);
});

test('a source that needs exports, or has a module of its own, is a hook', async () => {
  const hook = '() => ({event: {denied: "called"}})';
  for (const source of [
    `"use strict";\nObject.defineProperty(exports, "__esModule", { value: true });\nconst hook = ${hook};\nexports.default = hook;`,
    `exports.default = ${hook}`,
    `module.exports.default = ${hook}`,
    `Object.assign(exports, {default: ${hook}})`,
    `const module = {exports: {}};\nmodule.exports = ${hook};`,
    `let module = {}; module.exports = ${hook};`,
    `var module = {exports: {}}; module.exports = ${hook};`,
    `class module { static exports = ${hook} }`,
    `const exports = {}; exports.default = ${hook};`,
    `const module = "mine"; exports.default = ${hook};`,
    `(function (root, factory) { if (typeof exports === "object" && typeof module !== "undefined") module.exports = factory(); else root.hook = factory(); })(this, () => ${hook});`,
  ]) {
    assert.deepEqual(reasons(await runsOf(source, [bowl])), ['called'], source);
  }
  for (const source of ['', 'const module = {}', 'exports.hook = () => 1', 'const exports = 5']) {
    const [outcome] = await runsOf(source, [bowl]);
    assert.equal(outcome?.outcome === 'failed' && outcome.kind, 'load', source);
  }
});
