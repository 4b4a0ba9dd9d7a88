// Channels through the clients that people have: what one writes another reads, and hears of.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { Urbit } from '@urbit/http-api';
import { idFromMillis, withDots } from '../../src/community/schema/id.ts';
import type { Cleanup } from '../support/database.ts';
import { send } from '../support/request.ts';
import { eventually, lastFirst } from '../support/wait.ts';
import { openLine } from './own-server.ts';
import {
  connectTlonApi,
  connectUrbit,
  NEEDS_TLON,
  pokeWith,
  type Ran,
  runTlon,
  serveAirlock,
  type TlonApi,
} from './support.ts';

const cleanup = lastFirst({ after });
const server = await serveAirlock(cleanup, ['~zod', '~nec', '~bud', '~fes']);
const { url, credentials } = server;

const post = async (path: string, body: unknown) => {
  const headers = { 'content-type': 'application/json' };
  const { status, text, json } = await send(url, path, {
    method: 'POST',
    credentials,
    headers,
    body: JSON.stringify(body),
  });
  assert.equal(status, 200, text);
  return json;
};
const act = (ship: string, action: unknown) => post(`/api/community/v1/ships/${ship}/act`, action);

const GROUP = '~zod/club';
const META = { title: 'T', description: '', image: '', cover: '' };
const MEMBERS = ['~zod', '~nec', '~bud'];
const create = {
  fleet: Object.fromEntries(MEMBERS.map((ship) => [ship, { sects: [], joined: 0 }])),
  ...{ cabals: {}, zones: {}, 'zone-ord': [], bloc: [], channels: {}, 'active-channels': [] },
  ...{ cordon: { open: { ships: [], ranks: [] } }, meta: META, secret: false, 'flagged-content': {} },
};
const onGroup = (diff: object) => ({ groups: { flag: GROUP, update: { diff } } });
await act('~zod', onGroup({ create }));
for (const ship of MEMBERS.slice(1)) await act(ship, onGroup({ fleet: { ships: [ship], diff: { add: null } } }));

/** A channel of its own, that the members have joined. */
const newChannel = async (name: string, kind = 'chat'): Promise<string> => {
  const words = { kind, name, group: GROUP, title: name, description: '', readers: [], writers: [] };
  await act('~zod', { channels: { create: words } });
  const nest = `${kind}/~zod/${name}`;
  for (const ship of MEMBERS) await act(ship, { channels: { channel: { nest, action: { join: GROUP } } } });
  return nest;
};

const tlon = async (t: Cleanup, ship: string, ...args: readonly string[]): Promise<string> => {
  const ran = await runTlon(t, server, ship, ...args);
  assert.equal(ran.status, 0, said(ran));
  return ran.stdout;
};
const said = ({ stdout, stderr }: Ran): string => `${stdout}\n${stderr}`;

// biome-ignore lint/suspicious/noExplicitAny: answers of the server are what the test says they are.
type Loose = any;

const scryPosts = (urbit: Urbit, nest: string, verb: string): Promise<Loose> =>
  urbit.scry({ app: 'channels', path: `/v5/${nest}/posts/${verb}` });
const newest = async (urbit: Urbit, nest: string): Promise<Loose> =>
  Object.values((await scryPosts(urbit, nest, 'newest/1/post')).posts)[0];
const inChannel = (urbit: Urbit, nest: string, action: unknown) =>
  pokeWith(urbit, 'channels', 'channel-action-2', { channel: { nest, action } });
const essayOf = (author: string, text: string) => ({
  ...{ content: [{ inline: [text] }], author, sent: 1_743_465_600_000 },
  ...{ kind: '/chat', meta: null, blob: null },
});

const PINGS = await newChannel('pings');

/** Posts where all are, until somebody hears of it. */
const untilHeard = (isHeard: () => boolean) =>
  eventually('it listens', async () => {
    const memo = { content: [{ inline: ['ping'] }], author: '~zod', sent: 1 };
    const action = { post: { add: { ...memo, 'kind-data': { chat: null } } } };
    await act('~zod', { channels: { channel: { nest: PINGS, action } } });
    return isHeard();
  });

/** What is told of one channel from now on; changes are told in order, so nothing comes late. */
const watch = async (urbit: Urbit, nest: string): Promise<readonly Loose[]> => {
  const facts: Loose[] = [];
  const pings: Loose[] = [];
  await urbit.subscribe({
    ...{ app: 'channels', path: '/v4' },
    event: (fact: Loose) => (fact.nest === PINGS ? pings : fact.nest === nest ? facts : []).push(fact.response),
  });
  await untilHeard(() => pings.length > 0);
  facts.length = 0;
  return facts;
};

/** All that the library tells its app of channels. */
const listen = async (api: TlonApi): Promise<readonly Loose[]> => {
  const heard = await api.listen('subscribeToChannelsUpdates');
  await untilHeard(() => heard.some(({ post: one }) => one?.channelId === PINGS));
  return heard;
};

describe('the tlon command', NEEDS_TLON, () => {
  it('sends, edits, answers, reacts to and deletes posts, and another ship reads that', async (t) => {
    const nest = await newChannel('by-command');
    const bud = await connectUrbit(t, server, '~bud');
    await tlon(
      t,
      '~nec',
      'posts',
      'send',
      nest,
      'hello *everybody*',
      '--blob',
      '[{"type":"x"}]',
      '--sent-at',
      '1743465600000',
    );
    const sent = await newest(bud, nest);
    const { id, seq } = sent.seal;
    assert.equal(seq, 1);
    assert.deepEqual(
      { ...sent.essay, blob: JSON.parse(sent.essay.blob) },
      {
        ...{ ...essayOf('~nec', ''), content: [{ inline: ['hello ', { italics: ['everybody'] }] }] },
        blob: [{ type: 'x' }],
      },
    );
    await tlon(t, '~nec', 'posts', 'edit', nest, withDots(id), 'hello again');
    assert.deepEqual((await newest(bud, nest)).essay.content, [{ inline: ['hello again'] }]);
    await tlon(t, '~bud', 'posts', 'reply', nest, withDots(id), 'an answer');
    await tlon(t, '~bud', 'posts', 'react', nest, withDots(id), '👍');
    const reply: Loose = Object.values((await newest(bud, nest)).seal.replies)[0];
    assert.deepEqual(reply['reply-essay'].content, [{ inline: ['an answer'] }]);
    await tlon(t, '~zod', 'posts', 'react', nest, withDots(reply.seal.id), '🔥', '--parent', withDots(id));
    const reacted = await newest(bud, nest);
    assert.deepEqual(reacted.seal.reacts, { '~bud': '👍' });
    assert.deepEqual((Object.values(reacted.seal.replies)[0] as Loose).seal.reacts, { '~zod': '🔥' });
    await tlon(t, '~zod', 'posts', 'unreact', nest, withDots(reply.seal.id), '--parent', withDots(id));
    await tlon(t, '~bud', 'posts', 'unreact', nest, withDots(id));
    const plain = await newest(bud, nest);
    assert.deepEqual(plain.seal.reacts, {});
    assert.deepEqual((Object.values(plain.seal.replies)[0] as Loose).seal.reacts, {});
    await tlon(t, '~nec', 'posts', 'delete', nest, withDots(id));
    const { 'deleted-at': deletedAt, ...tombstone } = await newest(bud, nest);
    assert.deepEqual(tombstone, { id, author: '~nec', seq: 1, type: 'tombstone' });
    assert.ok(deletedAt > 1_743_465_600_000);
  });

  it('shows messages, finds them, and shows what was there around one', async (t) => {
    const nest = await newChannel('read-by-command');
    const nec = await connectUrbit(t, server, '~nec');
    for (const text of ['first', 'second', 'Needle, in a haystack', 'fourth']) {
      await inChannel(nec, nest, { post: { add: essayOf('~nec', text) } });
    }
    const { posts } = await scryPosts(nec, nest, 'newest/10/post');
    const [, , third] = Object.keys(posts);
    await inChannel(nec, nest, {
      post: {
        reply: {
          id: third,
          action: { add: { content: [{ inline: ['a needle, too'] }], author: '~nec', sent: 5, blob: null } },
        },
      },
    });
    const history = await tlon(t, '~bud', 'messages', 'history', nest, '--limit', '3');
    for (const text of ['second', 'haystack', 'fourth']) assert.match(history, new RegExp(text));
    assert.doesNotMatch(history, /first/);
    assert.match(await tlon(t, '~bud', 'messages', 'channel', nest), /first/);
    const around = await tlon(t, '~bud', 'messages', 'context', nest, String(third), '--limit', '1');
    assert.match(around, /second.*haystack|haystack.*second/s);
    assert.match(await tlon(t, '~bud', 'messages', 'post', nest, String(third)), /a needle, too/);
    const found = await tlon(t, '~bud', 'messages', 'search', 'needle, in', '--channel', nest);
    assert.match(found, /haystack/);
    assert.doesNotMatch(found, /fourth/);
    assert.match(await tlon(t, '~bud', 'messages', 'search', 'needle', '--channel', nest), /a needle, too/);
    assert.match(said(await runTlon(t, server, '~fes', 'messages', 'channel', nest)), /No messages found/);
  });

  it('sends to galleries, with titles', async (t) => {
    const nest = await newChannel('gallery', 'heap');
    await tlon(t, '~nec', 'posts', 'send', nest, 'a picture', '--title', 'Sunset');
    const shown = await newest(await connectUrbit(t, server, '~bud'), nest);
    assert.deepEqual([shown.essay.kind, shown.essay.meta], ['/heap', { ...META, title: 'Sunset' }]);
  });

  it('makes channels, and says which roles write there', async (t) => {
    const made = await tlon(t, '~zod', 'channels', 'create', GROUP, 'Of the command', '--description', 'for all');
    const [nest = ''] = /chat\/~zod\/[a-z0-9-]+/.exec(made) ?? [];
    const nec = await connectUrbit(t, server, '~nec');
    await inChannel(nec, nest, { join: GROUP });
    const perm = () => nec.scry<Loose>({ app: 'channels', path: `/v5/${nest}/perm` });
    await tlon(t, '~zod', 'channels', 'add-writers', nest, 'admin', 'poet');
    assert.deepEqual(await perm(), { writers: ['admin', 'poet'], group: GROUP });
    const ran = await runTlon(t, server, '~nec', 'posts', 'send', nest, 'I may not');
    assert.match(said(ran), /You may not write in this channel/);
    await tlon(t, '~zod', 'channels', 'del-writers', nest, 'admin', 'poet');
    await tlon(t, '~nec', 'posts', 'send', nest, 'now I may');
    const refused = await runTlon(t, server, '~nec', 'channels', 'add-writers', nest, 'poet');
    assert.match(said(refused), /Only admins of the group change its channels/);
  });

  it('says why a post was not taken', async (t) => {
    const nest = await newChannel('of-members');
    await act('~nec', { channels: { channel: { nest, action: { leave: null } } } });
    const refusal = async (ship: string) => {
      const ran = await runTlon(t, server, ship, 'posts', 'send', nest, 'let me in');
      assert.equal(ran.status, 1);
      return said(ran);
    };
    assert.match(await refusal('~nec'), /You have not joined chat\/~zod\/of-members\./);
    assert.match(await refusal('~fes'), /There is no channel chat\/~zod\/of-members\./);
    await act('~zod', onGroup({ channel: { nest, diff: { del: null } } }));
    assert.match(await refusal('~nec'), /There is no channel chat\/~zod\/of-members\./);
  });
});

describe('@tloncorp/api', () => {
  it('reads what another client wrote, and the other hears what it writes', async (t) => {
    const nest = await newChannel('by-library');
    const [nec, bud] = [await connectTlonApi(t, server, '~nec'), await connectTlonApi(t, server, '~bud')];
    const heard = await listen(bud);
    const inText = (text: string) => [{ inline: [text] }];
    const from = { channelId: nest, authorId: '~nec', sentAt: 1_743_465_600_000 };
    await nec.call('sendPost', { ...from, content: inText('one'), botProfile: { nickname: 'B', avatar: '' } });
    const event = <T>(what: string, isIt: (event: Loose) => T | undefined | false) =>
      eventually(what, () => heard.map(isIt).find((found) => found !== undefined && found !== false));
    const added = await event('a post', ({ type, post: one }) => type === 'addPost' && one.channelId === nest && one);
    assert.deepEqual([added.authorId, added.isBot, added.sequenceNum, added.channelId], ['~nec', true, 1, nest]);
    await bud.call('addReaction', {
      ...{ channelId: nest, postId: added.id, emoji: '👍' },
      our: '~bud',
      postAuthor: '~nec',
    });
    await event('a reaction', ({ type, postId }) => type === 'updateReactions' && postId === added.id);
    const replying = { parentId: added.id, parentAuthor: '~nec', content: inText('re') };
    await nec.call('sendReply', { ...from, ...replying });
    const reply = await event(
      'a reply',
      ({ type, post: one }) => type === 'addPost' && one.parentId === added.id && one,
    );
    await nec.call('editPost', { ...from, postId: reply.id, parentId: added.id, content: inText('reply 2') });
    await event('an edited reply', ({ type, post: one }) => type === 'addPost' && /reply 2/.test(JSON.stringify(one)));
    await nec.call('editPost', { ...from, postId: added.id, content: inText('two') });
    const page = { channelId: nest, mode: 'newest', count: 10, includeReplies: true };
    const { posts } = await bud.call('getChannelPosts', page);
    assert.equal(posts.length, 1);
    assert.match(JSON.stringify(posts[0]), /two/);
    assert.equal(posts[0].replyCount, 1);
    assert.deepEqual(
      posts[0].reactions.map(({ contactId, value }: Loose) => [contactId, value]),
      [['~bud', '👍']],
    );
    const found = await bud.call('searchChannel', { channelId: nest, query: 'REPLY' });
    assert.deepEqual(
      found.posts.map(({ id }: Loose) => id),
      [reply.id],
    );
    const cited = await bud.call('getPostReference', { channelId: nest, postId: added.id });
    assert.deepEqual([cited.id, cited.authorId], [added.id, '~nec']);
    const asked = { channelId: nest, postId: added.id, replyId: reply.id };
    assert.match(JSON.stringify(await bud.call('getPostReference', asked)), /reply 2/);
    await nec.call('deletePost', nest, added.id, '~nec');
    const gone = await event('a deletion', ({ type, post: one }) => type === 'addPost' && one.isDeleted && one);
    assert.deepEqual([gone.id, gone.sequenceNum], [added.id, 1]);
    const range = await bud.call('getSequencedChannelPosts', { channelId: nest, start: 1, end: 1 });
    assert.deepEqual(
      range.posts.map(({ isDeleted }: Loose) => isDeleted),
      [true],
    );
  });

  it('hides posts, and shows them again', async (t) => {
    const nest = await newChannel('hidden');
    const nec = await connectTlonApi(t, server, '~nec');
    const heard = await listen(nec);
    const id = withDots(String(idFromMillis(1_743_465_600_000)));
    const shown = { id, channelId: nest, type: 'chat' };
    await nec.call('hidePost', shown);
    await eventually('it is hidden', () => heard.some(({ type }) => type === 'hidePost'));
    assert.equal((await nec.call('getHiddenPosts')).length, 1);
    await nec.call('showPost', shown);
    await eventually('it is shown', () => heard.some(({ type }) => type === 'showPost'));
    assert.deepEqual(await nec.call('getHiddenPosts'), []);
  });
});

describe('@urbit/http-api', () => {
  it('hears of every change in a channel once, in order, as each commit left it', async (t) => {
    const nest = await newChannel('heard');
    const [nec, bud, fes] = await Promise.all(['~nec', '~bud', '~fes'].map((ship) => connectUrbit(t, server, ship)));
    assert.ok(nec && bud && fes);
    const heard = await watch(bud, nest);
    const unheard: Loose[] = [];
    await fes.subscribe({ app: 'channels', path: '/v4', event: (fact: Loose) => unheard.push(fact) });
    await pokeWith(fes, 'hood', 'helm-hi', ''); // the subscription was acked before
    await inChannel(nec, nest, { post: { add: essayOf('~nec', 'news') } });
    const { id } = (await newest(nec, nest)).seal;
    await inChannel(bud, nest, { post: { 'add-react': { id, react: ':+1:', ship: '~bud' } } });
    await inChannel(nec, nest, { post: { edit: { id, essay: essayOf('~nec', 'better') } } });
    await inChannel(bud, nest, { post: { 'del-react': { id, ship: '~bud' } } });
    await inChannel(nec, nest, { post: { del: id } });
    await eventually('all has come', () => heard.length === 5);
    const what = heard.map(({ post: one }) => one['r-post']);
    assert.deepEqual(what[0].set.essay, essayOf('~nec', 'news'));
    assert.deepEqual(what.slice(1, 4), [
      ...[{ reacts: { '~bud': ':+1:' } }, { essay: essayOf('~nec', 'better') }, { reacts: {} }],
    ]);
    assert.deepEqual([what[4].set.type, what[4].set.seq], ['tombstone', 1]);
    assert.deepEqual(unheard, []);
  });

  it('that was cut off gets each fact once and in order', async (t) => {
    const nest = await newChannel('cut-off');
    const undo = lastFirst(t);
    const line = await openLine(undo, url);
    const nec = await connectUrbit(undo, server, '~nec');
    const bud = await connectUrbit(undo, { ...server, url: line.url }, '~bud');
    const heard = await watch(bud, nest);
    for (let number = 1; number <= 30; number += 1) {
      // Before it has heard so much that it confirms: nobody hears of the error when that is cut.
      if ([4, 8, 12].includes(number)) line.cut();
      await inChannel(nec, nest, { post: { add: essayOf('~nec', `number ${number}`) } });
    }
    await eventually('all have come', () => heard.length === 30);
    assert.deepEqual(
      heard.map(({ post: one }) => one['r-post'].set.seal.seq),
      Array.from({ length: 30 }, (_, index) => index + 1),
    );
  });

  it('makes a channel in a group, and hears that it is there', async (t) => {
    const zod = await connectUrbit(t, server, '~zod');
    const heard = await watch(zod, 'heap/~zod/made');
    const made = {
      kind: 'heap',
      group: GROUP,
      name: 'made',
      title: 'Made',
      description: '{"description":"d"}',
      meta: null,
    };
    await pokeWith(zod, 'channels', 'channel-action-2', { create: { ...made, readers: [], writers: [] } });
    await eventually('it is there', () => heard.some((one) => one.create));
    const group = await send(url, `/api/community/v1/ships/~zod/groups/${encodeURIComponent(GROUP)}`, { credentials });
    assert.equal(group.json.group.channels['heap/~zod/made'].meta.description, '{"description":"d"}');
    assert.ok(group.json.group.zones.default.idx.includes('heap/~zod/made'));
  });
});

describe('a hook', NEEDS_TLON, () => {
  const add = async (nest: string, name: string, src: string) => {
    const { set } = await post('/api/script-hooks/v1/actions', { add: { name, src } });
    assert.equal(set.error, null);
    await post('/api/script-hooks/v1/actions', { order: { nest, seq: [set.id] } });
  };

  it('denies a post, and its reason is what the client is told', async (t) => {
    const nest = await newChannel('denied');
    await add(nest, 'no', `module.exports = () => ({ event: { denied: 'Not on a Sunday.' } })`);
    const nec = await connectUrbit(t, server, '~nec');
    await assert.rejects(inChannel(nec, nest, { post: { add: essayOf('~nec', 'x') } }), /^Error: Not on a Sunday\.$/);
    const ran = await runTlon(t, server, '~nec', 'posts', 'send', nest, 'x');
    assert.equal(ran.status, 1);
    assert.match(said(ran), /Not on a Sunday\./);
    assert.deepEqual((await scryPosts(nec, nest, 'newest/10/post')).posts, {});
  });

  it('changes a post and acts, and all that is what others see', async (t) => {
    const nest = await newChannel('changed');
    const src = `const { bowl } = require('tlon_hooks');
      module.exports = (event) => {
        const post = event['on-post']?.add;
        if (!post) return { event: { allowed: event } };
        post.essay.content = [{ inline: ['changed'] }];
        const action = { post: { 'add-react': { id: post.seal.id, ship: bowl.our, react: ':wave:' } } };
        return { event: { allowed: event }, effects: [{ channels: { channel: { nest: bowl.nest, action } } }] };
      };`;
    await add(nest, 'changes', src);
    const [nec, bud] = [await connectUrbit(t, server, '~nec'), await connectUrbit(t, server, '~bud')];
    const heard = await watch(bud, nest);
    const sent = { ...essayOf('~nec', 'as it was'), blob: 'kept', meta: { ...META, cover: 'kept, too' } };
    await inChannel(nec, nest, { post: { add: sent } });
    await eventually('post and reaction have come', () => heard.length === 2);
    const [posted, reacted] = heard.map(({ post: one }) => one['r-post']);
    assert.deepEqual(posted.set.essay, { ...sent, content: [{ inline: ['changed'] }] });
    assert.deepEqual(reacted, { reacts: { '~zod': ':wave:' } });
    assert.deepEqual((await newest(bud, nest)).essay, posted.set.essay);
  });
});
