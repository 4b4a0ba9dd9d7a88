// Every type, union branch and function that scripts know, by name.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { decoder } from '../../src/community/schema/decode.ts';
import { SCRIPT_TYPES } from '../../src/community/types/script-types.ts';
import { buildHook, createSandbox, type Sandbox } from '../../src/script-hooks/index.ts';
import { samplesOf } from './samples.ts';
import { parseType, type TypeList } from './script-types.ts';
import { bowl, eventNamed, NOW, scriptOf } from './support.ts';

const list: TypeList = JSON.parse(readFileSync(new URL('script-types.json', import.meta.url), 'utf8'));

let sandbox: Sandbox;
before(() => {
  sandbox = createSandbox({ workers: 1 });
});
after(() => sandbox[Symbol.asyncDispose]());

test('there is a schema for each listed type, and for nothing else', () => {
  assert.deepEqual(Object.keys(SCRIPT_TYPES).sort(), Object.keys(list.types).sort());
});

for (const name of Object.keys(list.types)) {
  const check = decoder(SCRIPT_TYPES[name] as never);
  for (const { branch, value } of samplesOf(list, name)) {
    test(`${name}: ${branch} is accepted, and its exact form stays as it is`, () => {
      const first = check(value);
      assert.ok(first.ok, `${JSON.stringify(value)}: ${JSON.stringify(first)}`);
      const again = check(first.value);
      assert.ok(again.ok && again.value === first.value);
    });
  }
}

for (const { branch, value } of samplesOf(list, 'Effect').concat(nestedEffects())) {
  test(`a script's effect ${branch} comes out of its run`, async () => {
    await using hook = await buildHook(
      scriptOf(`return {event: {denied: null}, effects: [${JSON.stringify(value)}]}`),
      {
        sandbox,
      },
    );
    const outcome = await hook.run({ event: eventNamed('cron'), bowl });
    assert.deepEqual(outcome.dropped, []);
    const exact = decoder(SCRIPT_TYPES.Effect as never)(value);
    assert.deepEqual(outcome.effects, [exact.ok && exact.value]);
  });
}

/** An effect for every branch of the types that effects are made of. */
function nestedEffects(): { branch: string; value: unknown }[] {
  const wrap: Record<string, (value: unknown) => unknown> = {
    ActionChannels: (channels) => ({ channels }),
    ActionChannel: (action) => ({ channels: { channel: { nest: 'chat/~zod/lounge', action } } }),
    ActionPost: (post) => ({ channels: { channel: { nest: 'chat/~zod/lounge', action: { post } } } }),
    ActionReply: (action) => ({
      channels: { channel: { nest: 'chat/~zod/lounge', action: { post: { reply: { id: '1', action } } } } },
    }),
    DiffGroups: (diff) => ({ groups: { flag: '~zod/club', update: { time: '1', diff } } }),
    ActionActivity: (activity) => ({ activity }),
    IncomingEvent: (add) => ({ activity: { add } }),
    ActivitySource: (del) => ({ activity: { del } }),
    WritsDelta: (delta) => ({ dm: { ship: '~nec', diff: { id: '~nec/1', delta } } }),
    ClubDelta: (delta) => ({ club: { id: '0v1', diff: { uid: '0v2', delta } } }),
    ActionContacts: (contacts) => ({ contacts }),
  };
  return Object.entries(wrap).flatMap(([name, make]) =>
    samplesOf(list, name).map(({ branch, value }) => ({ branch: `${name}.${branch}`, value: make(value) })),
  );
}

/** A script that calls each listed function, and what it prints of it. */
const CALLS: Readonly<Record<string, readonly [code: string, expected: unknown]>> = {
  get_state: ['hooks.get_state()', { kept: true }],
  set_state: ['[hooks.set_state({a: undefined}), hooks.get_state()]', [0, { a: null }]],
  get_chat_messages_here: ['hooks.get_chat_messages_here().map((post) => post.seal.id)', ['1', '2']],
  get_members_here: ['hooks.get_members_here()', ['~zod', '~nec']],
  get_roles: [
    '[hooks.get_roles("zod"), hooks.get_roles(1), hooks.get_roles("~fes"), hooks.get_roles(null), hooks.get_roles("bob")]',
    [['admin'], [], [], [], []],
  ],
  ship_normalize: [
    '["~sampel-palnet", "sampel-palnet", "\\"~sampel-palnet\\"", 1624961343, 1624961343n, 0, "bob", "~dozzod-binzod", "~Zod", null, {}, -1, 1.5, NaN].map((ship) => hooks.ship_normalize(ship))',
    [...Array(5).fill('~sampel-palnet'), '~zod', ...Array(8).fill(null)],
  ],
  print: ['hooks.print("said")', 0],
  'effects.add_user': ['hooks.effects.add_user("nec")', fleet({ add: null })],
  'effects.kick_user': ['hooks.effects.kick_user(1)', fleet({ del: null })],
  'effects.give_role': ['hooks.effects.give_role("~nec", "vip")', fleet({ 'add-sects': ['vip'] })],
  'effects.remove_role': ['hooks.effects.remove_role("~nec", "vip")', fleet({ 'del-sects': ['vip'] })],
  'effects.post_here': [
    'hooks.effects.post_here("hi")',
    {
      channels: {
        channel: {
          nest: 'chat/~zod/lounge',
          action: {
            post: { add: { content: [{ inline: ['hi'] }], author: '~zod', sent: NOW, 'kind-data': { chat: null } } },
          },
        },
      },
    },
  ],
  'effects.send_dm': [
    'hooks.effects.send_dm("~nec", "psst")',
    {
      dm: {
        ship: '~nec',
        diff: {
          id: '~zod/170.141.184.507.313.431.682.019.536.779.450.777.600',
          delta: {
            add: {
              memo: { content: [{ inline: ['psst'] }], author: '~zod', sent: NOW },
              kind: null,
              time: '170141184507313431682019536779450777600',
            },
          },
        },
      },
    },
  ],
};

function fleet(diff: unknown): unknown {
  const time = '170.141.184.507.313.431.682.019.536.779.450.777.600';
  return { groups: { flag: '~zod/club', update: { time, diff: { fleet: { ships: ['~nec'], diff } } } } };
}

const posts = ['1', '2'].map((id) => ({ ...(parsePost() as object), seal: { id, replies: {}, reacts: {} } })) as never;
function parsePost(): unknown {
  return (eventNamed('post-add') as { 'on-post': { add: unknown } })['on-post'].add;
}

for (const name of list.functions) {
  test(`${name} does what the contract says`, async () => {
    const [code, expected] = CALLS[name] ?? assert.fail(`no test calls ${name}`);
    await using hook = await buildHook(scriptOf(`hooks.print(JSON.stringify(${code}))`), { sandbox });
    const outcome = await hook.run({
      event: eventNamed('cron'),
      bowl: { ...bowl, state: { kept: true }, channel: { nest: 'chat/~zod/lounge', posts } },
    });
    assert.equal(outcome.outcome, 'allowed', JSON.stringify(outcome));
    assert.deepEqual(JSON.parse(outcome.prints.at(-1) ?? ''), expected);
  });
}

test('every listed definition can be read', () => {
  for (const text of Object.values(list.types)) assert.ok(parseType(text));
});
