import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { checkScript } from './check-script.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'hookwright-check-'));
});
after(() => rmSync(folder, { recursive: true }));

const collect = () => {
  let all = '';
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      all += chunk;
      done();
    },
  });
  return { stream, text: () => all };
};

const run = async (cwd: string, ...args: string[]) => {
  const [out, err] = [collect(), collect()];
  const status = await checkScript.run(args, { stdout: out.stream, stderr: err.stream, env: {}, cwd });
  return { status, out: out.text(), err: err.text() };
};

const write = (name: string, content: unknown): void =>
  writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));

test('the cases of all examples come out as expected', async () => {
  for (const name of readdirSync(join(root, 'examples/scripts')).filter((file) => file.endsWith('.js'))) {
    const { status, out, err } = await run(root, `examples/scripts/${name}`);
    assert.equal(status, 0, `${name}: ${out}${err}`);
    assert.match(out, /all as expected/);
  }
});

test("one's own cases are run, and what differs is said", async () => {
  write(
    'mine.js',
    'const h = require("tlon_hooks"); module.exports = (event) => { h.print("ran"); if (h.bowl.config.fails) {\n  null.x; }\n  return {event: {denied: "no"}, effects: [h.effects.send_dm("~nec", "hi"), {odd: 1}]} }',
  );
  write('tick.json', { cron: null });
  const expect = {
    outcome: 'denied',
    reason: 'no',
    prints: ['ran'],
    effectsContain: ['~nec'],
    dropped: ['/effects/1'],
  };
  write('mine.cases.json', [
    { title: 'fits', event: { cron: null }, expect },
    { title: 'from a file', event: 'tick', expect },
    { title: 'differs', event: 'tick.json', expect: { outcome: 'allowed', state: 5 } },
    { title: 'fails', event: 'tick', bowl: { config: { fails: true } }, expect: { outcome: 'denied' } },
  ]);
  const { status, out } = await run(folder, 'mine.js');
  assert.equal(status, 1);
  assert.match(
    out,
    /✔ fits\n✔ from a file\n✖ differs\n {4}outcome: "denied", expected "allowed"\n {4}state: null, expected 5\n {4}does not count: \/effects\/1/,
  );
  assert.match(out, /✖ fails\n[\s\S]*threw: TypeError.*\n {4}at mine\.js:2:/);
  assert.match(out, /4 cases, 2 not as expected\n$/);
  const json = JSON.parse((await run(folder, 'mine.js', '--json')).out);
  assert.deepEqual(json[0], { title: 'fits', problems: [] });
});

test('cases that are none are refused in words', async () => {
  write('other.js', 'module.exports = (event) => ({event: {allowed: event}})');
  const cases: [unknown, RegExp][] = [
    [{}, /other\.cases\.json: cases are a list/],
    [[{}], /case 1 has no title/],
    [[{ title: 'a' }], /case 1 \(a\) has no event/],
    [[{ title: 'a', event: 'x' }], /expects nothing/],
    [[{ title: 'a', event: 'x', expect: { outcome: 'fine' } }], /must be allowed, denied or failed/],
    [[{ title: 'a', event: 'x', expect: { outcome: 'denied', effect: [] } }], /there is no effect; there are/],
    [[{ title: 'a', event: 'x', expect: { outcome: 'denied' } }], /There is no event x/],
    ['[', /other\.cases\.json is not JSON/],
  ];
  for (const [content, message] of cases) {
    write('other.cases.json', content);
    const { status, err } = await run(folder, 'other.js');
    assert.equal(status, 1);
    assert.match(err, message);
  }
  assert.match((await run(folder, 'tick.js')).err, /tick\.js/);
  write('alone.js', 'module.exports = 1');
  assert.match((await run(folder, 'alone.js')).err, /There are no cases at alone\.cases\.json/);
});

test('a wrong call says how to call it, with status 2', async () => {
  for (const args of [[], ['a', 'b'], ['a', '--other']]) {
    const { status, err } = await run(folder, ...args);
    assert.equal(status, 2);
    assert.match(err, /hookwright scripts check SCRIPT/);
  }
  assert.equal((await run(folder, '--help')).status, 0);
});
