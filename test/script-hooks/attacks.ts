// Hostile scripts. Each is the body of a hook, or a whole source where it says `source`. What
// becomes of them is any outcome: what counts is what does not happen to the process, the main loop
// and the next run (attacks.test.ts).

export type Attack = {
  readonly name: string;
  readonly code?: string;
  readonly source?: string;
  readonly config?: unknown;
};

const body = (name: string, code: string): Attack => ({ name, code });
const whole = (name: string, source: string): Attack => ({ name, source });

/** Those of the list in the sandbox study. */
export const KNOWN_ATTACKS: readonly Attack[] = [
  body('loop: while(true)', 'while (true);'),
  body('loop: catch and continue', 'for (;;) try { while (true); } catch {}'),
  body('loop: finally', 'function f() { try { while (true); } finally { f(); } } f()'),
  body(
    'loop: generator that does not return',
    'function* g() { for (;;) try { yield 1 } finally { for (;;); } } for (const x of g()) break',
  ),
  whole('loop: while loading', 'while (true);'),
  body('regex: ^(a+)+$', '/^(a+)+$/.test("a".repeat(40) + "b")'),
  body('regex: (x+x+)+y', '/(x+x+)+y/.test("x".repeat(60))'),
  body('regex: counted alternatives', '/(.*){1,32000}[bc]/.test("a".repeat(100))'),
  body('regex: nested counts', 'new RegExp("(".repeat(9) + "a" + "{99})".repeat(9)).test("a")'),
  body('regex: replace in a loop', 'let s = "a".repeat(1e5); for (;;) s.replace(/a/g, "bb")'),
  body('regex: 8 MB', '/x*y/.test("x".repeat(8e6))'),
  body('memory: array push', 'const a = []; for (;;) a.push(a.length)'),
  body('memory: array of texts', 'const a = []; for (let i = 0; ; i++) a.push("x".repeat(1e5) + i)'),
  body('memory: doubling', 'let s = "x"; for (;;) s += s'),
  body('memory: repeat', '"x".repeat(2 ** 29)'),
  body('memory: ArrayBuffer of 1 GB', 'new ArrayBuffer(2 ** 30)'),
  body('memory: ArrayBuffers of 20 MB', 'const a = []; for (;;) a.push(new ArrayBuffer(2e7))'),
  body('memory: Array(1e9).fill', 'new Array(1e9).fill(1)'),
  body('memory: Array(1e9) + ""', 'new Array(1e9) + ""'),
  body('memory: Map', 'const m = new Map(); for (let i = 0; ; i++) m.set(i, {})'),
  body('memory: catch and continue', 'const a = []; for (;;) try { for (;;) a.push(new Uint8Array(1e6)) } catch {}'),
  body('memory: resizable buffer', 'new ArrayBuffer(8, {maxByteLength: 2 ** 31}).resize(2 ** 30)'),
  body('stack: recursion', 'const f = () => f() + 1; f()'),
  body('stack: recursion, caught', 'const f = () => { try { f() } catch { f() } }; f()'),
  body('stack: chain of proxies', 'let p = {}; for (let i = 0; i < 1e5; i++) p = new Proxy(p, {}); p.x'),
  body('stack: chain of binds', 'let f = () => 1; for (let i = 0; i < 1e5; i++) f = f.bind(); f()'),
  body('stack: JSON.parse, nested', 'JSON.parse("[".repeat(1e6))'),
  body('stack: JSON.stringify, nested', 'let o = {}; for (let i = 0; i < 1e5; i++) o = {o}; JSON.stringify(o)'),
  body('stack: eval of parentheses', 'eval("(".repeat(1e5))'),
  body('stack: toString of nested arrays', 'let a = []; for (let i = 0; i < 1e5; i++) a = [a]; String(a)'),
  body('stack: getter', 'const o = {get x() { return this.x }}; o.x'),
  body('stack: nested groups of a regex', 'new RegExp("(".repeat(5e4) + ")".repeat(5e4))'),
  body('return: cyclic', 'event.self = event; return {event: {allowed: event}, effects: [event]}'),
  body('return: toJSON loops', 'return {event: {denied: null}, effects: [{toJSON() { for (;;); }}]}'),
  body('return: getter loops', 'return {get event() { for (;;); }}'),
  body(
    'return: Proxy with endless keys',
    'return {event: {denied: null}, effects: [new Proxy({}, {ownKeys: () => Array.from({length: 1e6}, (_, i) => "k" + i), getOwnPropertyDescriptor: () => ({value: 1, enumerable: true, configurable: true})})]}',
  ),
  body('return: 50 MB', 'return {event: {denied: null}, effects: [{dm: "x".repeat(5e7)}]}'),
  body('return: undefined and bigint', 'return {event: {allowed: undefined}, effects: [10n]}'),
  body(
    'return: __proto__',
    'return JSON.parse(\'{"event":{"denied":null},"effects":[{"__proto__":{"polluted":1}}]}\')',
  ),
  body('return: promise', 'return new Promise(() => {})'),
  body(
    'prototypes',
    'Object.prototype.polluted = 1; Array.prototype.push = null; Object.prototype.toJSON = () => "x"; Function.prototype.call = null',
  ),
  body('throw: null', 'throw null'),
  body('throw: toString loops', 'throw {toString() { for (;;); }}'),
  body('throw: Proxy', 'throw new Proxy({}, {get() { for (;;); }, getPrototypeOf() { for (;;); }})'),
  body(
    'throw: message getter loops',
    'const e = new Error(); Object.defineProperty(e, "message", {get() { for (;;); }}); throw e',
  ),
  body('throw: 30 MB', 'throw new Error("x".repeat(3e7))'),
  body('throw: prepareStackTrace loops', 'Error.prepareStackTrace = () => { for (;;); }; null.x'),
  body('jobs: microtasks', 'const f = () => Promise.resolve().then(f); f()'),
  body('jobs: async', '(async () => { for (;;) await 1 })()'),
  body(
    'escape: Function constructor',
    'if (Function("return typeof process")() !== "undefined") hooks.print("ESCAPED")',
  ),
  body(
    'escape: constructor of a host function',
    'if (hooks.print.constructor("return typeof process")() !== "undefined") hooks.print("ESCAPED")',
  ),
  body(
    'escape: constructor of a host error',
    'try { hooks.get_roles() } catch (e) { if (e.constructor.constructor("return typeof process")() !== "undefined") hooks.print("ESCAPED") }',
  ),
  body(
    'escape: this.constructor.constructor',
    'if (globalThis.constructor.constructor("return typeof process")() !== "undefined") hooks.print("ESCAPED")',
  ),
  body('escape: caller', '(function f() { return f.caller && f.caller.caller })()'),
  body('escape: dynamic import', 'import("node:fs").then((fs) => hooks.print("ESCAPED"))'),
  body('sort: comparator loops', '[3, 2, 1].sort(() => { for (;;); })'),
  body('sort: random comparator', 'Array.from({length: 3e5}, Math.random).sort(() => Math.random() - 0.5)'),
  body('native: sort of 1e7 holes', 'Array(1e7).sort()'),
  body('native: indexOf over 2^53', 'Array.prototype.indexOf.call({length: 2 ** 53}, 1)'),
  body('native: join of 2^32', 'Array.prototype.join.call({length: 2 ** 32 - 1})'),
  body('native: Array.from of 1e9', 'Array.from({length: 1e9})'),
  body('native: typed arrays', 'const a = new Float64Array(1e6); for (;;) a.fill(1).sort()'),
  body('native: split of 8 MB', '"x".repeat(8e6).split("")'),
  body('native: indexOf, quadratic', 'const a = "a".repeat(2e6), b = "a".repeat(1e6) + "b"; for (;;) a.indexOf(b)'),
  body('native: JSON.stringify of much', 'const a = Array(1e6).fill({a: 1}); JSON.stringify([a, a, a])'),
  body('native: flat', 'let a = []; for (let i = 0; i < 1e5; i++) a = [a]; a.flat(Infinity)'),
  body('native: BigInt power', '2n ** (2n ** 25n)'),
  body('native: BigInt digits', '(2n ** 1000000n).toString()'),
  body('native: BigInt product', 'let n = 3n; for (;;) n *= n'),
  body('native: normalize', '"\\u1e9b\\u0323".repeat(2e6).normalize("NFKD")'),
  body('native: dates', 'for (;;) Date.parse("Tue Apr 01 2025"), (1.5).toFixed(50)'),
  body(
    'Atomics.wait',
    'if (typeof Atomics !== "undefined") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)',
  ),
  body('flood: prints', 'for (;;) hooks.print("x")'),
  body(
    'flood: effects',
    'const effects = []; for (let i = 0; i < 1e5; i++) effects.push(hooks.effects.post_here("x")); return {event: {denied: null}, effects}',
  ),
  body('flood: state', 'hooks.set_state("x".repeat(2.5e7))'),
  body('argument: toString loops', 'hooks.print({toString() { for (;;); }})'),
  body('argument: getter loops', 'hooks.set_state({get x() { for (;;); }})'),
  body(
    'argument: lone surrogates',
    'hooks.set_state("\\ud800"); hooks.print("\\udc00"); return {event: {denied: "\\ud800\\u0000"}}',
  ),
  body(
    'gc: finalizers',
    'const r = new FinalizationRegistry(() => { for (;;); }); for (let i = 0; i < 1e4; i++) r.register({}, i)',
  ),
  body('gc: cycles', 'for (;;) { const a = {}; a.a = a }'),
  body('gc: out of memory in a job', 'Promise.resolve().then(() => { const a = []; for (;;) a.push(new Array(1e5)) })'),
];

/**
 * Code that makes `two`: something whose only key is 1 for the first reader, and `later` for the
 * next.
 */
const FLAT_THEN = (later: string): string =>
  `let reads = 0; const two = new Proxy({}, {ownKeys: () => ["wait"], getOwnPropertyDescriptor: () => ({value: 1, enumerable: true, configurable: true}),
    get: (_, key) => key !== "wait" ? undefined : reads++ === 0 ? 1 : ${later}})`;

/** Ours: aimed at what this library itself does. */
export const OWN_ATTACKS: readonly Attack[] = [
  body(
    'lazy part: its getter taken and called for ever',
    'const {get} = Object.getOwnPropertyDescriptor(event["on-post"].add.essay, "content"); for (;;) get()',
  ),
  body('lazy part: moved', 'const post = event["on-post"].add; post.seal = post.essay; post.essay = post.seal'),
  body('lazy part: frozen', 'Object.freeze(event["on-post"].add.essay); Object.freeze(event["on-post"].add)'),
  body(
    'lazy part: its holder replaced by a Proxy that loops',
    'event["on-post"].add.essay = new Proxy({}, {get() { for (;;); }, has() { for (;;); }})',
  ),
  body(
    'lazy part: a getter that answers differently each time',
    'let n = 0; Object.defineProperty(event["on-post"].add, "essay", {get: () => (n++ % 2 ? null : {content: []}), enumerable: true})',
  ),
  body(
    'skeleton: a text like a placeholder',
    'event["on-post"].add.essay.author = 0; event["on-post"].add.essay.content = 0',
  ),
  body('event: huge', 'event["on-post"].add.essay.content = Array(1e5).fill({inline: ["x".repeat(100)]})'),
  body(
    'event: deeply nested text',
    'let i = "x"; for (let n = 0; n < 240; n++) i = {bold: [i]}; event["on-post"].add.essay.content = [{inline: [i]}]',
  ),
  body(
    'event: __proto__ as a reactor',
    'event["on-post"].add.seal.reacts = JSON.parse(\'{"__proto__": {"revision": "0", "react": "x"}}\')',
  ),
  body('JSON replaced', 'JSON.parse = JSON.stringify = () => { for (;;); }'),
  body(
    'built-ins replaced',
    'for (const o of [Object, Array, Reflect, String, Number, RegExp.prototype, String.prototype, Array.prototype]) for (const k of Object.getOwnPropertyNames(o)) try { o[k] = () => { for (;;); } } catch {}',
  ),
  body(
    'setters on Object.prototype',
    'for (const k of ["get", "set", "value", "event", "exports", "0", "lazy"]) Object.defineProperty(Object.prototype, k, {set() { for (;;); }, get() { for (;;); }, configurable: true})',
  ),
  body(
    'setters on Array.prototype',
    'Object.defineProperty(Array.prototype, 0, {set() { for (;;); }, get() { return 1 }, configurable: true}); hooks.get_chat_messages_here(); return {event: {allowed: event}, effects: [[1, 2]]}',
  ),
  body(
    'effects: a Proxy of an array',
    'return {event: {denied: null}, effects: new Proxy([], {get(t, k) { return k === "length" ? 2 ** 53 : {dm: 1} }})}',
  ),
  body(
    'effects: array that grows while read',
    'const e = []; Object.defineProperty(e, 0, {get() { e.push({}, {}); return null }, enumerable: true}); return {event: {denied: null}, effects: e}',
  ),
  body(
    'effects: every element throws',
    'const e = Array(1e4).fill(); for (let i = 0; i < 1e4; i++) Object.defineProperty(e, i, {get() { throw "x".repeat(1e5) }}); return {event: {denied: null}, effects: e}',
  ),
  body('state: set and got for ever', 'for (;;) { hooks.set_state({a: Array(1e4).fill("x")}); hooks.get_state() }'),
  body('state: 1 MiB of nesting', 'let s = []; for (let i = 0; i < 2e5; i++) s = [s]; hooks.set_state(s)'),
  body(
    'state: as many small values as fit, with __proto__ as a key',
    'const s = JSON.parse(\'{"__proto__": {"polluted": 1}}\'); s.list = Array(3e5).fill([]); s.control = "\\u0001"; hooks.set_state(s)',
  ),
  body(
    'state: as many keys as fit, with __proto__ among them',
    'const s = JSON.parse(\'{"a": {"__proto__": {"polluted": 1}}}\'); for (let i = 0; i < 8e4; i++) s["k" + i] = {}; hooks.set_state(s)',
  ),
  body('nouns: many', 'for (let i = 0; ; i++) hooks.object_to_noun(i)'),
  body(
    'nouns: handle of the bowl and beyond',
    'hooks.noun_to_object(0); hooks.noun_to_object(-1); hooks.noun_to_object(1e9); hooks.noun_to_object({valueOf() { for (;;); }})',
  ),
  body(
    'messages: length raised',
    'const posts = hooks.get_chat_messages_here(); posts.length = 2 ** 32 - 1; posts.map((p) => p)',
  ),
  body('messages: asked for ever', 'for (;;) hooks.get_chat_messages_here()[0]'),
  body('ships: a million names', 'for (let i = 0; ; i++) hooks.ship_normalize(i * 65537)'),
  body(
    'ships: a name of 1 MB',
    'hooks.ship_normalize("~" + "zod".repeat(4e5)); hooks.get_roles("x".repeat(1e6)); hooks.ship_normalize(10n ** 5000n)',
  ),
  body(
    'roles: names of prototypes',
    'hooks.get_roles("constructor"); hooks.get_roles("__proto__"); hooks.effects.give_role("~nec", "a".repeat(1e6))',
  ),
  body('bowl: written to', '"use strict"; hooks.bowl.config.x = 1'),
  body('library: constructor of the bowl', 'hooks.bowl.constructor.constructor("for (;;);")()'),
  body(
    'exports: a Proxy that loops',
    'module.exports = new Proxy(function () {}, {apply() { for (;;); }, get() { for (;;); }}); module.exports()',
  ),
  whole('exports: a getter that loops', 'Object.defineProperty(module, "exports", {get() { for (;;); }})'),
  whole('exports: a getter that throws', 'Object.defineProperty(module, "exports", {get() { throw new Error("x") }})'),
  whole(
    'load: redefines Math.random and Date',
    'Math.random = () => { for (;;); }; Date.now = Math.random; module.exports = (event) => ({event: {allowed: event}, effects: [{a: Math.random}]})',
  ),
  whole(
    'load: allocates 40 MB and then fails',
    'const a = new Uint8Array(4e7).fill(1); throw new Error(String(a.length))',
  ),
  whole('load: prints a secret-looking stack', 'throw new Error(new Error().stack)'),
  whole(
    'error: a stack that is a getter',
    'const e = new Error("x"); Object.defineProperty(e, "stack", {get() { for (;;); }}); throw e',
  ),
  whole(
    'error: a stack that lies about lines',
    'const e = new Error("x"); e.stack = "hook-eval.js:999999999999:5 " + "x".repeat(1e6); throw e',
  ),
  whole(
    'error: Symbol.hasInstance',
    'Object.defineProperty(Error, Symbol.hasInstance, {value() { for (;;); }}); throw new Error("x")',
  ),
  body('date: far away', 'new Date(8.64e15 + 1).toISOString()'),
  body('date: a clock called for ever', 'for (;;) Date.now()'),
  body('weak: a million references', 'const a = []; for (let i = 0; i < 1e6; i++) a.push(new WeakRef({i}))'),
  body(
    'class: a million private fields',
    'eval("class A {" + Array.from({length: 2e4}, (_, i) => "#f" + i).join(";") + "}")',
  ),
  body('string: concatenation tree', 'let s = ""; for (let i = 0; i < 1e6; i++) s = "a" + s + "b"; s.charCodeAt(5e5)'),
  body('string: padStart and replaceAll', 'for (;;) "a".padStart(1e6, "bc").replaceAll("b", "cc")'),
  body(
    'state: a Proxy that is flat when it is checked and deep when it is written',
    `let deep = "x"; for (let i = 0; i < 5000; i++) deep = [deep]; ${FLAT_THEN('deep')}; hooks.set_state(two)`,
  ),
  body(
    'effects: flat when they are checked and deep when they are written',
    `let deep = "x"; for (let i = 0; i < 5000; i++) deep = {bold: [deep]}; ${FLAT_THEN('deep')}; return {event: {denied: null}, effects: [two]}`,
  ),
  body(
    'event: flat when it is checked and deep when it is written',
    `let deep = "x"; for (let i = 0; i < 5000; i++) deep = {bold: [deep]}; ${FLAT_THEN('deep')}; event["on-post"].add.essay = two`,
  ),
  body(
    'error: arrays with a toJSON',
    'Array.prototype.toJSON = () => [{toString: null}, {}, "load"]; throw new Error("x")',
  ),
  body(
    'error: a subclass whose every property throws itself',
    'class E extends Error { toString() { throw new E() } get message() { throw this } get stack() { throw this } } throw new E("x")',
  ),
  body(
    'stack: functions of the library taken from it while a getter is read',
    `const a = [1]; Object.defineProperty(a, 0, {enumerable: true, configurable: true, get() {
      Error.prepareStackTrace = (error, sites) => sites; const sites = new Error().stack; Error.prepareStackTrace = undefined;
      for (const site of sites) for (const name of ["getFunction", "getThis"]) {
        let found; try { found = site[name]() } catch {}
        if (found !== undefined && found !== null) hooks.print("ESCAPED");
      }
      return 1 }}); hooks.set_state({a})`,
  ),
  body('state: 10 MB, tried again and again', 'for (;;) try { hooks.set_state("x".repeat(1e7)) } catch {}'),
  body('state: one list many times', 'let s = ["x"]; for (let i = 0; i < 40; i++) s = [s, s]; hooks.set_state(s)'),
  body('state: a list with holes', 'const a = []; a.length = 5e7; hooks.set_state(a)'),
  body(
    'state: every toJSON replaced',
    'for (const p of [Object, Array, String, Number, Boolean, BigInt]) p.prototype.toJSON = () => ({toString: null}); hooks.set_state([1n, "x", new Proxy({a: 1}, {})])',
  ),
  body(
    'result: a revoked Proxy',
    'const {proxy, revoke} = Proxy.revocable([], {}); revoke(); return {event: {denied: null}, effects: proxy}',
  ),
  body('result: a generator', 'return (function* () { yield {event: {denied: null}, effects: []} })()'),
  body('result: a thenable', 'return {then() { for (;;); }, event: {denied: null, then() { for (;;); }}, effects: []}'),
  body('reason: 30 MB', 'return {event: {denied: "\\ud83d".repeat(3e7)}, effects: []}'),
  body('prints: texts of 20 MB', 'const s = "\u{1F600}".repeat(5e6); for (;;) hooks.print(s)'),
  body('print: commands for a terminal', 'hooks.print("\\x1b[2J\\x1b]0;x\\x07")'),
  body('regexp: look-behind', '/(?<=(a+)+)b(?<!(a*)*c)/.test("a".repeat(5e4))'),
  body('atomics', 'Atomics.wait(new Int32Array(new SharedArrayBuffer(8)), 0, 0)'),
];

/** Sources that are hard to parse. */
export const COMPILE_ATTACKS: readonly Attack[] = [
  whole('compile: parentheses', '('.repeat(200_000)),
  whole('compile: nested arrays', '['.repeat(200_000) + ']'.repeat(200_000)),
  whole('compile: nested functions', 'function f(){'.repeat(20_000) + '}'.repeat(20_000)),
  whole('compile: nested templates', '`${'.repeat(50_000)),
  whole('compile: private fields', `class A {${Array.from({ length: 20_000 }, (_, n) => `#f${n}`).join(';')}}`),
  whole('compile: scopes of let', Array.from({ length: 20_000 }, (_, n) => `{let a${n}=1;`).join('')),
  whole('compile: regular expressions', '/((((((((((a{9}){9}){9}){9}){9}){9}){9}){9}){9}){9})/;'.repeat(5000)),
  whole('compile: a long number', `0x${'f'.repeat(900_000)}n`),
  whole('compile: many variables', `let ${Array.from({ length: 60_000 }, (_, n) => `v${n}=${n}`).join(',')}`),
  whole('compile: NUL and surrogates', 'let a = "\u0000\ud800";\u0000'),
  whole('compile: too large', ' '.repeat(1024 * 1024 + 1)),
];
