// Conversations through the airlock: what one ship does with a real client, another ship reads with
// another real client, and both are told.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { messageId } from '../../src/community/chat/message.ts';
import { eventually, lastFirst } from '../support/wait.ts';
import { connectTlonApi, connectUrbit, NEEDS_TLON, pokeWith, runTlon, serveAirlock, type TlonApi } from './support.ts';

const cleanup = lastFirst({ after });
const SHIPS = [
  '~zod',
  '~nec',
  '~bud',
  '~wes',
  '~sev',
  '~per',
  '~sut',
  '~let',
  '~ful',
  '~pen',
  '~syt',
  '~dur',
  '~ten',
  '~tyl',
];
const server = await serveAirlock(cleanup, SHIPS);

type Told = { readonly type: string; readonly post?: { id: string; authorId: string; sequenceNum: number } };

const story = (...inline: readonly unknown[]) => [{ inline }];
let sent = 1_743_465_600_000;
/** Says something with `@tloncorp/api`; answers the id that clients show: that of its moment. */
const say = async (api: TlonApi, from: string, to: string, text: string, more: object = {}): Promise<string> => {
  const sentAt = sent++;
  await api.call('sendPost', { channelId: to, authorId: from, sentAt, content: story(text), ...more });
  return messageId(from, sentAt).split('/')[1] as string;
};
const page = (api: TlonApi, channelId: string, more: object = {}) =>
  api.call('getChannelPosts', { channelId, mode: 'newest', count: 20, includeReplies: true, ...more });
const textsOf = (posts: readonly { textContent: string }[]) => posts.map(({ textContent }) => textContent);
const isTold = (told: readonly Told[], type: string) =>
  eventually(`${type} is told`, () => told.find((event) => event.type === type));

/** What a command of `tlon` says; it must succeed. */
const tlon = async (t: { after: (step: () => Promise<unknown>) => void }, ship: string, ...args: string[]) => {
  const ran = await runTlon(t, server, ship, ...args);
  assert.equal(ran.status, 0, ran.stderr + ran.stdout);
  return ran.stdout;
};

describe('a direct message', NEEDS_TLON, () => {
  it('is read by the other ship, which is told of it, and of all that is done to it', async (t) => {
    const [zod, nec] = [await connectTlonApi(t, server, '~zod'), await connectTlonApi(t, server, '~nec')];
    const [zodTold, necTold] = [await zod.listen('subscribeToChatUpdates'), await nec.listen('subscribeToChatUpdates')];
    const blob = '[{"type":"file"}]';
    const id = await say(zod, '~zod', '~nec', 'hello', { blob });
    const added = await isTold(necTold, 'addPost');
    assert.deepEqual([added.post?.id, added.post?.authorId, added.post?.sequenceNum], [id, '~zod', 1]);
    await isTold(zodTold, 'addPost');
    await nec.call('sendReply', {
      ...{ channelId: '~zod', parentId: id, parentAuthor: '~zod', authorId: '~nec', sentAt: sent++ },
      content: story('hi back'),
    });
    const react = { channelId: '~zod', postId: id, postAuthor: '~zod', our: '~nec' };
    await nec.call('addReaction', { ...react, emoji: '👍' });
    await isTold(zodTold, 'addReaction');
    const { posts } = await page(zod, '~nec');
    assert.deepEqual(textsOf(posts), ['hello']);
    const [post] = posts;
    assert.deepEqual([post.blob, post.replyCount, post.replyContactIds], [blob, 1, ['~nec']]);
    assert.deepEqual(textsOf(post.replies), ['hi back']);
    assert.deepEqual(
      post.reactions.map((one: { contactId: string; value: string }) => [one.contactId, one.value]),
      [['~nec', '👍']],
    );
    await nec.call('removeReaction', react);
    await isTold(zodTold, 'deleteReaction');
    const whole = await nec.call('getPostWithReplies', { channelId: '~zod', postId: id, authorId: '~zod' });
    assert.deepEqual([whole.textContent, whole.reactions, textsOf(whole.replies)], ['hello', [], ['hi back']]);
    const [reply] = whole.replies;
    const ofReply = { channelId: '~zod', parentId: id, parentAuthorId: '~zod', postId: reply.id, authorId: '~nec' };
    await nec.call('deleteReply', ofReply);
    await zod.call('deletePost', '~nec', id, '~zod');
    await eventually('both deletions are told', () => necTold.filter(({ type }) => type === 'deletePost').length === 2);
    const { posts: left, deletedPosts } = await page(nec, '~zod');
    assert.deepEqual([left.length, deletedPosts[0].id, deletedPosts[0].authorId], [1, id, '~zod']);
  });

  it('is one of a page, which goes on; none is missing by number', async (t) => {
    const [wes, sev] = [await connectTlonApi(t, server, '~wes'), await connectTlonApi(t, server, '~sev')];
    for (let number = 1; number <= 5; number++) await say(wes, '~wes', '~sev', `number ${number}`);
    const newest = await page(sev, '~wes', { count: 2 });
    assert.deepEqual(
      [textsOf(newest.posts), newest.newestSequenceNum, newest.totalPosts],
      [['number 4', 'number 5'], 5, 5],
    );
    const older = await page(sev, '~wes', { mode: 'older', cursor: newest.posts[0].id, count: 2 });
    assert.deepEqual(textsOf(older.posts), ['number 2', 'number 3']);
    const around = await page(sev, '~wes', { mode: 'around', cursor: older.posts[1].id, count: 3 });
    assert.deepEqual(textsOf(around.posts), ['number 2', 'number 3', 'number 4']);
    const range = await sev.call('getSequencedChannelPosts', { channelId: '~wes', start: 1, end: 3 });
    assert.deepEqual(textsOf(range.posts), ['number 1', 'number 2', 'number 3']);
    const found = await sev.call('searchChannel', { channelId: '~wes', query: 'Number 3' });
    assert.deepEqual([textsOf(found.posts), found.cursor], [['number 3'], null]);
  });

  it('is shown, found, reacted to and deleted with the tlon command', async (t) => {
    const [per, sut] = [await connectTlonApi(t, server, '~per'), await connectTlonApi(t, server, '~sut')];
    const id = await say(per, '~per', '~sut', 'good morning');
    const key = `~per/${id}`;
    const invited = await sut.call('getDmInvites');
    assert.deepEqual(
      invited.map((dm: { id: string }) => dm.id),
      ['~per'],
    );
    await tlon(t, '~sut', 'dms', 'accept', '~per');
    assert.deepEqual(await sut.call('getDmInvites'), []);
    assert.deepEqual(
      (await sut.call('getDms')).map((dm: { id: string }) => dm.id),
      ['~per'],
    );
    assert.match(await tlon(t, '~sut', 'messages', 'dm', '~per', '--limit', '5'), /good morning/);
    assert.match(await tlon(t, '~sut', 'messages', 'context', '~per', id), /good morning/);
    assert.match(await tlon(t, '~sut', 'messages', 'post', '~per', id, '--author', '~per'), /good morning/);
    assert.match(await tlon(t, '~sut', 'messages', 'search', 'MORNING', '--channel', '~per'), /good morning/);
    await tlon(t, '~sut', 'dms', 'react', '~per', key, '🔥');
    const reactions = async () =>
      (await page(per, '~sut')).posts[0].reactions.map(({ value }: { value: string }) => value);
    assert.deepEqual(await reactions(), ['🔥']);
    await tlon(t, '~sut', 'dms', 'unreact', '~per', key);
    assert.deepEqual(await reactions(), []);
    await per.call('sendReply', {
      ...{ channelId: '~sut', parentId: id, parentAuthor: '~per', authorId: '~per', sentAt: sent++ },
      content: story('and a good day'),
    });
    const reply = async () => (await page(per, '~sut')).posts[0].replies[0];
    const ofReply = ['~per', `~per/${(await reply()).id}`];
    await tlon(t, '~sut', 'dms', 'react', ...ofReply, '👋', '--parent', key);
    assert.deepEqual((await reply()).reactions[0].value, '👋');
    await tlon(t, '~sut', 'dms', 'unreact', ...ofReply, '--parent', key);
    assert.deepEqual((await reply()).reactions, []);
    const denied = await runTlon(t, server, '~sut', 'dms', 'delete', '~per', key);
    assert.match(denied.stderr + denied.stdout, /Only ~per can delete this\./);
    assert.notEqual(denied.status, 0);
    await tlon(t, '~per', 'dms', 'delete', '~sut', key);
    assert.equal((await page(sut, '~per')).deletedPosts.length, 1);
  });
});

describe('an app on @urbit/http-api', () => {
  it('writes and is told, in the words of this year and of older ones', async (t) => {
    const [ten, tyl] = [await connectUrbit(t, server, '~ten'), await connectUrbit(t, server, '~tyl')];
    type Told = { readonly whom: string; readonly id: string; readonly response: object };
    const told: Record<string, Told[]> = { '/v4': [], '/': [] };
    for (const [path, came] of Object.entries(told)) {
      await tyl.subscribe({ app: 'chat', path, event: (fact: Told) => void (fact.whom === '~ten' && came.push(fact)) });
    }
    const memo = (text: string) => ({ content: story(text), author: '~ten', sent: 1 });
    const essay = { ...memo('new'), kind: '/chat', meta: null, blob: null };
    const [first, second] = [messageId('~ten', sent++), messageId('~ten', sent++)];
    const dm = (id: string, add: object) => ({ ship: '~tyl', diff: { id, delta: { add: { ...add, time: null } } } });
    await pokeWith(ten, 'chat', 'chat-dm-action-2', dm(first, { essay }));
    await pokeWith(ten, 'chat', 'chat-dm-action', dm(second, { memo: memo('old'), kind: null }));
    await eventually('both are told', () => Object.values(told).every(({ length }) => length === 2));
    const shown = (path: string) => told[path]?.map(({ id, response }) => [id, response]);
    const page = await tyl.scry({ app: 'chat', path: '/v4/dm/~ten/writs/newest/5/light' });
    const { writs } = page as { writs: Record<string, { seal: { time: string } }> };
    const [time, later] = Object.values(writs).map(({ seal }) => seal.time);
    assert.deepEqual(shown('/v4'), [
      [first, { add: { essay, seq: 1, time } }],
      [second, { add: { essay: { ...essay, content: story('old') }, seq: 2, time: later } }],
    ]);
    assert.deepEqual(shown('/'), [
      [first, { add: { memo: memo('new'), kind: null, time } }],
      [second, { add: { memo: memo('old'), kind: null, time: later } }],
    ]);
    await assert.rejects(pokeWith(ten, 'chat', 'chat-dm-action-2', dm(first, {})), /\/add\/memo/);
  });
});

describe('an invitation', NEEDS_TLON, () => {
  it('that is declined leaves nothing; its ship is told which ones wait', async (t) => {
    const [bud, dur] = [await connectTlonApi(t, server, '~bud'), await connectTlonApi(t, server, '~dur')];
    const told = await dur.listen('subscribeToChatUpdates');
    await say(bud, '~bud', '~dur', 'a word?');
    const invitation = (await isTold(told, 'syncDmInvites')) as { channels?: { id: string }[] };
    assert.deepEqual(
      invitation.channels?.map(({ id }) => id),
      ['~bud'],
    );
    await tlon(t, '~dur', 'dms', 'decline', '~bud');
    assert.deepEqual([await dur.call('getDmInvites'), await dur.call('getDms')], [[], []]);
    assert.deepEqual((await page(dur, '~bud')).posts, []);
    assert.equal((await page(bud, '~dur')).posts.length, 1);
  });

  it('is not taken from a ship that is blocked; nor is anything else, until it is not', async (t) => {
    const [let_, ful] = [await connectTlonApi(t, server, '~let'), await connectTlonApi(t, server, '~ful')];
    await ful.call('blockUser', '~let');
    assert.deepEqual(await ful.call('getBlockedUsers'), ['~let']);
    await assert.rejects(say(let_, '~let', '~ful', 'hey'), /~ful takes no messages from ~let/);
    assert.deepEqual(await ful.call('getDmInvites'), []);
    await ful.call('unblockUser', '~let');
    const id = await say(let_, '~let', '~ful', 'hey again');
    const [post] = (await page(ful, '~let')).posts;
    await ful.call('hidePost', post);
    assert.deepEqual(await ful.call('getHiddenDMPosts'), [id]);
    await ful.call('showPost', post);
    assert.deepEqual(await ful.call('getHiddenDMPosts'), []);
  });
});

describe('a club', NEEDS_TLON, () => {
  const ID = '0v4.00000.qcas9.qndoa.7loa7.loa7l';

  it('is begun, joined, renamed and spoken in; who is not in it reads nothing', async (t) => {
    const [pen, syt] = [await connectTlonApi(t, server, '~pen'), await connectTlonApi(t, server, '~syt')];
    const told = await syt.listen('subscribeToChatUpdates');
    await pen.call('createGroupDm', { id: ID, members: ['~syt'] });
    await isTold(told, 'groupDmsUpdate');
    const [club] = await syt.call('getGroupDms');
    assert.deepEqual([club.id, club.isDmInvite], [ID, true]);
    await syt.call('respondToDMInvite', { channel: { ...club }, accept: true });
    await pen.listen('subscribeToChatUpdates');
    await pen.call('updateDMMeta', {
      channelId: ID,
      meta: { title: 'Us', description: '', iconImage: '', coverImage: '' },
    });
    const [named] = await syt.call('getGroupDms');
    assert.deepEqual([named.title, named.isDmInvite], ['Us', false]);
    await tlon(t, '~pen', 'dms', 'send', ID, 'hello **all**');
    const added = await isTold(told, 'addPost');
    const key = `~pen/${added.post?.id}`;
    await tlon(t, '~syt', 'dms', 'reply', ID, key, 'hello you');
    const [post] = (await page(pen, ID)).posts;
    assert.deepEqual([post.authorId, textsOf(post.replies)], ['~pen', ['hello you']]);
    assert.match(await tlon(t, '~syt', 'messages', 'search', 'hello', '--channel', ID), /all/);
    const nec = await connectUrbit(t, server, '~nec');
    for (const path of [`/v4/club/${ID}/writs/newest/20/heavy`, `/club/${ID}/search/bounded/text//500/~~hello`]) {
      await assert.rejects(nec.scry({ app: 'chat', path }), { status: 404 });
    }
    const writ = { id: messageId('~nec', sent++), delta: { del: null } };
    const intrusion = pokeWith(nec, 'chat', 'chat-club-action-2', { id: ID, diff: { uid: '0v4', delta: { writ } } });
    await assert.rejects(intrusion, /You are not in this club/);
  });
});
