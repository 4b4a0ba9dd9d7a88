// Activity through the airlock: what real clients read of it, do with it and are told.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { messageId } from '../../src/community/chat/message.ts';
import { withDots } from '../../src/community/schema/id.ts';
import { send } from '../support/request.ts';
import { eventually, lastFirst } from '../support/wait.ts';
import { connectTlonApi, NEEDS_TLON, runTlon, serveAirlock, type TlonApi } from './support.ts';

const cleanup = lastFirst({ after });
const [GROUP, LOUNGE] = ['~zod/club', 'chat/~zod/lounge'];
const MEMBERS = ['~zod', '~nec', '~bud', '~wes', '~sev'];
const server = await serveAirlock(cleanup, MEMBERS);

/** Answers the id of what was made. */
const act = async (ship: string, action: unknown): Promise<string> => {
  const { url, credentials } = server;
  const path = `/api/community/v1/ships/${ship}/act`;
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify(action);
  const { status, json, text } = await send(url, path, { method: 'POST', credentials, headers, body });
  assert.equal(status, 200, text);
  return json.id;
};
const inLounge = (action: unknown) => ({ channels: { channel: { nest: LOUNGE, action } } });
const story = (...inline: readonly unknown[]) => [{ inline }];
const memo = (author: string, ...inline: readonly unknown[]) => ({ content: story(...inline), author, sent: 1 });
const post = (author: string, ...inline: readonly unknown[]) =>
  act(author, inLounge({ post: { add: { ...memo(author, ...inline), 'kind-data': { chat: null } } } }));
const reply = (author: string, id: string, ...inline: readonly unknown[]) =>
  act(author, inLounge({ post: { reply: { id, action: { add: memo(author, ...inline) } } } }));

before(async () => {
  const fleet = Object.fromEntries(MEMBERS.map((ship) => [ship, { sects: [], joined: 0 }]));
  const meta = { title: 'Club', description: '', image: '', cover: '' };
  const group = { fleet, cabals: {}, zones: {}, 'zone-ord': [], channels: {}, 'active-channels': [], bloc: ['admin'] };
  const create = { ...group, cordon: { open: { ships: [], ranks: [] } }, meta, secret: false, 'flagged-content': {} };
  await act('~zod', { groups: { flag: GROUP, update: { diff: { create } } } });
  const channel = { kind: 'chat', name: 'lounge', group: GROUP, title: 'L', description: '', readers: [], writers: [] };
  await act('~zod', { channels: { create: channel } });
  for (const ship of MEMBERS) await act(ship, inLounge({ join: GROUP }));
});

let sent = 1_743_465_600_000;
const say = async (api: TlonApi, from: string, to: string, text: string): Promise<string> => {
  const sentAt = sent++;
  await api.call('sendPost', { channelId: to, authorId: from, sentAt, content: story(text) });
  return messageId(from, sentAt).split('/')[1] as string;
};
type Unread = { readonly channelId: string; readonly count: number; readonly firstUnreadPostId: string | null };
const unreadOf = async (api: TlonApi, channelId: string): Promise<Unread | undefined> =>
  ((await api.call('getGroupAndChannelUnreads')).channelUnreads as Unread[]).find((one) => one.channelId === channelId);
type Told = { readonly type: string; readonly [key: string]: unknown };
const isTold = (told: readonly Told[], what: string, test: (event: Told) => boolean) =>
  eventually(what, () => told.find(test));

describe('@tloncorp/api', () => {
  it('is told of posts, replies and messages as they come, and of what is unread', async (t) => {
    const [nec, bud] = [await connectTlonApi(t, server, '~nec'), await connectTlonApi(t, server, '~bud')];
    const told = await nec.listen('subscribeToActivity');
    const id = await post('~zod', 'hello ', { ship: '~nec' });
    const added = await isTold(told, 'the post', ({ type }) => type === 'addActivityEvent');
    const [event, mention] = added.events as Told[];
    assert.deepEqual(
      [event?.type, event?.postId, event?.authorId, event?.channelId, event?.groupId, event?.shouldNotify],
      ['post', withDots(id), '~zod', LOUNGE, GROUP, true],
    );
    assert.equal(mention?.bucketId, 'mentions');
    const unread = (of: string, count: number) => (found: Told) => {
      const activity = found.activity as Unread | undefined;
      return found.type === 'updateChannelUnread' && activity?.channelId === of && activity.count === count;
    };
    await isTold(told, 'the post is unread', unread(LOUNGE, 1));
    assert.equal((await unreadOf(nec, LOUNGE))?.firstUnreadPostId, withDots(id));
    const message = await say(bud, '~bud', '~nec', 'psst');
    await isTold(told, 'the message is unread', unread('~bud', 1));
    assert.equal((await unreadOf(nec, '~bud'))?.firstUnreadPostId, message);
    await nec.call('readChannel', { channelId: LOUNGE, channelType: 'chat', groupId: GROUP });
    await isTold(told, 'the channel is read', unread(LOUNGE, 0));
    await nec.call('readChannel', { channelId: '~bud', channelType: 'dm' });
    await isTold(told, 'the conversation is read', unread('~bud', 0));
    await reply('~bud', id, 'me too');
    await isTold(told, 'the reply is unread', ({ type, activity }) => {
      const thread = activity as { readonly threadId: string; readonly count: number } | undefined;
      return type === 'updateThreadUnread' && thread?.threadId === withDots(id) && thread.count === 1;
    });
  });

  it('reads what happened in pages, and how loud everything is', async (t) => {
    const [wes, sev] = [await connectTlonApi(t, server, '~wes'), await connectTlonApi(t, server, '~sev')];
    const id = await say(sev, '~sev', '~wes', 'first');
    const { events, relevantUnreads } = await wes.call('getInitialActivity');
    const isIt = ({ postId, bucketId }: Told) => postId === id && bucketId === 'all';
    const found = (events as Told[]).find(isIt);
    assert.deepEqual([found?.type, found?.channelId, found?.authorId], ['post', '~sev', '~sev']);
    assert.equal(relevantUnreads.channelUnreads.find((one: Unread) => one.channelId === '~sev').count, 1);
    const ask = { bucket: 'all', cursor: Number(found?.timestamp) + 1 };
    assert.ok(((await wes.call('getPagedActivityByBucket', ask)).events as Told[]).some(isIt));
    const before = { bucket: 'all', cursor: Number(found?.timestamp) - 1 };
    assert.ok(!((await wes.call('getPagedActivityByBucket', before)).events as Told[]).some(isIt));

    const told = await wes.listen('subscribeToActivity');
    const volume = { 'dm-post': { unreads: false, notify: false } };
    await wes.call('adjustVolumeSetting', { dm: { ship: '~sev' } }, volume);
    await isTold(told, 'the volume', ({ type }) => type === 'updateItemVolume');
    assert.deepEqual(await wes.call('getVolumeSettings'), { 'ship/~sev': volume });
    assert.equal((await unreadOf(wes, '~sev'))?.count, 0);
    await wes.call('setPushNotificationsSetting', 'none');
    await isTold(
      told,
      'the setting',
      ({ type, value }) => type === 'updatePushNotificationsSetting' && value === 'none',
    );
    assert.equal(await wes.call('getPushNotificationsSetting'), 'none');
    await wes.call('markInvitesRead');
    await wes.call('readAll');
    assert.equal((await wes.call('getGroupAndChannelUnreads')).baseUnread.count, 0);
  });
});

describe('the tlon command', NEEDS_TLON, () => {
  it('shows mentions, replies, everything and what is unread', async (t) => {
    const tlon = async (...args: string[]) => {
      const { status, stdout, stderr } = await runTlon(t, server, '~sev', 'activity', ...args);
      assert.equal(status, 0, stderr + stdout);
      return stdout;
    };
    const id = await post('~zod', 'calling ', { ship: '~sev' });
    await reply('~zod', id, 'an answer');
    assert.match(await tlon('mentions'), /calling/);
    assert.match(await tlon('replies', '--limit', '5'), /an answer/);
    assert.match(await tlon('all'), /an answer.*calling/s);
    assert.match(await tlon('unreads'), new RegExp(LOUNGE));
  });
});
