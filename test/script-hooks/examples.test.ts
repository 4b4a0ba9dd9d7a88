// Every example script does what its cases say.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { readCases, runCase } from '../../src/script-hooks/dry-run/cases.ts';
import { completeBowl } from '../../src/script-hooks/dry-run/default-bowl.ts';
import { buildHook, createSandbox, type Sandbox } from '../../src/script-hooks/index.ts';
import { eventNamed, eventNames } from './support.ts';

const FOLDER = new URL('../../examples/scripts/', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, FOLDER), 'utf8');
const names = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.js'))
  .map((file) => file.slice(0, -3));

let sandbox: Sandbox;
before(() => {
  sandbox = createSandbox({ workers: 1 });
});
after(() => sandbox[Symbol.asyncDispose]());

test('there are at least ten examples, and an event of every kind', () => {
  assert.ok(names.length >= 10);
  const kinds = ['add', 'edit', 'del', 'react', 'unreact'].flatMap((action) => [`post-${action}`, `reply-${action}`]);
  assert.deepEqual(eventNames(), [...kinds, 'cron', 'wake'].sort());
});

for (const name of names) {
  for (const one of readCases(JSON.parse(read(`${name}.cases.json`)))) {
    test(`${name}: ${one.title}`, async () => {
      await using hook = await buildHook(read(`${name}.js`), { sandbox });
      const { outcome, problems } = await runCase(hook, one, eventNamed, name);
      assert.deepEqual(problems, [], JSON.stringify(outcome));
    });
  }

  test(`${name} fails on no kind of event`, async () => {
    await using hook = await buildHook(read(`${name}.js`), { sandbox });
    for (const kind of eventNames()) {
      const event = eventNamed(kind);
      const outcome = await hook.run({ event, bowl: completeBowl(event, {}, name) });
      assert.notEqual(outcome.outcome, 'failed', `${kind}: ${JSON.stringify(outcome)}`);
    }
  });
}
