// What script hooks do in the turns of channels, seen through the actions of users.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { lastFirst } from '../../../test/support/wait.ts';
import { readMessages } from '../../community/chat/message-store.ts';
import {
  BUD,
  createWorld,
  essay,
  FES,
  HOST,
  LOUNGE,
  NEC,
  onPost,
  plain,
  textOf,
} from '../test-support/hosting-world.ts';

const world = await createWorld(lastFirst({ after }));
const { act, hook, post, posts, texts, postOf, channel, does, refused, settled } = world;

const script = (body: string): string => `
  const { get_state, set_state, effects, ship_normalize } = require('tlon_hooks');
  module.exports = (event) => { ${body} };`;
const allow = '{ event: { allowed: event }, effects: [] }';

describe('a channel', () => {
  it('without hooks takes what its members write, in order', async () => {
    const nest = await channel('chat', 'plain');
    await post('one', NEC, nest);
    await post('two', FES, nest);
    assert.deepEqual(await texts(nest), ['one', 'two']);
  });

  it('gives each hook the event that the one before it returned', async () => {
    const nest = await channel('chat', 'order');
    for (const letter of ['a', 'b']) {
      await hook(
        script(`const post = event['on-post'].add; post.essay.content = [{ inline: [post.essay.content[0].inline[0] + '${letter}'] }];
          return ${allow};`),
        nest,
      );
    }
    await hook(script('throw new Error("skipped")'), nest);
    await post('x', NEC, nest);
    assert.deepEqual(await texts(nest), ['xab']);
  });

  it('keeps what was denied out, and the states and effects of the hooks that ran', async () => {
    const nest = await channel('chat', 'denied');
    await hook(script(`set_state((get_state() ?? 0) + 1); return { event: { allowed: event }, effects: [] };`), nest);
    await hook(
      script(`if (event['on-post'].add.essay.author === '${HOST}') return ${allow};
        return { event: { denied: 'not today' }, effects: [null, effects.post_here('denied it')] };`),
      nest,
    );
    const later = await hook(script(`set_state('ran'); return ${allow};`), nest);
    assert.equal(await refused(onPost(nest, { add: essay('hello', NEC) }), NEC), 'not today');
    await settled();
    assert.deepEqual(await texts(nest), ['denied it']);
    const states = await world.rows(
      `select s.state from script_orders o cross join unnest(o.hooks) with ordinality as p (hook, n)
       join script_states s using (hook) where nest = $1 order by n`,
      [nest],
    );
    assert.deepEqual(
      states.map(({ state }) => state),
      [2, null, 'ran'],
    );
    assert.ok(later);
  });
});

describe('a reply', () => {
  it('runs hooks that keep their state and have their effects', async () => {
    const nest = await channel('chat', 'replies');
    await hook(
      script(`if (event['on-reply'] === undefined) return ${allow};
        set_state([...(get_state() ?? []), event['on-reply'].add.reply.author]);
        return { event: { allowed: event }, effects: [effects.post_here('replied')] };`),
      nest,
    );
    const id = await post('hello', NEC, nest);
    const memo = { content: [{ inline: ['me too'] }], author: FES, sent: 1 };
    const reply = await does(onPost(nest, { reply: { id, action: { add: memo } } }), FES);
    await settled();
    const kept = Object.values((await postOf(id, nest)).seal.replies);
    assert.deepEqual(
      kept.map((one) => [one?.id, one?.author]),
      [[reply, FES]],
    );
    assert.deepEqual(await texts(nest), ['hello', 'replied']);
  });
});

describe('effects', () => {
  it('that cause each other end at a depth of eight', async () => {
    const nest = await channel('chat', 'loop');
    await hook(script(`return { event: { allowed: event }, effects: [effects.post_here('again')] };`), nest);
    await post('start', NEC, nest);
    await settled();
    assert.equal((await posts(nest)).length, 9);
  });

  it('that cause many each end after so many as may come of one event, shared out evenly', async () => {
    const nest = await channel('chat', 'fan');
    const three = `[1, 2, 3].map((n) => effects.post_here(String(n)))`;
    await hook(script(`return { event: { allowed: event }, effects: ${three} };`), nest);
    await does(onPost(nest, { add: essay('start', NEC) }), { actor: NEC, effectsLeft: 20 });
    await settled();
    assert.equal((await posts(nest)).length, 1 + 3 + 9);
    const dropped = await world.rows(
      `select (result->'dropped')::text as dropped from script_runs where origin = $1 order by id desc limit 9`,
      [nest],
    );
    for (const row of dropped) assert.match(row.dropped, /beyond its share/);
    assert.equal(dropped.length, 9);
  });

  it('that cause more at once are part of the same chain', async () => {
    const nest = await channel('chat', 'fan-of-waits');
    const waits = `[1, 2, 3].map((n) => ({ wait: { id: String(Date.now()) + n, hook: null, data: null, 'fires-at': Date.now() } }))`;
    await hook(
      script(`return { event: { allowed: event }, effects: event.wake ? [effects.post_here('woken'), ...${waits}]
        : event['on-post'].add.essay.author === '${HOST}' ? [] : ${waits} };`),
      nest,
    );
    await does(onPost(nest, { add: essay('start', NEC) }), { actor: NEC, effectsLeft: 15 });
    for (let passed = 0; passed < 5; passed += 1) {
      await world.clock.advance(1);
      await settled();
    }
    assert.equal((await posts(nest)).length, 1 + 3);
  });

  it('of several hooks are done one after the other, in their order; the post is there before them', async () => {
    const nest = await channel('chat', 'in-order');
    const says = (...words: readonly string[]) =>
      script(`if (event['on-post'].add.essay.author === '${HOST}') return ${allow};
        return { event: { allowed: event }, effects: [${words.map((word) => `effects.post_here('${word}')`)}] };`);
    await hook(says('one', 'two'), nest);
    await hook(says('three'), nest);
    await post('go', NEC, nest);
    await settled();
    assert.deepEqual(await texts(nest), ['go', 'one', 'two', 'three']);
  });

  it('of two hooks, or of two posts of one moment, are messages of their own', async () => {
    const nest = await channel('chat', 'alerts');
    for (const word of ['one', 'two']) {
      await hook(
        script(`return { event: { allowed: event }, effects: [effects.send_dm('${BUD}', '${word}')] };`),
        nest,
      );
    }
    for (const text of ['x', 'y']) await post(text, NEC, nest);
    await settled();
    const messages = await readMessages(world.database, { owner: BUD, whom: HOST }, { limit: 10 });
    assert.deepEqual(
      messages.map(({ memo }) => plain(memo.content)),
      ['two', 'one', 'two', 'one'],
    );
  });

  it('between two channels that answer each other end, too, and the ledger says where', async () => {
    const [ping, pong] = [await channel('chat', 'ping'), await channel('chat', 'pong')];
    const answers = (to: string) =>
      script(`const essay = { ...event['on-post'].add.essay, author: '${HOST}' };
        return { event: { allowed: event }, effects: [{ channels: { channel: { nest: '${to}', action: { post: { add: essay } } } } }] };`);
    await hook(answers(pong), ping);
    await hook(answers(ping), pong);
    await post('ball', NEC, ping);
    await settled();
    assert.deepEqual([(await posts(ping)).length, (await posts(pong)).length], [5, 4]);
    const runs = await world.rows(
      'select depth, result from script_runs where origin = any($1) order by depth desc limit 1',
      [[ping, pong]],
    );
    assert.deepEqual([runs[0].depth, runs[0].result.dropped.length], [8, 1]);
    assert.match(runs[0].result.dropped[0].reason, /8 effects led to this one/);
  });
});

describe('hooks of two channels', () => {
  it('in opposite orders, with many posts at once, lose no change of their states', async () => {
    const [one, two] = [await channel('chat', 'left'), await channel('chat', 'right')];
    const count = script(`set_state((get_state() ?? 0) + 1); return ${allow};`);
    const first = await world.manage({ add: { name: 'first', src: count } });
    const second = await world.manage({ add: { name: 'second', src: count } });
    await world.manage({ order: { nest: one, seq: [first.id, second.id] } });
    await world.manage({ order: { nest: two, seq: [second.id, first.id] } });
    const all = Array.from({ length: 40 }, (_, index) => post(`${index}`, NEC, index % 2 === 0 ? one : two));
    await Promise.all(all);
    const states = await world.rows(
      `select state from script_states s join script_hooks h on h.id = s.hook where h.name in ('first', 'second')`,
    );
    assert.deepEqual(
      states.map(({ state }) => state),
      [40, 40],
    );
  });
});

describe('a reaction', () => {
  it('in the name of somebody else is seen by hooks, and undone with all that they did', async () => {
    const nest = await channel('chat', 'forged');
    const id = await post('hello', NEC, nest);
    await hook(script(`set_state(event['on-post'].react.ship); return ${allow};`), nest);
    const forged = onPost(nest, { 'add-react': { id, ship: BUD, react: ':heart:' } });
    assert.match(await refused(forged, NEC), /own name/);
    assert.deepEqual((await postOf(id, nest)).seal.reacts, {});
    const [{ state }] = await world.rows(
      'select s.state from script_orders o join script_states s on s.hook = o.hooks[1] where nest = $1',
      [nest],
    );
    assert.equal(state, null);
    await does(onPost(nest, { 'add-react': { id, ship: NEC, react: ':heart:' } }), NEC);
    assert.deepEqual((await postOf(id, nest)).seal.reacts, { [NEC]: { revision: '0', react: ':heart:' } });
  });
});

it('outsiders, and members who have not joined, post nothing', async () => {
  assert.match(await refused(onPost(LOUNGE, { add: essay('x', '~marzod') }), '~marzod'), /no channel/);
  const nest = await channel('chat', 'closed');
  await does({ channels: { channel: { nest, action: { leave: null } } } }, NEC);
  assert.match(await refused(onPost(nest, { add: essay('x', NEC) }), NEC), /not joined/);
  assert.deepEqual((await act(onPost(`chat/${HOST}/none`, { add: essay('x', NEC) }), NEC)).kind, 'refused');
  assert.deepEqual((await posts(nest)).map(textOf), []);
});

it('a hook that is edited while posts come runs for each of them, as it was or as it is', async () => {
  const nest = await channel('chat', 'edited');
  const counts = (mark: string) => script(`set_state([...(get_state() ?? []), '${mark}']); return ${allow};`);
  const id = await hook(counts('old'), nest);
  const posting = Array.from({ length: 30 }, (_, index) => post(`${index}`, NEC, nest));
  for (let edit = 0; edit < 5; edit += 1) {
    await world.manage({ edit: { id, name: null, meta: null, src: counts(`new${edit}`) } });
  }
  await Promise.all(posting);
  await post('last', NEC, nest);
  const [{ state }] = await world.rows(
    'select s.state from script_orders o join script_states s on s.hook = o.hooks[1] where nest = $1',
    [nest],
  );
  assert.equal(state.length, 31);
  assert.equal(state.at(-1), 'new4');
});

it('a hook that was deleted and comes back with a template runs what came back', async () => {
  const nest = await channel('chat', 'again');
  const says = (text: string) =>
    script(`event['on-post'].add.essay.content = [{ inline: ['${text}'] }]; return ${allow};`);
  const id = await hook(says('old'), nest);
  const template = await world.library.template(nest);
  await post('x', NEC, nest);
  await world.manage({ del: id });
  const changed = { ...template, hooks: { [id]: { ...template.hooks[id], src: says('new') } } };
  const acting = { actor: HOST, now: world.clock.now() };
  assert.ok('ids' in (await world.library.setUp(changed, nest, acting)));
  await post('x', NEC, nest);
  assert.deepEqual(await texts(nest), ['old', 'new']);
});
