import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
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

const run = async (...args: string[]) => {
  const [out, err] = [collect(), collect()];
  const io = { stdout: out.stream, stderr: err.stream, env: {}, cwd: root };
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
  assert.match(out, /at words\.ts:3:/);
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
