// What a hook answers: keys with undefined, objects with two keys, promises, values that JSON
// cannot hold.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { buildHook, createSandbox, type Outcome, type RunRequest, type Sandbox } from '../../src/script-hooks/index.ts';
import { bowl, eventNamed, NOW, scriptOf } from './support.ts';

let sandbox: Sandbox;
before(() => {
  sandbox = createSandbox({ workers: 1 });
});
after(() => sandbox[Symbol.asyncDispose]());

const run = async (source: string, request: Partial<RunRequest> = {}): Promise<Outcome> => {
  await using hook = await buildHook(source, { sandbox });
  return hook.run({ event: eventNamed('post-add'), bowl, ...request });
};
const runCode = (code: string) => run(scriptOf(code));
const pointers = ({ dropped }: Outcome): string[] => dropped.map(({ pointer }) => pointer);

test('a denial beside a key with undefined is a denial', async () => {
  for (const event of ['{denied: "no", allowed: undefined}', '{allowed: undefined, denied: "no"}']) {
    const outcome = await runCode(`return {event: ${event}, effects: undefined}`);
    assert.equal(outcome.outcome === 'denied' && outcome.reason, 'no', event);
  }
});

test('an event beside a denial with undefined is allowed', async () => {
  assert.equal((await runCode('return {event: {allowed: event, denied: undefined}}')).outcome, 'allowed');
});

test('keys with undefined are no keys: two of them are no answer', async () => {
  for (const answer of ['{allowed: undefined}', '{allowed: undefined, denied: undefined}']) {
    const outcome = await runCode(`return {event: ${answer}}`);
    assert.equal(outcome.outcome === 'failed' && outcome.kind, 'malformed', answer);
  }
});

test('keys with undefined do not count in a returned event', async () => {
  const outcome = await runCode(
    'event["on-reply"] = undefined; event.cron = undefined; event["on-post"].del = undefined; event["on-post"].add.essay.note = undefined; event["on-post"].add.essay.content = [{block: undefined, inline: [{bold: ["x"], italics: undefined}]}]; return {event: {allowed: event}}',
  );
  assert.equal(outcome.outcome, 'allowed', JSON.stringify(outcome));
  assert.match(JSON.stringify(outcome), /\[\{"inline":\[\{"bold":\["x"\]\}\]\}\]/);
  assert.doesNotMatch(JSON.stringify(outcome), /note|italics/);
});

test('keys with undefined do not count in effects, at any depth', async () => {
  const post = 'hooks.effects.post_here("x").channels.channel';
  const outcome = await runCode(`return {event: {allowed: event}, effects: [
    {dm: undefined, ...hooks.effects.post_here("x"), wait: undefined},
    {channels: {pin: undefined, channel: {...${post}, action: {leave: undefined, ...${post}.action}}}},
    {groups: {flag: "~zod/club", update: {time: "1", diff: {fleet: {ships: ["~nec"], diff: {add: undefined, del: null}}}}}},
  ]}`);
  assert.deepEqual(outcome.dropped, []);
  assert.deepEqual(
    outcome.effects.map((effect) => JSON.stringify(effect).replace(/"sent":\d+/, '')),
    [
      '{"channels":{"channel":{"nest":"chat/~zod/lounge","action":{"post":{"add":{"content":[{"inline":["x"]}],"author":"~zod",,"kind-data":{"chat":null}}}}}}}',
      '{"channels":{"channel":{"nest":"chat/~zod/lounge","action":{"post":{"add":{"content":[{"inline":["x"]}],"author":"~zod",,"kind-data":{"chat":null}}}}}}}',
      '{"groups":{"flag":"~zod/club","update":{"time":"1","diff":{"fleet":{"ships":["~nec"],"diff":{"del":null}}}}}}',
    ],
  );
});

test('an event that the caller gives may have keys with undefined', async () => {
  const { 'on-post': post } = eventNamed('post-add') as unknown as Record<string, object>;
  const event = { 'on-reply': undefined, 'on-post': { edit: undefined, ...post } } as never;
  assert.equal((await run(scriptOf('event["on-post"].add.essay.content.length'), { event })).outcome, 'allowed');
});

test('an effect with two keys is told of the one that was left out', async () => {
  const outcome = await runCode(`return {event: {allowed: event}, effects: [
    {...hooks.effects.post_here("x"), ...hooks.effects.send_dm("~nec", "y")},
    {channels: {channel: {nest: "chat/~zod/lounge", action: {post: {del: "1", "del-react": {id: "1", ship: "~nec"}}}}}},
    {...hooks.effects.send_dm("~nec", "y"), note: "mine"}]}`);
  assert.equal(outcome.effects.length, 3);
  assert.deepEqual(pointers(outcome), [
    '/effects/0/dm',
    '/effects/1/channels/channel/action/post/del-react',
    '/effects/2/note',
  ]);
  assert.match(outcome.dropped[0]?.reason ?? '', /channels was taken/);
});

test('a piece of text with two kinds is told of the one that was left out', async () => {
  const outcome = await runCode('event["on-post"].add.essay.content = [{inline: [{bold: ["x"], italics: ["y"]}]}]');
  assert.equal(outcome.outcome, 'allowed');
  assert.equal(pointers(outcome).length, 1);
  assert.match(
    pointers(outcome)[0] ?? '',
    /^\/event\/allowed\/on-post\/add\/essay\/content\/0\/inline\/0\/(bold|italics)$/,
  );
});

test('an async hook is told that a promise came, and where it was rejected', async () => {
  const fine = await run('module.exports = async (event) => ({event: {allowed: event}})');
  assert.match(fine.outcome === 'failed' ? fine.message : '', /returned a promise; it must return .* at once/);
  const rejected = await run('module.exports = async (event) => {\n  return event.no.thing;\n}');
  assert.match(rejected.outcome === 'failed' ? rejected.message : '', /returned a promise/);
  assert.equal(rejected.outcome === 'failed' && rejected.line, 2);
  assert.match(rejected.dropped[0]?.reason ?? '', /rejected and nobody handled it: TypeError.*line 2/);
  for (const answer of ['{event: Promise.resolve({allowed: event})}', '{then: () => 1}']) {
    const outcome = await runCode(`return ${answer}`);
    assert.match(outcome.outcome === 'failed' ? outcome.message : '', /promise/, answer);
  }
  const effects = await runCode('return {event: {allowed: event}, effects: Promise.resolve([])}');
  assert.match(JSON.stringify(effects.dropped), /effects.*is a promise/);
});

test('what waits for a promise is told that it never runs', async () => {
  for (const code of [
    'Promise.resolve(1).then(() => hooks.set_state(1))',
    '(async () => { await null; hooks.set_state(1) })()',
    'new Promise((done) => done(1)).finally(() => {})',
  ]) {
    const outcome = await runCode(code);
    assert.equal(outcome.outcome, 'allowed');
    assert.deepEqual(pointers(outcome), ['/promises'], code);
    assert.match(outcome.dropped[0]?.reason ?? '', /never runs/);
  }
  for (const code of ['Promise.reject(new Error("lost"))', '(async () => { throw new Error("lost") })()']) {
    assert.match(
      (await runCode(code)).dropped[0]?.reason ?? '',
      /rejected and nobody handled it: Error: lost, at line 4/,
    );
  }
  assert.deepEqual((await runCode('new Promise(() => {})')).dropped, []);
});

test('what a state cannot hold is told, with what became of it', async () => {
  const outcome = await runCode(
    'hooks.set_state({seen: new Map([[1, 2]]), "a/b": [new Set([1])], at: new Date(), n: NaN, f: () => 1, s: Symbol("x"), r: /x/, e: new Error("x"), ok: [1, "x", null], no: undefined})',
  );
  assert.deepEqual(
    pointers(outcome).map((pointer) => pointer.replace('/state/', '')),
    [...['seen', 'a~1b/0', 'at', 'n', 'f', 's', 'r', 'e']],
  );
  assert.equal(outcome.dropped[0]?.reason, 'is a Map, which JSON cannot hold: it became {}');
  assert.equal(outcome.dropped[3]?.reason, 'is NaN, which JSON cannot hold: it became null');
  for (const value of ['new Map()', 'new Date(0)', 'Infinity', 'new WeakMap()', 'Object(5)']) {
    assert.deepEqual(pointers(await runCode(`hooks.set_state(${value})`)), ['/state'], value);
  }
  assert.deepEqual((await runCode('hooks.set_state({a: 1, b: [null, "x"], c: Object.create(null)})')).dropped, []);
});

test('what an effect cannot hold is told, too', async () => {
  const outcome = await runCode(
    `return {event: {allowed: event}, effects: [{wait: {id: 1, data: {list: new Set([1])}, "fires-at": ${NOW}}}]}`,
  );
  assert.deepEqual(pointers(outcome), ['/effects/0/wait/data/list']);
  assert.equal(outcome.effects.length, 1);
});

test('a time with a fraction is rounded down, and a request that cannot be is refused in words', async () => {
  const outcome = await run(
    scriptOf('hooks.print(Date.now()); hooks.print(hooks.bowl.now); hooks.effects.send_dm("~nec", 1)'),
    {
      bowl: { ...bowl, now: NOW + 0.7 },
    },
  );
  assert.deepEqual(outcome.prints, [String(NOW), String(NOW)], JSON.stringify(outcome));
  const cases: [object, RegExp][] = [
    [{ bowl: { ...bowl, now: Number.NaN } }, /bowl\.now must be a time/],
    [{ bowl: { ...bowl, now: '5' } }, /bowl\.now/],
    [{ bowl: { ...bowl, now: -1 } }, /bowl\.now/],
    [{ bowl: { ...bowl, now: 1e300 } }, /bowl\.now/],
    [{ bowl: undefined }, /bowl must be an object/],
    [{ bowl: { ...bowl, config: { big: 1n } } }, /bowl cannot be written as JSON/],
    [{ deadlineMs: Number.NaN }, /deadlineMs/],
    [{ deadlineMs: 0 }, /deadlineMs/],
    [{ seed: 5 }, /seed must be a text/],
  ];
  for (const [request, message] of cases) {
    await assert.rejects(run(scriptOf(''), request as never), { code: 'HW_SCRIPT_REQUEST', message });
  }
});
