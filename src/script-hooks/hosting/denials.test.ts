// What hooks refuse and what they fail at, as those who act in a channel meet it.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { eventually, lastFirst } from '../../../test/support/wait.ts';
import type { ActionPost } from '../../community/types/channels.ts';
import { createWorld, essay, FES, HOST, LETS_PASS, NEC, onPost, textOf } from '../test-support/hosting-world.ts';

const world = await createWorld(lastFirst({ after }));
const { act, hook, post, texts, postOf, channel, does, refused, settled, rows, manage } = world;

const memo = (text: string, author: string = NEC) => ({ content: [{ inline: [text] }], author, sent: 1 });
const inReply = (id: string, action: Extract<ActionPost, { reply: unknown }>['reply']['action']): ActionPost => ({
  reply: { id, action },
});
/** A channel with a post and a reply of nec, both with a reaction of it. */
const withThread = async (name: string) => {
  const nest = await channel('chat', name);
  const id = await post('a post', NEC, nest);
  const reply = await does(onPost(nest, inReply(id, { add: memo('a reply') })), NEC);
  const reaction = { ship: NEC, react: ':heart:' };
  await does(onPost(nest, { 'add-react': { id, ...reaction } }), NEC);
  await does(onPost(nest, inReply(id, { 'add-react': { id: reply, ...reaction } })), NEC);
  return { nest, id, reply };
};
/**
 * Everything that can be done to posts and replies, and what is said when a hook denies it without
 * a reason.
 */
const actions = (id: string, reply: string): readonly [string, ActionPost][] => [
  ['post blocked', { add: essay('another', NEC) }],
  ['edit blocked', { edit: { id, essay: essay('edited', NEC) } }],
  ['react action blocked', { 'add-react': { id, ship: NEC, react: ':wave:' } }],
  ['react action blocked', { 'del-react': { id, ship: NEC } }],
  ['reply blocked', inReply(id, { add: memo('another') })],
  ['edit blocked', inReply(id, { edit: { id: reply, memo: memo('edited') } })],
  ['react action blocked', inReply(id, { 'add-react': { id: reply, ship: NEC, react: ':wave:' } })],
  ['react action blocked', inReply(id, { 'del-react': { id: reply, ship: NEC } })],
  ['delete blocked', inReply(id, { del: reply })],
  ['delete blocked', { del: id }],
];
const stateOf = async (id: string) =>
  (await rows(`select state from script_states s join script_hooks h on h.id = s.hook where h.name = $1`, [id]))[0]
    .state;
const named = async (name: string, src: string, nest: string) => {
  const id = await hook(src, nest);
  await manage({ edit: { id, name, src: null, meta: null } });
};
const runsOf = (nest: string) =>
  rows('select event_kind, outcome, reason, result, src from script_runs where origin = $1 order by id', [nest]);

describe('a denial', () => {
  it('of every action reaches whoever acts, leaves no trace, and keeps state and effects', async () => {
    const { nest, id, reply } = await withThread('denied');
    await named(
      'denies',
      `const { get_state, set_state, effects } = require('tlon_hooks');
       module.exports = (event) => {
         if (event['on-post']?.add?.essay.author === '${HOST}') return { event: { allowed: event } };
         set_state((get_state() ?? 0) + 1);
         return { event: { denied: null }, effects: [effects.post_here('denied')] };
       };`,
      nest,
    );
    const before = await postOf(id, nest);
    const all = actions(id, reply);
    for (const [text, action] of all) {
      const result = await act(onPost(nest, action), NEC);
      assert.deepEqual(result, { kind: 'denied', reason: text }, JSON.stringify(action));
    }
    await settled();
    assert.deepEqual(await postOf(id, nest), before);
    assert.deepEqual(await texts(nest), ['a post', ...all.map(() => 'denied')]);
    assert.equal(await stateOf('denies'), all.length);
  });

  it('gives its own reason, and no later hook runs', async () => {
    const nest = await channel('chat', 'reasons');
    await hook(`module.exports = () => ({ event: { denied: 'no "cats", don\\'t' }, effects: [null] });`, nest);
    await named('later', `require('tlon_hooks').set_state('ran'); module.exports = ${LETS_PASS.slice(17)}`, nest);
    assert.equal(await refused(onPost(nest, { add: essay('cats', NEC) }), NEC), 'no "cats", don\'t');
    assert.equal(await stateOf('later'), null);
    const [run, ...more] = await runsOf(nest);
    assert.deepEqual([run.outcome, run.reason, run.src, more], ['denied', 'no "cats", don\'t', NEC, []]);
  });
});

describe('a run that fails', () => {
  const failures: readonly [string, string][] = [
    ['threw', `set_state('lost'); event['on-post'].add.essay.content = []; throw new TypeError('oops');`],
    ['deadline', 'for (;;) {}'],
    ['memory', `set_state('lost'); 'x'.repeat(2 ** 26).split('');`],
    ['malformed', 'return 5;'],
    ['malformed', `return { event: { allowed: { cron: null } }, effects: [effects.post_here('x')] };`],
    ['malformed', `return { event: {}, effects: [effects.post_here('x')] };`],
  ];

  it('is skipped: the event passes as it was, without its effects, and the ledger says why', async () => {
    for (const [index, [kind, body]] of failures.entries()) {
      const nest = await channel('chat', `fails-${index}`);
      const src = `const { set_state, effects } = require('tlon_hooks'); module.exports = (event) => { ${body} };`;
      await named(`fails-${index}`, src, nest);
      await hook(
        `module.exports = (event) => { event['on-post'].add.essay.content.push({ inline: ['!'] });
           return { event: { allowed: event } }; };`,
        nest,
      );
      await post('passes', NEC, nest);
      await settled();
      assert.deepEqual(await texts(nest), ['passes!'], body);
      assert.equal(await stateOf(`fails-${index}`), null);
      const [failed, next] = await runsOf(nest);
      const outcome = kind === 'deadline' || kind === 'memory' ? 'limited' : 'failed';
      assert.deepEqual([failed.outcome, failed.result.failure.kind, next.outcome], [outcome, kind, 'allowed'], body);
      assert.ok(failed.reason.length > 0 && 'event' in next.result);
    }
  });

  it('denies the event, where the hook is to be trusted only when it runs', async () => {
    const nest = await channel('chat', 'closed');
    const id = await hook(`module.exports = () => { throw new Error('oops'); };`, nest);
    await world.library.setOnError(id, 'deny');
    assert.match(await refused(onPost(nest, { add: essay('x', NEC) }), NEC), /The hook "a-hook" failed/);
    await world.library.setOnError(id, 'allow');
    await post('x', NEC, nest);
    assert.deepEqual(await texts(nest), ['x']);
  });

  it('does not take place where the source has never compiled or the hook is disabled, and the ledger says so', async () => {
    const nest = await channel('chat', 'uncompiled');
    await hook('module.exports = (', nest);
    const id = await hook(`module.exports = () => ({ event: { denied: 'no' } });`, nest);
    await world.library.disable(id, 'until Monday');
    await post('x', NEC, nest);
    assert.deepEqual(await texts(nest), ['x']);
    const skipped = await runsOf(nest);
    assert.deepEqual(
      skipped.map(({ outcome }) => outcome),
      ['skipped', 'skipped'],
    );
    assert.match(skipped[0].reason, /^its source does not compile: SyntaxError/);
    assert.equal(skipped[1].reason, 'until Monday');
  });

  it('again and again, as one that has to be stopped, ends in a stopped hook, which can be enabled', async () => {
    const nest = await channel('chat', 'stopped');
    const id = await hook(
      `module.exports = (event) => {
        if (event['on-post'].add.essay.content[0].inline[0] === 'hang') for (;;);
        return { event: { allowed: event } };
      };`,
      nest,
    );
    for (const onError of ['deny', 'allow'] as const) {
      await world.library.setOnError(id, onError);
      const hang = onPost(nest, { add: essay('hang', NEC) });
      const reasonOf = async () => (await world.library.hookOf(id))?.disabledReason ?? undefined;
      await eventually('it is stopped', async () => {
        await world.act(hang, NEC);
        return reasonOf();
      });
      const result = await world.act(onPost(nest, { add: essay('fine', NEC) }), NEC);
      assert.equal(result.kind, onError === 'deny' ? 'denied' : 'done');
      await world.library.enable(id);
      assert.equal(await reasonOf(), undefined);
      await post('runs again', NEC, nest);
      assert.equal((await runsOf(nest)).at(-1).outcome, 'allowed');
    }
  });
});

describe('what is refused before hooks run', () => {
  it('is what the sender may not do: no hook sees it', async () => {
    const { nest, id, reply } = await withThread('forbidden');
    await hook(`module.exports = () => { throw new Error('it ran'); };`, nest);
    const forbidden: readonly [string, ActionPost][] = [
      [FES, { add: essay('x', NEC) }],
      [FES, { add: essay('x', FES, 1, 'diary') }],
      [FES, { edit: { id, essay: essay('x', FES) } }],
      [FES, { del: id }],
      [FES, inReply(id, { add: memo('x', NEC) })],
      [HOST, inReply(id, { add: memo('x', NEC) })],
      [HOST, inReply(id, { edit: { id: reply, memo: memo('x', HOST) } })],
      [FES, inReply(id, { edit: { id: reply, memo: memo('x', FES) } })],
      [FES, inReply(id, { del: reply })],
      ['~marzod', { 'add-react': { id, ship: '~marzod', react: 'x' } }],
      [NEC, { add: essay('x'.repeat(256_000), NEC) }],
    ];
    const before = await postOf(id, nest);
    for (const [actor, action] of forbidden) await refused(onPost(nest, action), actor);
    assert.deepEqual([await postOf(id, nest), await runsOf(nest)], [before, []]);
    await does({ channels: { channel: { nest, action: { 'add-writers': ['admin'] } } } });
    for (const [, action] of actions(id, reply))
      assert.match(await refused(onPost(nest, action), NEC), /may not write/);
    assert.deepEqual(await runsOf(nest), []);
  });

  it('is nothing where a post or reply is missing or deleted: nothing happens, without a word', async () => {
    const { nest, id, reply } = await withThread('missing');
    await does(onPost(nest, inReply(id, { del: reply })), NEC);
    await hook(`module.exports = () => ({ event: { denied: 'it ran' } });`, nest);
    for (const [, action] of [...actions('5', '6').slice(1), ...actions(id, reply).slice(5, -1)]) {
      assert.deepEqual(await act(onPost(nest, action), NEC), { kind: 'done' }, JSON.stringify(action));
    }
    assert.deepEqual(await runsOf(nest), []);
    assert.deepEqual(await texts(nest), ['a post']);
  });

  it('does not include a reaction that is there already: hooks see it, and it changes nothing', async () => {
    const { nest, id } = await withThread('again');
    await hook(LETS_PASS, nest);
    const before = await postOf(id, nest);
    await does(onPost(nest, { 'add-react': { id, ship: NEC, react: ':heart:' } }), NEC);
    assert.deepEqual([(await runsOf(nest)).length, await postOf(id, nest)], [1, before]);
    assert.equal(textOf(before), 'a post');
  });
});
