import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { buildHook, createSandbox, type Outcome, type RunRequest, type Sandbox } from '../../src/script-hooks/index.ts';
import { bowl, eventNamed, eventNames, NOW, scriptOf } from './support.ts';

let sandbox: Sandbox;
before(() => {
  sandbox = createSandbox({ workers: 1 });
});
after(() => sandbox[Symbol.asyncDispose]());

const runSource = async (source: string, request: Partial<RunRequest> = {}): Promise<Outcome> => {
  await using hook = await buildHook(source, { sandbox });
  return hook.run({ event: eventNamed('post-add'), bowl, ...request });
};
const runCode = (code: string, request: Partial<RunRequest> = {}) => runSource(scriptOf(code), request);

const at = (value: unknown, path: string): unknown =>
  path.split('/').reduce((found, key) => (found as Record<string, unknown>)[key], value);

const allowed = (outcome: Outcome) => {
  assert.equal(outcome.outcome, 'allowed', JSON.stringify(outcome));
  return outcome as Outcome & { outcome: 'allowed' };
};
const failed = (outcome: Outcome) => {
  assert.equal(outcome.outcome, 'failed', JSON.stringify(outcome));
  return outcome as Outcome & { outcome: 'failed' };
};

test('the example that everybody knows passes every event through, as the same object', async () => {
  const source = `const hooks = require("tlon_hooks");
module.exports = (event) => {
return {event: {allowed: event}, effects: []};
}`;
  for (const name of eventNames()) {
    const event = eventNamed(name);
    const outcome = allowed(await runSource(source, { event }));
    assert.equal(outcome.event, event, name);
    assert.deepEqual(outcome.effects, []);
    assert.deepEqual(outcome.dropped, []);
  }
});

test('a script sees each event exactly as it was given', async () => {
  for (const name of eventNames()) {
    const event = eventNamed(name);
    const outcome = allowed(await runCode('hooks.print(JSON.stringify(event))', { event }));
    assert.deepEqual(JSON.parse(outcome.prints[0] ?? ''), event, name);
    assert.equal(outcome.event, event, `${name} was read, not changed`);
  }
});

test('a denial carries its reason, and its effects and state count', async () => {
  const outcome = await runCode(
    'hooks.set_state({n: 1}); return {event: {denied: "not \'today\'\\n\\u2028"}, effects: [hooks.effects.post_here("x")]}',
  );
  assert.equal(outcome.outcome, 'denied');
  assert.equal(outcome.outcome === 'denied' && outcome.reason, "not 'today'\n\u2028");
  assert.equal(outcome.effects.length, 1);
  assert.deepEqual(outcome.state, { n: 1 });
});

test('a denial without a reason is still a denial', async () => {
  for (const reason of ['null', 'undefined', '() => 1']) {
    const outcome = await runCode(`return {event: {denied: ${reason}}, effects: [null]}`);
    assert.equal(outcome.outcome === 'denied' && outcome.reason, null, reason);
  }
});

test('a missing effects is none', async () => {
  assert.deepEqual(allowed(await runCode('return {event: {allowed: event}}')).effects, []);
});

test('a change of a post is taken over, but not of its id', async () => {
  const event = eventNamed('post-add');
  const outcome = allowed(
    await runCode(
      `const post = event["on-post"].add;
       post.essay.content.push({inline: ["and more"]}); post.essay.author = "nec"; post.seal.id = "5"; post.essay.sent += 0.5`,
      { event },
    ),
  );
  const before = at(event, 'on-post/add') as { essay: { content: unknown[] } };
  const content = [...before.essay.content, { inline: ['and more'] }];
  assert.deepEqual(at(outcome.event, 'on-post/add'), {
    ...before,
    essay: { ...before.essay, content, author: '~nec', sent: NOW },
  });
});

test('a change made by building a new event is the same as one made in place', async () => {
  const event = eventNamed('post-add');
  const built = allowed(
    await runCode(
      `const post = event["on-post"].add;
       return {event: {allowed: {"on-post": {add: {...post, essay: {...post.essay, author: "~nec"}}}}}, effects: []}`,
      { event },
    ),
  );
  const inPlace = allowed(await runCode('event["on-post"].add.essay.author = "~nec"', { event }));
  assert.deepEqual(built.event, inPlace.event);
  const untouched = allowed(await runCode('return {event: {allowed: JSON.parse(JSON.stringify(event))}}', { event }));
  assert.deepEqual(untouched.event, event);
});

test('what an event does not let change stays as it was', async () => {
  const change: Record<string, string> = {
    'post-edit': 'event["on-post"].edit.original.essay.author = "~fes"',
    'post-del': 'event["on-post"].del.essay.author = "~fes"',
    'post-react': 'event["on-post"].react.post.essay.author = "~fes"',
    'reply-add': 'event["on-reply"].add.parent.essay.author = "~fes"; event["on-reply"].add.reply.id = "7"',
    'reply-edit': 'event["on-reply"].edit.parent.essay.author = event["on-reply"].edit.original.author = "~fes"',
    'reply-del': 'event["on-reply"].del.original.author = "~fes"',
    'reply-react': 'event["on-reply"].react.reply.author = "~fes"',
    wake: 'event.wake.id = 77',
    cron: 'event.cron = {a: 1}',
  };
  for (const [name, code] of Object.entries(change)) {
    const event = eventNamed(name);
    assert.deepEqual(allowed(await runCode(code, { event })).event, event, name);
  }
});

test('what an event lets change does change', async () => {
  const cases: [name: string, code: string, path: string, expected: unknown][] = [
    ['post-edit', 'event["on-post"].edit.essay.author = "~fes"', 'on-post/edit/essay/author', '~fes'],
    ['post-react', 'event["on-post"].react.react = null', 'on-post/react/react', null],
    ['post-unreact', 'event["on-post"].react.react = ":x:"', 'on-post/react/react', ':x:'],
    ['post-unreact', 'event["on-post"].react.ship = 1', 'on-post/react/ship', '~nec'],
    ['reply-add', 'event["on-reply"].add.reply.content = []', 'on-reply/add/reply/content', []],
    ['reply-edit', 'event["on-reply"].edit.memo.sent = 1', 'on-reply/edit/memo/sent', 1],
    ['reply-react', 'event["on-reply"].react.react = ":x:"', 'on-reply/react/react', ':x:'],
  ];
  for (const [name, code, path, expected] of cases) {
    const outcome = allowed(await runCode(code, { event: eventNamed(name) }));
    assert.deepEqual(at(outcome.event, path), expected, `${name}: ${code}`);
  }
});

test('an event of another kind, or none, is a malformed return', async () => {
  for (const code of [
    'return {event: {allowed: {cron: null}}, effects: []}',
    'return {event: {allowed: {"on-post": {del: event["on-post"].add}}}, effects: []}',
    'return {event: {allowed: null}}',
    'return {event: {allowed: event, denied: "x"}}',
    'return {event: {denied: {}}}',
    'return {event: {}}',
    'return {}',
    'return null',
    'return 5',
    'return Promise.resolve({event: {allowed: event}, effects: []})',
    'event["on-post"].add.essay.author = "bob"',
    'event["on-post"].add.essay.content = [{inline: [{bold: "x"}]}]',
    'delete event["on-post"].add.revision',
    'event["on-post"].add = null',
  ]) {
    const outcome = failed(await runCode(`hooks.set_state(1); ${code}`));
    assert.equal(outcome.kind, 'malformed', `${code}: ${outcome.message}`);
    assert.equal(outcome.state, null);
    assert.deepEqual(outcome.effects, []);
  }
});

test('unknown kinds of inline and block pass through a change untouched', async () => {
  const outcome = allowed(
    await runCode('event["on-post"].add.essay.content.push({inline: [{sect: null}]}, {block: {video: {url: "x"}}})'),
  );
  assert.match(JSON.stringify(outcome.event), /\{"sect":null\}.*\{"video":\{"url":"x"\}\}/);
});

test('an invalid effect is dropped with a pointer to what is wrong; the others and the event count', async () => {
  const outcome = allowed(
    await runCode(`const cycle = {}; cycle.cycle = cycle;
      return {event: {allowed: event}, effects: [null, {dm: {ship: "~nec", diff: {id: 5}}}, hooks.effects.post_here("x"), cycle, {bogus: 1}]}`),
  );
  assert.equal(outcome.effects.length, 1);
  assert.deepEqual(outcome.dropped.map(({ pointer }) => pointer).sort(), [
    '/effects/0',
    '/effects/1/dm/diff/id',
    '/effects/3',
    '/effects/4',
  ]);
});

test('an exception after set_state leaves state, effects and event as if the hook were absent', async () => {
  const outcome = failed(
    await runCode('hooks.set_state({a: 1});\nnull.x', { bowl: { ...bowl, state: { before: true } } }),
  );
  assert.equal(outcome.kind, 'threw');
  assert.equal(outcome.line, 5);
  assert.deepEqual(outcome.state, { before: true });
});

test('failures say their kind and their line', async () => {
  const cases: [string, string, number | undefined][] = [
    ['foo();', 'load', 1],
    ['\nthrow new Error("x")', 'load', 2],
    ['module.exports = 5', 'load', undefined],
    ['var a = 1', 'load', undefined],
    ['module.exports = () => {\n\n  throw {toString: () => "odd"} }', 'threw', undefined],
    ['module.exports = () => {\n\n  x.y }', 'threw', 3],
    ['const require = 1', 'load', undefined],
    ['"use strict"; module = {}', 'load', 1],
    ['module.exports = () => { while (true); }', 'deadline', undefined],
    ['module.exports = () => { new ArrayBuffer(1e9) }', 'memory', undefined],
  ];
  for (const [source, kind, line] of cases) {
    const outcome = failed(await runSource(source));
    assert.equal(outcome.kind, kind, `${source}: ${outcome.message}`);
    if (line !== undefined) assert.equal(outcome.line, line, source);
  }
});

test('a source that does not parse is refused with line and column', async () => {
  for (const [source, line] of [
    ['\n\nlet x = ;', 3],
    ['return 5', 1],
    ['import x from "y"', 1],
    ['export default 1', 1],
    ['await 1', 1],
    ['});(function(){', 1],
  ] as const) {
    await assert.rejects(buildHook(source, { sandbox }), (error: { code?: string; line?: number; column?: number }) => {
      assert.equal(error.code, 'HW_SCRIPT_SYNTAX', source);
      assert.equal(error.line, line, source);
      assert.ok((error.column ?? 0) >= 1);
      return true;
    });
  }
});

test('what is no event is refused before anything runs', async () => {
  await using hook = await buildHook('module.exports = (event) => ({event: {allowed: event}})', { sandbox });
  for (const event of [null, {}, { 'on-post': {} }, { other: 1 }, 'x']) {
    await assert.rejects(hook.run({ event: event as never, bowl }), { code: 'HW_SCRIPT_NO_EVENT' });
  }
});

test('a hook that was disposed says so', async () => {
  const hook = await buildHook('module.exports = 1', { sandbox });
  await hook[Symbol.asyncDispose]();
  await assert.rejects(hook.run({ event: eventNamed('cron'), bowl }), { code: 'HW_SCRIPT_CLOSED' });
});

test('every run starts from the same memory', async () => {
  await using hook = await buildHook(
    `globalThis.count = (globalThis.count || 0) + 1; Array.prototype.extra = 1; JSON.stringify = null; Math.PI2 = 1;
     module.exports = (event) => { throw new Error(String(count) + typeof leak + (globalThis.leak = 1)) }`,
    { sandbox },
  );
  for (let run = 0; run < 5; run++) {
    assert.equal(failed(await hook.run({ event: eventNamed('cron'), bowl })).message, 'Error: 1undefined1');
  }
  assert.equal(allowed(await runCode('hooks.print(typeof count + [].extra)')).prints[0], 'undefinedundefined');
});

test('the same seed gives the same run, another seed another one', async () => {
  const code = 'hooks.print([Math.random(), Math.random(), Date.now(), new Date().getHours()].join())';
  const first = allowed(await runCode(code, { seed: 'one' }));
  const again = allowed(await runCode(code, { seed: 'one' }));
  const other = allowed(await runCode(code, { seed: 'two' }));
  assert.deepEqual(first.prints, again.prints);
  assert.notDeepEqual(first.prints, other.prints);
  const unseeded = allowed(await runCode(code));
  assert.deepEqual(allowed(await runCode(code, { seed: unseeded.seed })).prints, unseeded.prints);
});

test("the clock stands still at the event's time", async () => {
  const outcome = allowed(
    await runCode(
      'let n = 0; while (n < 1e5) n++; hooks.print([Date.now(), +new Date(), Date(), new Date().getTimezoneOffset()].join("|"))',
    ),
  );
  assert.equal(outcome.prints[0], `${NOW}|${NOW}|Tue Apr 01 2025 00:00:00 GMT+0000|0`);
});

test('globals are those of the contract', async () => {
  const outcome = allowed(
    await runCode(`const names = ${JSON.stringify('process fetch URL TextEncoder structuredClone btoa Intl setTimeout performance navigator os std'.split(' '))};
      hooks.print(names.filter((name) => typeof globalThis[name] !== "undefined").join());
      hooks.print(["Map", "Set", "Proxy", "Reflect", "Symbol", "BigInt", "Uint8Array", "WeakRef", "eval", "Promise"].filter((name) => typeof globalThis[name] === "undefined").join());
      hooks.print(String(this === undefined) + typeof _eve + typeof console.log + Function("return this")().module);
      const describe = (name) => { const d = Object.getOwnPropertyDescriptor(globalThis, name); return [name, d.writable, d.enumerable, d.configurable].join() };
      hooks.print(describe("module") + ";" + describe("require"));`),
  );
  assert.equal(outcome.prints[0], '');
  assert.equal(outcome.prints[1], '');
  assert.match(outcome.prints[2] ?? '', /objectfunction\[object Object\]$/);
  assert.equal(outcome.prints[3], 'module,false,true,true;require,false,true,false');
});

test('a .hoon file around a script is unwrapped, and lines keep their numbers', async () => {
  const hoon = `/-  *hooks\n%-  hook-builder-js\n'''\nmodule.exports = (event) => {\n  return {event: {denied: 'it''s hoon'.length}}\n}\n'''\n`;
  const outcome = await runSource(hoon.replace("'it''s hoon'.length", '"hoon"'));
  assert.equal(outcome.outcome === 'denied' && outcome.reason, 'hoon');
  await assert.rejects(buildHook("%-  hook-builder-js\n'''\nlet x = ;\n'''\n", { sandbox }), { line: 3 });
});

test('a bundle that exports a default is called by it', async () => {
  const outcome = await runSource('module.exports = {__esModule: true, default: () => ({event: {denied: "d"}})}');
  assert.equal(outcome.outcome, 'denied');
});

test('the library works without a sandbox of its own, for several hooks at once', async () => {
  await using one = await buildHook(scriptOf('hooks.print(1)'));
  await using two = await buildHook(scriptOf('hooks.print(2)'));
  const outcomes = await Promise.all([one, two, one].map((hook) => hook.run({ event: eventNamed('cron'), bowl })));
  assert.deepEqual(
    outcomes.map(({ prints }) => prints[0]),
    ['1', '2', '1'],
  );
});
