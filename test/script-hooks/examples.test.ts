// Every example script does what its cases say, and its cases go through `simulate` as well.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { completeBowl } from '../../src/script-hooks/dry-run/default-bowl.ts';
import { diffLines } from '../../src/script-hooks/dry-run/diff.ts';
import { type Bowl, buildHook, createSandbox, type Event, type Sandbox } from '../../src/script-hooks/index.ts';
import { eventNamed, eventNames } from './support.ts';

type Case = {
  readonly title: string;
  readonly event: string;
  /** Values put into the event first, by path. */
  readonly change?: Readonly<Record<string, unknown>>;
  readonly bowl: Partial<Bowl>;
  readonly expect: {
    readonly outcome: string;
    readonly reason?: string;
    readonly state?: unknown;
    readonly effects?: readonly unknown[];
    /** Texts that the effects, as JSON, contain. */
    readonly effectsContain?: readonly string[];
    readonly changes?: readonly string[];
  };
};

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

const eventOf = ({ event, change = {} }: Case): Event => {
  const value = eventNamed(event);
  for (const [path, replacement] of Object.entries(change)) {
    const keys = path.split('/');
    const last = keys.pop() as string;
    const holder = keys.reduce((found, key) => found[key] as never, value as unknown as Record<string, unknown>);
    holder[last] = replacement;
  }
  return value;
};

test('there are at least ten examples, and an event of every kind', () => {
  assert.ok(names.length >= 10);
  const kinds = ['add', 'edit', 'del', 'react', 'unreact'].flatMap((action) => [`post-${action}`, `reply-${action}`]);
  assert.deepEqual(eventNames(), [...kinds, 'cron', 'wake'].sort());
});

for (const name of names) {
  for (const one of JSON.parse(read(`${name}.cases.json`)) as Case[]) {
    test(`${name}: ${one.title}`, async () => {
      await using hook = await buildHook(read(`${name}.js`), { sandbox });
      const event = eventOf(one);
      const { expect } = one;
      const outcome = await hook.run({ event, bowl: completeBowl(event, one.bowl, name) });
      assert.equal(outcome.outcome, expect.outcome, JSON.stringify(outcome));
      assert.deepEqual(outcome.dropped, []);
      if (expect.reason !== undefined) assert.equal(outcome.outcome === 'denied' && outcome.reason, expect.reason);
      if (expect.state !== undefined) assert.deepEqual(outcome.state, expect.state);
      if (expect.effects !== undefined) assert.deepEqual(outcome.effects, expect.effects);
      for (const text of expect.effectsContain ?? []) assert.ok(JSON.stringify(outcome.effects).includes(text), text);
      const changes = outcome.outcome === 'allowed' ? diffLines(event, outcome.event) : [];
      assert.deepEqual(changes, expect.changes ?? []);
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
