// What hooks change in events, and what of the channel they see, as others read it afterwards.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { lastFirst } from '../../../test/support/wait.ts';
import { withDots } from '../../community/schema/id.ts';
import type { ActionReply } from '../../community/types/channels.ts';
import type { Essay } from '../../community/types/posts.ts';
import { BUD, createWorld, essay, FES, FLAG, HOST, NEC, onPost, textOf } from '../test-support/hosting-world.ts';

const world = await createWorld(lastFirst({ after }));
const { hook, post, posts, texts, postOf, channel, does, refused, settled, rows, manage, clock } = world;

const script = (body: string): string => `
  const { get_state, set_state, effects, get_members_here, get_chat_messages_here, get_roles, bowl } = require('tlon_hooks');
  module.exports = (event) => { ${body} };`;
const memo = (text: string, author: string) => ({ content: [{ inline: [text] }], author, sent: 1 });
const onReply = (nest: string, id: string, action: ActionReply) => onPost(nest, { reply: { id, action } });
/** A hook that runs on the channel from now on; answers how to read its state. */
const running = async (nest: string, body: string, config?: object) => {
  const id = await hook(script(body), nest);
  if (config) await manage({ config: { id, nest, config } });
  return async () =>
    (
      await rows('select state from script_states s join script_orders o on o.hooks[1] = s.hook where nest = $1', [
        nest,
      ])
    )[0]?.state;
};
const PASSES = 'return { event: { allowed: event } };';

describe('a hook may change', () => {
  it('all of a new post but its id', async () => {
    const nest = await channel('chat', 'new-post');
    await running(
      nest,
      `const post = event['on-post'].add;
       post.essay = { content: [{ inline: ['else'] }], author: '${BUD}', sent: 7, 'kind-data': { chat: { notice: null } } };
       post.seal.id = '5';
       post.seal.reacts = { '${FES}': { revision: '0', react: ':heart:' } };
       post.seal.replies = { '6.000': { id: '6000', reacts: {}, revision: '0', content: [], author: '${FES}', sent: 1 } };
       ${PASSES}`,
    );
    const id = await post('hello', NEC, nest);
    assert.notEqual(id, '5');
    const { seal, essay: kept } = await postOf(id, nest);
    assert.deepEqual(kept, {
      ...{ content: [{ inline: ['else'] }], author: BUD, sent: 7, 'kind-data': { chat: { notice: null } } },
    });
    assert.deepEqual([seal.id, seal.reacts], [id, { [FES]: { revision: '0', react: ':heart:' } }]);
    assert.deepEqual(Object.keys(seal.replies), ['6.000']);
  });

  it('the essay of an edit, and the memo of one, and nothing of what was there', async () => {
    const nest = await channel('chat', 'edits');
    const id = await post('one', NEC, nest);
    const reply = await does(onReply(nest, id, { add: memo('two', NEC) }), NEC);
    await running(
      nest,
      `const edit = event['on-post']?.edit ?? event['on-reply']?.edit;
       const original = edit.original;
       if (edit.essay) { edit.essay.content = [{ inline: ['changed'] }]; original.seal.reacts = { '${FES}': { revision: '0', react: 'x' } }; }
       else { edit.memo.content = [{ inline: ['changed'] }]; original.author = '${FES}'; edit.parent.essay.content = []; }
       ${PASSES}`,
    );
    await does(onPost(nest, { edit: { id, essay: essay('edited', NEC) } }), NEC);
    await does(onReply(nest, id, { edit: { id: reply, memo: memo('edited', NEC) } }), NEC);
    const found = await postOf(id, nest);
    const [kept] = Object.values(found.seal.replies);
    assert.deepEqual([textOf(found), found.revision, found.seal.reacts], ['changed', '1', {}]);
    assert.deepEqual([kept?.content, kept?.author, kept?.revision], [[{ inline: ['changed'] }], NEC, '1']);
  });

  it('a new reply but not its id, and nothing of its post', async () => {
    const nest = await channel('chat', 'new-reply');
    const id = await post('one', NEC, nest);
    await running(
      nest,
      `const { parent, reply } = event['on-reply'].add;
       reply.author = '${BUD}'; reply.content = [{ inline: ['else'] }]; reply.id = '9'; parent.essay.content = [];
       ${PASSES}`,
    );
    const reply = await does(onReply(nest, id, { add: memo('two', FES) }), FES);
    const found = await postOf(id, nest);
    const [kept] = Object.values(found.seal.replies);
    assert.deepEqual([textOf(found), kept?.id, kept?.author], ['one', reply, BUD]);
  });

  it('a reaction into another one, into its withdrawal, and a withdrawal into one', async () => {
    const nest = await channel('chat', 'reactions');
    const id = await post('one', NEC, nest);
    const reply = await does(onReply(nest, id, { add: memo('two', NEC) }), NEC);
    const state = await running(
      nest,
      `const react = event['on-post']?.react ?? event['on-reply']?.react;
       set_state([...(get_state() ?? []), react.react]);
       if (react.react === ':wave:') react.react = ':heart:';
       else react.react = react.react === null ? ':back:' : null;
       ${PASSES}`,
    );
    const reacts = async () => {
      const { seal } = await postOf(id, nest);
      return [seal.reacts[NEC]?.react, seal.replies[withDots(reply)]?.reacts[NEC]?.react];
    };
    const both = async (react: string | null) => {
      const action = (of: string) =>
        react === null ? { 'del-react': { id: of, ship: NEC } } : { 'add-react': { id: of, ship: NEC, react } };
      await does(onPost(nest, action(id)), NEC);
      await does(onReply(nest, id, action(reply)), NEC);
    };
    await both(':wave:');
    assert.deepEqual(await reacts(), [':heart:', ':heart:']);
    await both(':no:');
    assert.deepEqual(await reacts(), [null, null]);
    await both(null);
    assert.deepEqual(await reacts(), [':back:', ':back:']);
    assert.deepEqual(await state(), [':wave:', ':wave:', ':no:', ':no:', null, null]);
    await running(nest, `event['on-post'].react.ship = '${FES}'; ${PASSES}`);
    assert.match(await refused(onPost(nest, { 'add-react': { id, ship: NEC, react: ':wave:' } }), NEC), /own name/);
    await does(onPost(nest, { 'add-react': { id, ship: HOST, react: ':wave:' } }));
    assert.equal((await postOf(id, nest)).seal.reacts[FES]?.react, ':heart:', 'the host reacts as anybody');
  });

  it('nothing of a deletion', async () => {
    const nest = await channel('chat', 'deletions');
    const [id, other] = [await post('one', NEC, nest), await post('two', NEC, nest)];
    await running(nest, `event['on-post'].del.seal.id = '${other}'; ${PASSES}`);
    await does(onPost(nest, { del: id }), NEC);
    assert.deepEqual(await texts(nest), ['two']);
  });
});

describe('texts', () => {
  const texts = [
    'don\'t "quote"',
    'back\\slash',
    'two\nlines\r\n\t',
    '👩‍👩‍👧 ünïcode \u2028',
    '</script> `${x}`',
    '\u0000 nul',
  ];

  it('of every kind pass hooks, posts and states as they are', async () => {
    const nest = await channel('chat', 'texts');
    const state = await running(
      nest,
      `const post = event['on-post'].add; set_state([...(get_state() ?? []), post.essay.content]);
       post.essay.sent += 1; ${PASSES}`,
    );
    for (const text of texts) {
      const id = await post(text, NEC, nest);
      assert.equal(textOf(await postOf(id, nest)), text);
    }
    assert.deepEqual(
      (await state()).map(([{ inline }]: [{ inline: string[] }]) => inline[0]),
      texts,
    );
  });

  it('of kinds that nobody knows pass, too, also where the hook changes something else', async () => {
    const nest = await channel('chat', 'unknown-kinds');
    await running(nest, `event['on-post'].add.essay.sent = 9; ${PASSES}`);
    const content = [
      { inline: [{ sect: 'vip' }, { 'inline-code': 'a=1' }] },
      { block: { link: { url: 'https://a', meta: {} } } },
    ];
    const essayOf = { ...essay('', NEC), content, blob: 'kept', meta: { title: 'kept' } } as unknown as Essay;
    const id = await does(onPost(nest, { add: essayOf }), NEC);
    assert.deepEqual((await postOf(id, nest)).essay, { ...essayOf, sent: 9 });
  });
});

describe('a hook sees', () => {
  it('the channel as it was before the event, and itself, its channel, its config and who acts', async () => {
    const nest = await channel('diary', 'bowl');
    const first = await post('first', NEC, nest);
    const state = await running(
      nest,
      `set_state([get_chat_messages_here().map((post) => post.seal.id), get_members_here().sort(), get_roles('${HOST}'), Date.now(), bowl]);
       ${PASSES}`,
      { emoji: ':wave:', n: 3 },
    );
    await post('second', NEC, nest);
    const [ids, members, roles, now, bowl] = await state();
    assert.deepEqual([ids, members, roles, now], [[first], [BUD, FES, NEC, HOST], ['admin'], clock.now()]);
    const { id, name } = bowl.hook;
    assert.ok(id.startsWith('0v') && name === 'a-hook');
    assert.deepEqual(bowl, {
      ...{ nest, group: FLAG, our: HOST, src: NEC, now: clock.now(), config: { emoji: ':wave:', n: 3 } },
      hook: { id, name },
    });
  });

  it('one state in all its channels, and the config of each', async () => {
    const [one, two] = [await channel('chat', 'shared-one'), await channel('chat', 'shared-two')];
    const src = script(`set_state([...(get_state() ?? []), bowl.config.name ?? null]); ${PASSES}`);
    const id = await hook(src, one);
    await manage({ order: { nest: two, seq: [id] } });
    await manage({ config: { id, nest: one, config: { name: 'one' } } });
    await post('x', NEC, one);
    await post('x', NEC, two);
    const state = async () =>
      (
        await rows('select s.state from script_states s join script_orders o on o.hooks[1] = s.hook where nest = $1', [
          two,
        ])
      )[0].state;
    assert.deepEqual(await state(), ['one', null]);
    await manage({ edit: { id, name: 'edited', src: `${src}// edited`, meta: null } });
    await post('x', NEC, one);
    assert.deepEqual(await state(), ['one', null, 'one'], 'an edit keeps it');
    await manage({ order: { nest: one, seq: [] } });
    await post('x', NEC, one);
    assert.equal((await state()).length, 3, 'without a place it does not run');
  });
});

describe('the ids of an event', () => {
  it('name its post and its reply in effects as they are', async () => {
    const nest = await channel('chat', 'ids');
    await running(
      nest,
      `const act = (post) => ({ channels: { channel: { nest: bowl.nest, action: { post } } } });
       const react = { ship: '${BUD}', react: ':eyes:' };
       const post = event['on-post']?.add;
       const added = event['on-reply']?.add;
       const memo = { content: [{ inline: ['seen'] }], author: '${HOST}', sent: 1 };
       const all = post
         ? [act({ 'add-react': { id: post.seal.id, ...react } }), act({ reply: { id: post.seal.id, action: { add: memo } } })]
         : added && added.reply.author === '${NEC}'
           ? [act({ reply: { id: added.parent.seal.id, action: { 'add-react': { id: added.reply.id, ...react } } } }),
              ...Object.keys(added.parent.seal.replies).map((id) => act({ reply: { id: added.parent.seal.id, action: { del: id } } }))]
           : [];
       return { event: { allowed: event }, effects: all };`,
    );
    const id = await post('hello', NEC, nest);
    await settled();
    const [seen] = Object.keys((await postOf(id, nest)).seal.replies);
    assert.equal((await postOf(id, nest)).seal.reacts[BUD]?.react, ':eyes:');
    const reply = await does(onReply(nest, id, { add: memo('thanks', NEC) }), NEC);
    await settled();
    const { replies } = (await postOf(id, nest)).seal;
    assert.equal(replies[withDots(reply)]?.reacts[BUD]?.react, ':eyes:');
    assert.equal(replies[seen as string], null);
  });

  it('stand with ships in any spelling', async () => {
    const nest = await channel('chat', 'spellings');
    await running(
      nest,
      `if (bowl.src === '${HOST}') ${PASSES}
       const act = (post) => ({ channels: { channel: { nest: bowl.nest, action: { post } } } });
       const essay = (author) => ({ content: [{ inline: ['as ' + author] }], author, sent: 1.9, 'kind-data': { chat: null } });
       return { event: { allowed: event }, effects: [1, 'nec', '"~nec"', 256].map((author) => act({ add: essay(author) })) };`,
    );
    await post('hello', NEC, nest);
    await settled();
    assert.deepEqual(
      (await posts(nest)).slice(1, 5).map((one) => [one.essay.author, one.essay.sent]),
      [
        ['~nec', 1],
        ['~nec', 1],
        ['~nec', 1],
        ['~marzod', 1],
      ],
    );
  });
});
