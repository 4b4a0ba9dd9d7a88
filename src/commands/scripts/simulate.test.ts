import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { simulate } from './simulate.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'hookwright-simulate-'));
});
after(() => rmSync(folder, { recursive: true }));

const write = (name: string, text: string): string => {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
};

const collect = (onText: (all: string) => void = () => {}) => {
  let all = '';
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      all += chunk;
      onText(all);
      done();
    },
  });
  return { stream, text: () => all };
};

const run = async (...args: string[]) => runIn(root, '', ...args);

const runIn = async (cwd: string, input: string, ...args: string[]) => {
  const [out, err] = [collect(), collect()];
  const io = { stdout: out.stream, stderr: err.stream, stdin: Readable.from([input]), env: {}, cwd };
  return { status: await simulate.run(args, io), out: out.text(), err: err.text() };
};

const EVENT = 'examples/events/post-add.json';

test("README's example explains itself", async () => {
  const { status, out } = await run('examples/scripts/once-a-day.js', '--event', EVENT);
  assert.equal(status, 0);
  assert.match(out, /^ALLOWED\n/);
  assert.match(out, /before: null\n {2}after: {2}\{"~sampel-palnet":20179\}/);
  assert.match(out, /the event is unchanged, no effects, nothing printed/);
  assert.match(out, /once-a-day\.js on on-post\/add, \d+\.\d ms, --seed \S+\n$/);
});

test('a denial has status 3, and shows its reason', async () => {
  const state = write('state.json', '{"~sampel-palnet": 20179}');
  const { status, out } = await run('examples/scripts/once-a-day.js', '--event', EVENT, '--state', state);
  assert.equal(status, 3);
  assert.match(out, /^DENIED: One post a day/);
});

test('changes of the event, effects, prints and what was refused are shown', async () => {
  const script = write(
    'all.js',
    `const hooks = require("tlon_hooks");
     module.exports = (event) => { event["on-post"].add.essay.author = 0; hooks.print("said " + Math.random());
       return {event: {allowed: event}, effects: [hooks.effects.post_here("x"), {dm: 1}]} }`,
  );
  const args = [script, '--event', EVENT, '--seed', 'same', '--now', '2025-04-01T00:00:00Z'];
  const { status, out } = await run(...args);
  assert.equal(status, 0);
  assert.match(out, /~ \/on-post\/add\/essay\/author: "~sampel-palnet" → "~zod"/);
  assert.match(out, /1\. \{"channels".*"sent":1743465600000/);
  assert.match(out, /\/effects\/1\/dm must be an object/);
  assert.equal(/said .*/.exec(out)?.[0], /said .*/.exec((await run(...args)).out)?.[0]);
});

test('a failure has status 1, and leads to the line', async () => {
  const script = write('bad.js', 'module.exports = (event) => {\n  return event.nothing.here;\n}');
  const { status, out } = await run(script, '--event', EVENT);
  assert.equal(status, 1);
  assert.match(out, /^FAILED \(threw\): TypeError/);
  assert.match(out, /at .*bad\.js:2:/);
  const syntax = await run(write('syntax.js', 'module.exports = (event) => {\n  let x = ;\n}'), '--event', EVENT);
  assert.equal(syntax.status, 1);
  assert.match(syntax.err, /syntax\.js:2:\d+: SyntaxError/);
});

test('TypeScript of several files is bundled, and errors lead to where they were written', async () => {
  write(
    'words.ts',
    'export type Word = string;\nexport const find = (word: Word | undefined): string =>\n  word!.toUpperCase();\n',
  );
  const script = write(
    'hook.ts',
    `import hooks = require('tlon_hooks');
import { find } from './words.ts';
export default (event: { cron?: null }) => {
  hooks.print(find('bundled'));
  return { event: { denied: find(undefined) } };
};`,
  );
  const { status, out } = await run(script, '--event', EVENT);
  assert.equal(status, 1);
  assert.match(out, /BUNDLED/);
  assert.match(out, new RegExp(`at ${folder}/words\\.ts:3:`));
  const broken = await run(write('broken.ts', 'import x from "./missing.ts"; export default x;'), '--event', EVENT);
  assert.equal(broken.status, 1);
  assert.match(broken.err, /broken\.ts:1:\d+: Could not resolve/);
});

test('--json says it all as JSON', async () => {
  const { status, out } = await run('examples/scripts/welcome.js', '--event', EVENT, '--json');
  assert.equal(status, 0);
  const said = JSON.parse(out);
  assert.equal(said.outcome, 'allowed');
  assert.equal(said.effects.length, 1);
  assert.equal(said.stateBefore, null);
});

test('surroundings come from a file, and the clock from the option', async () => {
  const bowl = write('bowl.json', '{"our": "~fes", "src": "~nec", "config": {"a": 1}, "now": 5}');
  const script = write(
    'bowl.js',
    'const {bowl} = require("tlon_hooks"); module.exports = () => ({event: {denied: JSON.stringify([bowl.our, bowl.src, bowl.config, bowl.nest, bowl.now, Date.now(), bowl.hook.name])}})',
  );
  const { out } = await run(script, '--event', EVENT, '--bowl', bowl, '--now', '~2025.4.1');
  assert.match(out, /DENIED: \["~fes","~nec",\{"a":1\},"chat\/~zod\/lounge",1743465600000,1743465600000,"bowl"\]/);
});

test('a wrong call says how to call it, with status 2', async () => {
  for (const args of [[], ['x.js'], ['x.js', '--event'], ['x.js', '--other', '1'], ['a', 'b', '--event', 'c']]) {
    const { status, err } = await run(...args);
    assert.equal(status, 2, args.join(' '));
    assert.match(err, /hookwright simulate SCRIPT --event FILE/);
  }
  const help = await run('--help');
  assert.equal(help.status, 0);
  const missing = await run('missing.js', '--event', EVENT);
  assert.equal(missing.status, 1);
  assert.match(missing.err, /missing\.js/);
  const wrong = await run('examples/scripts/welcome.js', '--event', 'examples/scripts/welcome.js');
  assert.match(wrong.err, /welcome\.js is not JSON/);
});

test('a script cannot steer the terminal with what it prints', async () => {
  const script = write(
    'terminal.js',
    'require("tlon_hooks").print("\\x1b[2J\\x07"); module.exports = () => ({event: {denied: "\\x9b2J"}})',
  );
  const out = collect();
  const io = { stdout: out.stream, stderr: collect().stream, env: {}, cwd: root };
  assert.equal(await simulate.run([script, '--event', EVENT], io), 3);
  assert.ok(out.text().includes('DENIED: \\x9b2J') && out.text().includes('\\x1b[2J\\x07'), out.text());
});

test('--watch runs again when the script is saved', async () => {
  const script = write('watched.js', 'module.exports = () => ({event: {denied: "first"}})');
  const out = collect((all) => {
    if (all.includes('first') && !all.includes('second')) {
      writeFileSync(script, 'module.exports = () => ({event: {denied: "second"}})');
    } else if (all.includes('second')) process.emit('SIGINT');
  });
  const io = { stdout: out.stream, stderr: collect().stream, env: {}, cwd: root };
  assert.equal(await simulate.run([script, '--event', EVENT, '--watch'], io), 3);
  assert.match(out.text(), /DENIED: first[\s\S]*saved, running again[\s\S]*DENIED: second/);
});

test('a failure shows its line with a caret, and what led there', async () => {
  write('lib/deep.js', 'export const deep = (value) => {\n  return value.missing.part;\n};\n');
  const script = write(
    'caret.js',
    'import { deep } from "./lib/deep.js";\nexport default (event) => {\n\tdeep(event);\n};\n',
  );
  const { status, out } = await runIn(folder, '', script, '--event', join(root, EVENT));
  assert.equal(status, 1);
  assert.match(out, /at lib\/deep\.js:2:\d+\n {4}2 \| {3}return value\.missing\.part;\n {6}\| +\^\n/);
  assert.match(out, /caret\.js:3:/);
  const thrown = write('thrown.js', 'module.exports = () => {\n  throw {code: 7};\n};');
  const said = await runIn(folder, '', 'thrown.js', '--event', join(root, EVENT));
  assert.match(said.out, /FAILED \(threw\): \{"code":7\}\n {2}at thrown\.js:2:/, thrown);
  const syntax = await runIn(folder, '', write('caret-syntax.js', 'let a = ;'), '--event', join(root, EVENT));
  assert.match(syntax.err, /caret-syntax\.js:1:\d+: SyntaxError.*\n {4}1 \| let a = ;\n {6}\| +\^/);
});

test("an error inside a package leads to the author's own line, and a cause to its own", async () => {
  write(
    'node_modules/strict/index.js',
    'module.exports = (value) => {\n  if (!value.ok) throw new Error("not ok");\n};\n',
  );
  write('node_modules/strict/package.json', '{"name": "strict", "main": "index.js"}');
  const script = write(
    'uses.ts',
    'import strict from "strict";\nexport default (event: unknown) => {\n  try { strict({}); }\n  catch (cause) {\n    throw new Error("outer", { cause });\n  }\n};\n',
  );
  const { out } = await runIn(folder, '', script, '--event', join(root, EVENT));
  assert.match(
    out,
    /outer\n {2}at uses\.ts:5:[\s\S]*caused by Error: not ok\n {2}at uses\.ts:3:[\s\S]*node_modules\/strict\/index\.js:2:/,
  );
  const json = JSON.parse((await runIn(folder, '', script, '--event', join(root, EVENT), '--json')).out);
  assert.match(json.place, /^uses\.ts:5:/);
  assert.match(json.causes[0].stack[0].place, /strict\/index\.js:2:/);
});

test('several events run one after the other, and the state is kept from run to run', async () => {
  const script = write(
    'counts.js',
    'const h = require("tlon_hooks"); module.exports = (event) => { const n = (h.get_state() ?? 0) + 1; h.set_state(n); return {event: n === 2 ? {denied: "two"} : {allowed: event}} }',
  );
  const state = join(folder, 'kept.json');
  const args = [script, '--event', EVENT, '--event', 'examples/events/cron.json', '--state', state, '--save-state'];
  const first = await run(...args);
  assert.equal(first.status, 3, first.err);
  assert.match(
    first.out,
    /--- examples\/events\/post-add\.json\nALLOWED[\s\S]*--- examples\/events\/cron\.json\nDENIED: two/,
  );
  assert.equal(readFileSync(state, 'utf8'), '2\n');
  const again = await run(...args, '--json');
  assert.deepEqual(
    JSON.parse(again.out).map(({ state: after }: { state: number }) => after),
    [3, 4],
  );
  assert.equal(again.status, 0);
  assert.equal(readFileSync(state, 'utf8'), '4\n');
  const bad = write('bad-state.js', 'require("tlon_hooks").set_state(9); module.exports = () => null.x');
  await run(bad, '--event', EVENT, '--state', state, '--save-state');
  assert.equal(readFileSync(state, 'utf8'), '4\n');
  assert.equal((await run(script, '--event', EVENT, '--save-state')).status, 2);
});

test('the event, the script or the state may come from standard input', async () => {
  const denies = 'module.exports = (event) => ({event: {denied: Object.keys(event).join()}})';
  const byEvent = await runIn(folder, '{"cron": null}', write('denies.js', denies), '--event', '-');
  assert.match(byEvent.out, /DENIED: cron/);
  const byScript = await runIn(root, denies, '-', '--event', EVENT);
  assert.match(byScript.out, /DENIED: on-post[\s\S]*- on on-post\/add/);
  const broken = await runIn(root, 'let x = ;', '-', '--event', EVENT);
  assert.match(broken.err, /standard input:1:\d+: SyntaxError/);
  assert.match(
    (await runIn(root, '{', 'examples/scripts/welcome.js', '--event', '-')).err,
    /standard input is not JSON/,
  );
  assert.equal((await runIn(root, '', '-', '--event', '-')).status, 2);
});

test('a bowl and an event that cannot be are warned of', async () => {
  const event = JSON.parse(readFileSync(join(root, EVENT), 'utf8'));
  event['on-post'].add.essay.content = [];
  event['on-post'].add.essay.author = 'bob';
  const bowl = { chanel: null, our: 'bob', group: { flag: 'club', fleet: { bob: {} } }, hook: { id: 5 }, config: [] };
  const files = [
    '--event',
    write('odd-event.json', JSON.stringify(event)),
    '--bowl',
    write('odd-bowl.json', JSON.stringify(bowl)),
  ];
  const { out } = await run(write('passes.js', 'module.exports = (event) => ({event: {allowed: event}})'), ...files);
  for (const text of [
    'event /on-post/add/essay/author: must be a ship',
    'event /on-post/add/essay/content: is empty',
    'bowl.chanel: there is no such key; channel is meant?',
    'bowl.our: "bob" is no ship',
    'bowl.group.flag: "club" is no group',
    'bowl.group.fleet: "bob" is no ship',
    'bowl.hook: must be {id, name}',
    'bowl.config: must be an object',
  ]) {
    assert.ok(out.includes(text), `${text}\n${out}`);
  }
  const diary = write('diary.json', '{"channel": {"nest": "diary/~fes/notes", "posts": []}}');
  const wrongKind = await run('examples/scripts/welcome.js', '--event', EVENT, '--bowl', diary);
  assert.match(wrongKind.out, /is not that of a diary channel/);
  assert.match(wrongKind.out, /bowl\.our: hooks run on the host of the channel, ~fes/);
  const fine = await run('examples/scripts/welcome.js', '--event', EVENT);
  assert.doesNotMatch(fine.out, /warnings/);
});

test('none of the example events is warned of', async () => {
  for (const name of [
    'post-add',
    'post-edit',
    'post-del',
    'post-react',
    'reply-add',
    'reply-edit',
    'reply-react',
    'cron',
    'wake',
  ]) {
    const { out } = await run('examples/scripts/welcome.js', '--event', `examples/events/${name}.json`);
    assert.doesNotMatch(out, /warnings/, `${name}: ${out}`);
  }
});

test('changes that do not count are shown as such', async () => {
  const script = write(
    'ignored.js',
    `module.exports = (event) => { event["on-post"].edit.original.essay.author = "~fes"; event["on-post"].edit.essay.author = "nec";
    return {event: {allowed: event}} }`,
  );
  const edited = await run(script, '--event', 'examples/events/post-edit.json');
  assert.match(edited.out, /changes to the event:\n {2}~ \/on-post\/edit\/essay\/author: .* → "~nec"\n/);
  assert.match(
    edited.out,
    /changes that do not count:\n {2}~ \/on-post\/edit\/original\/essay\/author: .* → "~fes"\n\n/,
  );
  const parent = write(
    'parent.js',
    'module.exports = (event) => { event["on-reply"].add.parent = null; return {event: {allowed: event}} }',
  );
  const replied = await run(parent, '--event', 'examples/events/reply-add.json', '--json');
  assert.match(JSON.parse(replied.out).ignored[0], /^~ \/on-reply\/add\/parent: /);
});

test('--watch runs again when an import in another folder is saved', async () => {
  const inner = write('deep/er/value.js', 'export const value = "first";\n');
  const script = write(
    'watches.js',
    'import { value } from "./deep/er/value.js"; export default () => ({event: {denied: value}});',
  );
  const out = collect((all) => {
    if (all.includes('DENIED: first') && !all.includes('second'))
      writeFileSync(inner, 'export const value = "second";\n');
    else if (all.includes('DENIED: second')) process.emit('SIGINT');
  });
  const io = { stdout: out.stream, stderr: collect().stream, env: {}, cwd: root };
  assert.equal(await simulate.run([script, '--event', EVENT, '--watch'], io), 3);
});
