// require("tlon_hooks"): arguments, null cases and exact JSON.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  type Bowl,
  buildHook,
  createSandbox,
  type Event,
  type Outcome,
  type Sandbox,
} from '../../src/script-hooks/index.ts';
import { bowl, eventNamed, group, NOW, scriptOf } from './support.ts';

let sandbox: Sandbox;
before(() => {
  sandbox = createSandbox({ workers: 1 });
});
after(() => sandbox[Symbol.asyncDispose]());

const run = async (code: string, around: Partial<Bowl> = {}, event: Event = eventNamed('cron')): Promise<Outcome> => {
  await using hook = await buildHook(scriptOf(code), { sandbox });
  return hook.run({ event, bowl: { ...bowl, ...around } });
};

/** What an expression is, as JSON. */
const evaluated = async (expression: string, around: Partial<Bowl> = {}): Promise<unknown> => {
  const outcome = await run(`hooks.print(JSON.stringify(${expression}))`, around);
  assert.equal(outcome.outcome, 'allowed', `${expression}: ${JSON.stringify(outcome)}`);
  return JSON.parse(outcome.prints[0] ?? 'null');
};

const messageOf = async (code: string): Promise<string> => {
  const outcome = await run(code);
  return outcome.outcome === 'failed' ? `${outcome.kind}: ${outcome.message}` : outcome.outcome;
};

test('too few arguments throw, with the names of the original', async () => {
  const cases: [string, string, number][] = [
    ['set_state()', 'set-state', 1],
    ['print()', 'print-js', 1],
    ['get_roles()', 'get-roles', 1],
    ['ship_normalize()', 'ship-number-to-str', 1],
    ['object_to_noun()', 'to-json', 1],
    ['noun_to_object()', 'of-json', 1],
    ['effects.add_user()', 'add-user', 1],
    ['effects.kick_user()', 'kick-user', 1],
    ['effects.give_role("~nec")', 'give-role', 2],
    ['effects.remove_role("~nec")', 'remove-role', 2],
    ['effects.post_here()', 'post-here', 1],
    ['effects.send_dm("~nec")', 'send-dm', 2],
  ];
  for (const [call, name, count] of cases) {
    const plural = count === 1 ? 'argument' : 'arguments';
    assert.equal(
      await messageOf(`hooks.${call}`),
      `threw: Error: TypeError: failed to execute ${name}: at least ${count} ${plural} required`,
    );
  }
});

test('require knows tlon_hooks alone, and makes a new object each time', async () => {
  assert.equal(await messageOf('require("fs")'), 'threw: Error: Name "fs" not recognized by "require"');
  assert.match(await messageOf('require()'), /at least 1 argument required/);
  assert.deepEqual(
    await evaluated('[require("tlon_hooks") === hooks, require(["tlon_hooks"]).print === hooks.print]'),
    [false, true],
  );
  assert.deepEqual(
    await evaluated(
      '[Object.getOwnPropertyDescriptor(hooks, "print"), Object.keys(hooks.effects).length].map((d) => d.writable ?? d)',
    ),
    [false, 6],
  );
});

test('helpers build the JSON of the original, to the byte', async () => {
  const da = '170.141.184.507.313.431.682.019.536.779.450.777.600'; // NOW, as the host writes it
  const fleet = (diff: string) =>
    `{"groups":{"flag":"~zod/club","update":{"time":"${da}","diff":{"fleet":{"ships":["~nec"],"diff":${diff}}}}}}`;
  const expected = {
    'add_user("~nec")': fleet('{"add":null}'),
    'kick_user("~nec")': fleet('{"del":null}'),
    'give_role("~nec", "vip")': fleet('{"add-sects":["vip"]}'),
    'remove_role("~nec", "vip")': fleet('{"del-sects":["vip"]}'),
    'post_here("hi")':
      '{"channels":{"channel":{"nest":"chat/~zod/lounge","action":{"post":{"add":{"content":[{"inline":["hi"]}],' +
      `"author":"~zod","sent":${NOW},"kind-data":{"chat":null}}}}}}}`,
    // The message is the host's, so its id names the host, and not who gets it.
    'send_dm("~nec", "psst")':
      `{"dm":{"ship":"~nec","diff":{"id":"~zod/${da}","delta":{"add":{"memo":{"content":[{"inline":["psst"]}],` +
      `"author":"~zod","sent":${NOW}},"kind":null,"time":"${da.replaceAll('.', '')}"}}}}}`,
  };
  for (const [call, text] of Object.entries(expected)) {
    const outcome = await run(`hooks.print(JSON.stringify(hooks.effects.${call}))`);
    assert.equal(outcome.prints[0], text);
  }
});

test('helpers refuse with null', async () => {
  const helpers = [
    'add_user(SHIP)',
    'kick_user(SHIP)',
    'give_role(SHIP, "vip")',
    'remove_role(SHIP, "vip")',
    'send_dm(SHIP, "x")',
  ];
  for (const helper of helpers) {
    for (const ship of ['null', '{}', '"bob"', 'undefined', '-1', 'true']) {
      assert.equal(await evaluated(`hooks.effects.${helper.replace('SHIP', ship)}`), null, `${helper} ${ship}`);
    }
  }
  for (const role of ['5', '""', '"Vip"', '"a b"', 'null.x ?? 1'].slice(0, 4)) {
    assert.equal(await evaluated(`hooks.effects.give_role("~nec", ${role})`), null, role);
  }
  for (const call of ['post_here("x")', 'add_user("~nec")', 'give_role("~nec", "vip")']) {
    assert.equal(await evaluated(`hooks.effects.${call}`, { channel: null, group: null }), null, call);
  }
  assert.equal(await evaluated('hooks.effects.kick_user("~nec")', { group: null }), null);
  assert.notEqual(await evaluated('hooks.effects.send_dm("~nec", 5)', { channel: null, group: null }), null);
  assert.deepEqual(
    await evaluated('[hooks.get_members_here(), hooks.get_roles("~zod"), hooks.get_chat_messages_here()]', {
      channel: null,
      group: null,
    }),
    [[], [], []],
  );
});

test('post_here fits the kind of the channel', async () => {
  const kindIn = (kind: string) =>
    evaluated('hooks.effects.post_here({}).channels.channel.action.post.add["kind-data"]', {
      channel: { nest: `${kind}/~zod/x`, posts: [] },
    });
  assert.deepEqual(await kindIn('chat'), { chat: null });
  assert.deepEqual(await kindIn('heap'), { heap: null });
  assert.deepEqual(await kindIn('diary'), { diary: { title: '[object Object]', image: '' } });
});

test('two messages of one run differ in their time', async () => {
  const ids = (await evaluated('[1, 2].map((n) => hooks.effects.send_dm("~nec", n).dm.diff.id)')) as string[];
  assert.notEqual(ids[0], ids[1]);
  assert.deepEqual(
    await evaluated('[1, 2].map((n) => hooks.effects.post_here(n).channels.channel.action.post.add.sent)'),
    [NOW, NOW + 1],
  );
});

test('state: values are written as the contract says', async () => {
  const cases: [string, unknown][] = [
    ['undefined', null],
    ['{a: undefined, b: () => 1, c: Symbol()}', { a: null, b: null, c: null }],
    ['[1, , undefined]', [1, null, null]],
    ['[NaN, Infinity, -0, 1e300]', [null, null, 0, 1e300]],
    ['{big: 170141184507313431682019536779450777600n}', { big: '170141184507313431682019536779450777600' }],
    ['[new Date(), new Map([[1, 2]]), new Set([1])]', [{}, {}, {}]],
    ['{toJSON() { return 1 }, x: 1}', { toJSON: null, x: 1 }],
    ['{length: 2, 0: "a"}', { 0: 'a', length: 2 }],
    ['"it\'s \\"quoted\\" \\\\ \\n \\u2028 😀 \\ud800"', 'it\'s "quoted" \\ \n \u2028 😀 \ud800'],
    ['Object.create({inherited: 1})', {}],
  ];
  for (const [value, expected] of cases) {
    const outcome = await run(`hooks.set_state(${value}); hooks.print(JSON.stringify(hooks.get_state()))`);
    assert.deepEqual(outcome.state, expected, value);
    assert.deepEqual(JSON.parse(outcome.prints[0] ?? ''), expected, value);
  }
  assert.match(await messageOf('const a = {}; a.a = a; hooks.set_state(a)'), /threw: RangeError: .*cyclic/);
  assert.match(await messageOf('hooks.set_state("x".repeat(1024 * 1024))'), /threw: Error: the state is larger than/);
});

test('state is null first, a fresh copy at each call, and the given value when it is not set', async () => {
  assert.equal(await evaluated('hooks.get_state()'), null);
  const state = { list: [1] };
  const outcome = await run('hooks.get_state().list.push(2); hooks.print(hooks.get_state().list.length)', { state });
  assert.equal(outcome.prints[0], '1');
  assert.equal(outcome.state, state);
});

test('the bowl shows where the hook runs, and cannot be changed', async () => {
  const config = { emoji: ':x:', deep: { a: [1] } };
  assert.deepEqual(await evaluated('hooks.bowl', { config }), {
    nest: 'chat/~zod/lounge',
    group: '~zod/club',
    our: '~zod',
    src: '~sampel-palnet',
    now: NOW,
    config,
    hook: { id: '0v2.v7ae1', name: 'test' },
  });
  const code = 'hooks.bowl.config.deep.a.push(1)';
  assert.match(await messageOf(`hooks.bowl.config.x = 1; ${code}`), /config|undefined|object/);
  assert.deepEqual(await evaluated('(hooks.bowl.now = 5, hooks.bowl.our = 1, hooks.bowl.now)'), NOW);
});

test('console and print write the same lines', async () => {
  const outcome = await run(
    'console.log("a", 1, {b: [2]}, null); console.error("e"); console.warn(); console.info(Symbol("s")); hooks.print({}); hooks.print("x", "y")',
  );
  assert.deepEqual(outcome.prints, ['a 1 {"b":[2]} null', 'e', '', 'Symbol(s)', '[object Object]', 'x']);
});

test('a run that fails keeps what it printed', async () => {
  const outcome = await run('hooks.print("before"); null.x');
  assert.deepEqual(outcome.prints, ['before']);
});

test('handles of values are numbers, equal values share one, and none lead elsewhere', async () => {
  assert.deepEqual(
    await evaluated(
      '[hooks.object_to_noun({a: 1}), hooks.object_to_noun([2]), hooks.object_to_noun({a: 1}), hooks.noun_to_object(2), hooks.noun_to_object(0), hooks.noun_to_object(9), hooks.noun_to_object("1")]',
    ),
    [1, 2, 1, [2], null, null, null],
  );
});

test('data of a wait comes back on wake as it went in, a handle as a handle', async () => {
  const wait = (data: string) => `effects.push({wait: {id: 1, data: ${data}, "fires-at": ${NOW}}})`;
  const plain = await run(wait('{text: "x"}'));
  assert.deepEqual(plain.effects, [{ wait: { id: 1, data: { text: 'x' }, 'fires-at': NOW } }]);
  const number = await run(wait('1'));
  assert.deepEqual(number.effects, [{ wait: { id: 1, data: 1, 'fires-at': NOW } }]);
  const handle = await run(wait('hooks.object_to_noun({text: "x"})'));
  assert.deepEqual(handle.effects, [{ wait: { id: 1, data: { text: 'x' }, 'fires-at': NOW, noun: true } }]);
  const wake = { wake: { id: 1, data: { text: 'x' }, 'fires-at': NOW, noun: true } } as Event;
  const woken = await run('hooks.print(JSON.stringify([event.wake, hooks.noun_to_object(event.wake.data)]))', {}, wake);
  assert.deepEqual(JSON.parse(woken.prints[0] ?? ''), [{ id: 1, data: 1, 'fires-at': NOW }, { text: 'x' }]);
});

const post = (n: number) => {
  const { add } = (eventNamed('post-add') as { 'on-post': { add: { seal: object } } })['on-post'];
  return { ...add, seal: { ...add.seal, id: String(n) } } as never;
};

test('messages are an array like any other, filled as it is looked at', async () => {
  const pages: [number, number][] = [];
  const posts = () => ({
    length: 1000,
    page: async (start: number, end: number) => {
      pages.push([start, end]);
      return Array.from({ length: end - start }, (_, index) => post(start + index));
    },
  });
  const around = { channel: { nest: 'chat/~zod/lounge', posts } };
  const code = `(() => { const posts = hooks.get_chat_messages_here();
    return [Array.isArray(posts), posts.length, posts.slice(-2).map((p) => p.seal.id), posts.at(-1).seal.id, posts[3].seal.id, 5 in posts, posts[1000]] })()`;
  assert.deepEqual(await evaluated(code, around), [true, 1000, ['998', '999'], '999', '3', true, null]);
  assert.deepEqual(pages, [
    [998, 1000],
    [3, 67],
  ]);
  const all = `(() => { const posts = hooks.get_chat_messages_here(); const ids = posts.filter((p) => p.seal.id % 2).map((p) => +p.seal.id);
    posts.reverse(); posts.push(1); posts.length -= 999;
    return [ids.length, ids.at(-1), posts.length, posts[0].seal.id, JSON.stringify(posts).length > 100, Object.keys(posts).length] })()`;
  assert.deepEqual(await evaluated(all, around), [500, 999, 2, '999', true, 2]);
});

test('messages are all there when the host gives fewer than were asked for', async () => {
  for (const length of [10, 500]) {
    const page = async (start: number, end: number, from: 'start' | 'end') => {
      const count = Math.min(end - start, 3);
      return Array.from({ length: count }, (_, index) => post((from === 'end' ? end - count : start) + index));
    };
    const around = { channel: { nest: 'chat/~zod/lounge', posts: () => ({ length, page }) } };
    const walks = [
      'posts',
      'posts.reduceRight((all, p) => [...all, p], []).reverse()',
      '[...posts.reverse()].reverse()',
    ];
    for (const walk of walks) {
      const code = `((posts) => [posts[5].seal.id, ${walk}.every((p, n) => p.seal.id == n), posts.length])(hooks.get_chat_messages_here())`;
      assert.deepEqual(await evaluated(code, around), ['5', true, length]);
    }
  }
});

test('what a script does not ask for is not fetched', async () => {
  const never = () => assert.fail('was fetched');
  const outcome = await run('hooks.print("x")', {
    channel: { nest: 'chat/~zod/lounge', posts: never as never },
    group: { flag: group.flag, fleet: never as never },
  });
  assert.equal(outcome.outcome, 'allowed');
});

test('surroundings that cannot be had fail the run, and not the next one', async () => {
  const posts = (() => Promise.reject(new Error('secret'))) as never;
  const outcome = await run('hooks.get_chat_messages_here()', { channel: { nest: 'chat/~zod/lounge', posts } });
  assert.equal(outcome.outcome === 'failed' && outcome.message, 'Error: the host could not answer');
  assert.deepEqual(await evaluated('hooks.get_chat_messages_here()'), []);
});

test('time that the host takes to answer does not count against the script', async () => {
  const posts = (() => {
    const since = performance.now();
    while (performance.now() - since < 40);
    return [post(1)];
  }) as never;
  await using hook = await buildHook(scriptOf('hooks.print(hooks.get_chat_messages_here().length)'), { sandbox });
  const channel = { nest: 'chat/~zod/lounge', posts };
  const outcome = await hook.run({ event: eventNamed('cron'), bowl: { ...bowl, channel }, deadlineMs: 30 });
  assert.deepEqual(outcome.prints, ['1'], JSON.stringify(outcome));
});
