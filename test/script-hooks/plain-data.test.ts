// A script cannot tell a part of the event that is parsed late from plain data: everything is done
// to an event as it comes, and to a copy that is plain.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { buildHook, createSandbox, type Outcome, type Sandbox } from '../../src/script-hooks/index.ts';
import { bowl, eventNamed, eventNames } from './support.ts';

let sandbox: Sandbox;
before(() => {
  sandbox = createSandbox({ workers: 1 });
});
after(() => sandbox[Symbol.asyncDispose]());

/**
 * `o` is an object with a part that comes late, `key` the name of the part. Each gives something to
 * compare.
 */
const DEEDS: Readonly<Record<string, string>> = {
  freeze: 'Object.freeze(o); said = [o[key], Object.isFrozen(o)]; try { o[key] = 1 } catch {} said.push(o[key])',
  seal: 'Object.seal(o); o[key] = [1]; said = [o[key], Object.isSealed(o), delete o[key]]',
  'prevent extensions': 'Object.preventExtensions(o); o.more = 1; said = [o[key], o.more, Object.isExtensible(o)]',
  'freeze deeply':
    'const deep = (v) => { if (v && typeof v === "object") { Object.freeze(v); Object.values(v).forEach(deep) } }; deep(o); said = JSON.stringify(o)',
  describe: 'said = Object.getOwnPropertyDescriptor(o, key)',
  'describe all': 'said = Object.getOwnPropertyDescriptors(o)',
  'describe by Reflect': 'said = Reflect.getOwnPropertyDescriptor(o, key)',
  'copy by descriptors':
    'const copy = Object.defineProperties({}, Object.getOwnPropertyDescriptors(o)); copy[key] = ["changed"]; said = [copy[key], o[key]]',
  inherit:
    'const child = Object.create(o); const before = child[key]; child[key] = "own"; child.author = "x"; said = [before, child[key], o[key], o.author, Object.keys(child)]',
  'set prototype': 'const child = Object.setPrototypeOf({}, o); child[key] = 1; said = [o[key], child[key]]',
  'define value':
    'Object.defineProperty(o, key, {value: [], writable: true, enumerable: true, configurable: true}); said = o[key]',
  'define enumerable': 'Object.defineProperty(o, key, {enumerable: false}); said = [Object.keys(o), o[key]]',
  'define getter': 'Object.defineProperty(o, key, {get: () => 5, enumerable: true, configurable: true}); said = o[key]',
  spread: 'const copy = {...o}; copy[key] = 1; said = [copy, o[key]]',
  assign: 'const copy = Object.assign({}, o); said = copy; Object.assign(o, {[key]: [2]}); said = [said, o[key]]',
  rest: 'const {[key]: part, ...rest} = o; said = [part, rest]',
  keys: 'said = [Object.keys(o), Object.getOwnPropertyNames(o), Reflect.ownKeys(o)]',
  entries: 'said = [Object.entries(o), Object.values(o)]',
  'for in': 'said = []; for (const k in o) said.push(k, o[k])',
  in: 'said = [key in o, "nothing" in o, Object.hasOwn(o, key), o.hasOwnProperty(key), o.propertyIsEnumerable(key)]',
  delete: 'said = [delete o[key], key in o, o[key], Object.keys(o)]; o[key] = ["again"]; said.push(Object.keys(o))',
  'Reflect.get': 'said = [Reflect.get(o, key), Reflect.get(o, key, {})]',
  'Reflect.set':
    'const other = {}; said = [Reflect.set(o, key, 3, other), other, o[key], Reflect.set(o, key, 4), o[key]]',
  'Reflect.defineProperty': 'said = [Reflect.defineProperty(o, key, {value: 1}), o[key]]',
  'lookup getter': 'said = [typeof o.__lookupGetter__(key), typeof o.__lookupSetter__(key)]',
  tag: 'said = [Object.prototype.toString.call(o), String(o), typeof o, Object.getPrototypeOf(o) === Object.prototype, Array.isArray(o)]',
  identity: 'const first = o[key]; said = [first === o[key], o === holder(), new Map([[o, 1]]).get(holder())]',
  JSON: 'said = JSON.stringify(o)',
  'JSON with a replacer': 'said = JSON.stringify(o, (k, v) => k === key ? "x" : v)',
  proxy: 'const p = new Proxy(o, {}); p[key] = 1; said = [p[key], o[key], Object.keys(p)]',
  'freeze unread': 'Object.freeze(o); said = 1',
  'write unread': 'o[key] = ["written"]; said = o[key]',
  swap: 'const part = o[key]; o[key] = null; o[key] = part; said = o[key]',
  undefined: 'o[key] = undefined; said = [o[key], key in o]',
};

const HOLDERS: Readonly<Record<string, readonly [path: string, key: string]>> = {
  'post-add': ['on-post/add/essay', 'content'],
  'post-edit': ['on-post/edit', 'original'],
  'post-del': ['on-post/del/essay', 'content'],
  'post-react': ['on-post/react', 'post'],
  'reply-add': ['on-reply/add', 'parent'],
  'reply-edit': ['on-reply/edit/memo', 'content'],
  'reply-del': ['on-reply/del', 'original'],
  'reply-react': ['on-reply/react', 'reply'],
};

const scriptFor = (deed: string, [path, key]: readonly [string, string], isPlain: boolean): string => `
const hooks = require("tlon_hooks");
module.exports = (given) => {
  const event = ${isPlain ? 'JSON.parse(JSON.stringify(given))' : 'given'};
  const key = ${JSON.stringify(key)};
  const holder = () => ${JSON.stringify(path)}.split("/").reduce((value, name) => value[name], event);
  const o = holder();
  let said;
  ${deed};
  console.log(JSON.stringify(said, (name, value) => value === undefined ? "undefined" : value));
  return {event: {allowed: event}, effects: []};
};`;

const shown = (outcome: Outcome): unknown => ({
  outcome: outcome.outcome,
  prints: outcome.prints,
  dropped: outcome.dropped,
  event: outcome.outcome === 'allowed' ? JSON.stringify(outcome.event) : undefined,
});

for (const [name, deed] of Object.entries(DEEDS)) {
  test(`a late part is plain data to a script: ${name}`, async () => {
    for (const [kind, holder] of Object.entries(HOLDERS)) {
      const outcomes: unknown[] = [];
      for (const isPlain of [false, true]) {
        await using hook = await buildHook(scriptFor(deed, holder, isPlain), { sandbox });
        outcomes.push(shown(await hook.run({ event: eventNamed(kind), bowl })));
      }
      assert.deepEqual(outcomes[0], outcomes[1], `${name}, ${kind}`);
    }
  });
}

test('freezing an event changes nothing, whatever its kind', async () => {
  const source = `module.exports = (event) => { const deep = (v) => { if (v && typeof v === "object") { Object.values(v).forEach(deep); Object.freeze(v) } }; deep(event);
    return {event: {allowed: event}} }`;
  await using hook = await buildHook(source, { sandbox });
  for (const kind of eventNames()) {
    const event = eventNamed(kind);
    const outcome = await hook.run({ event, bowl });
    assert.deepEqual(outcome.outcome === 'allowed' && outcome.event, event, kind);
  }
});

test('a copy that inherits from the text of a post does not write into the event', async () => {
  const event = eventNamed('post-add');
  const source = `module.exports = (event) => { const mine = Object.create(event["on-post"].add.essay); mine.content = []; mine.author = "~fes";
    return {event: {allowed: event}} }`;
  await using hook = await buildHook(source, { sandbox });
  const outcome = await hook.run({ event, bowl });
  assert.equal(outcome.outcome === 'allowed' && outcome.event, event);
});

test('messages are plain data, too', async () => {
  const { add } = (eventNamed('post-add') as { 'on-post': { add: { seal: object } } })['on-post'];
  const posts = Array.from({ length: 300 }, (_, n) => ({ ...add, seal: { ...add.seal, id: String(n) } })) as never;
  for (const deed of [
    'Object.freeze(a); say(Object.isFrozen(a), a[200].seal.id); try { a[0] = 1 } catch {} say(a[0].seal.id)',
    'say(Object.keys(a).length, Object.getOwnPropertyDescriptor(a, "150").value.seal.id, 299 in a, 300 in a, -1 in a)',
    'const b = Object.create(a); b[3] = 1; say(a[3].seal.id, b[4].seal.id)',
    'a[5] = "x"; a.length = 10; say(a.length, a[5], a[4].seal.id, a[11])',
    'say(a.slice(-1)[0].seal.id, a.at(-70).seal.id, a[0].seal.id, a.find((m) => m.seal.id === "130").seal.id)',
    'let n = 0; for (let i = a.length - 1; i >= 0; i--) n += +a[i].seal.id; say(n); n = 0; for (const m of a) n += +m.seal.id; say(n)',
    'a.sort((x, y) => y.seal.id - x.seal.id); say(a[0].seal.id, a.length); a.splice(0, 299); say(JSON.stringify(a).length > 10, a.length)',
    'say([...a, ...a].length, a.concat([1]).length, a.includes(a[7]), a.indexOf(a[70]), Array.from(a).length)',
    'delete a[1]; say(1 in a, a[1], a.length); a.push(1); say(a.at(-1), Array.isArray(a), a instanceof Array)',
    'Object.seal(a); say(Object.isSealed(a)); a[2] = 5; say(a[2])',
    'const keys = []; for (const i in a) keys.push(i); say(keys.length, keys[299])',
  ]) {
    const said: unknown[] = [];
    for (const make of ['hooks.get_chat_messages_here()', 'hooks.get_state()']) {
      const source = `const hooks = require("tlon_hooks"); const say = (...v) => console.log(...v); module.exports = (event) => { const a = ${make}; ${deed}; return {event: {allowed: event}} }`;
      await using hook = await buildHook(source, { sandbox });
      const outcome = await hook.run({
        event: eventNamed('cron'),
        bowl: { ...bowl, state: posts, channel: { nest: 'chat/~zod/lounge', posts } },
      });
      assert.equal(outcome.outcome, 'allowed', JSON.stringify(outcome).slice(0, 500));
      said.push(outcome.prints);
    }
    assert.deepEqual(said[0], said[1], deed);
  }
});

test('the bowl is plain frozen data', async () => {
  const source = `const {bowl} = require("tlon_hooks"); module.exports = () => ({event: {denied: JSON.stringify([Object.isFrozen(bowl), Object.keys(bowl).length, {...bowl}.our,
    "src" in bowl, Object.getOwnPropertyDescriptor(bowl, "now").writable, Reflect.set(bowl, "our", 1), Reflect.deleteProperty(bowl, "our"), bowl.our, Object.isExtensible(bowl)])}})`;
  await using hook = await buildHook(source, { sandbox });
  const outcome = await hook.run({ event: eventNamed('cron'), bowl });
  assert.equal(outcome.outcome === 'denied' && outcome.reason, '[true,7,"~zod",true,false,false,false,"~zod",false]');
});
