// What clients read when they begin, and what they pin, through those that people have.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { lastFirst } from '../support/wait.ts';
import { connectTlonApi, connectUrbit, NEEDS_TLON, pokeWith, runTlon, serveAirlock } from './support.ts';

const cleanup = lastFirst({ after });
const server = await serveAirlock(cleanup, ['~zod', '~nec', '~bud']);

// biome-ignore lint/suspicious/noExplicitAny: answers of the server are what the test says they are.
type Loose = any;

const [FLAG, NEST] = ['~zod/club', 'chat/~zod/general'] as const;
const zod = await connectTlonApi(cleanup, server, '~zod');
const nec = await connectTlonApi(cleanup, server, '~nec');
const channel = { id: NEST, title: 'General' };
const group = { id: FLAG, title: 'Club', channels: [channel] };
await zod.call('createGroup', { group, memberIds: ['~nec'] });
await nec.call('joinGroup', FLAG);

const send = async (text: string) => {
  const urbit = await connectUrbit(cleanup, server, '~nec');
  const essay = { content: [{ inline: [text] }], author: '~nec', sent: 1, kind: '/chat', meta: null, blob: null };
  await pokeWith(urbit, 'channels', 'channel-action-2', { channel: { nest: NEST, action: { post: { add: essay } } } });
};

describe('a client that begins', NEEDS_TLON, () => {
  it('has its groups, channels, pins and invitations', async () => {
    await zod.call('pinItem', FLAG);
    await zod.call('pinItem', NEST);
    assert.deepEqual((await zod.call('getPinnedItems')).map(({ type, itemId }: Loose) => [type, itemId]).toSorted(), [
      ['channel', NEST],
      ['group', FLAG],
    ]);
    await zod.call('unpinItem', FLAG);
    await zod.call('inviteGroupMembers', { groupId: FLAG, contactIds: ['~bud'] });
    const init = await zod.call('getInitData');
    assert.deepEqual([init.joinedGroups, init.joinedGroupChannels], [[FLAG], [NEST]]);
    assert.deepEqual(
      init.pins.map(({ itemId }: Loose) => itemId),
      [NEST],
    );
    assert.ok(init.channelPerms.some(({ channelId }: Loose) => channelId === NEST));
    const bud = await connectTlonApi(cleanup, server, '~bud');
    const { unjoinedGroups, groups } = await bud.call('getInitData');
    assert.deepEqual(
      unjoinedGroups.map(({ id, haveInvite }: Loose) => [id, haveInvite]),
      [[FLAG, true]],
    );
    assert.deepEqual(groups, []);
  });

  it('has the newest posts, and what came while it was away', async () => {
    const before = Date.now();
    await send('hello');
    const posts = await zod.call('getInitialPosts', { channelCount: 10, postCount: 10 });
    assert.ok(posts.some(({ channelId, authorId }: Loose) => channelId === NEST && authorId === '~nec'));
    const latest = await zod.call('getLatestPosts', { count: 10 });
    assert.deepEqual(
      latest.map(({ channelId }: Loose) => channelId),
      [NEST],
    );
    const changes = await zod.call('fetchChangesSince', before - 1000);
    assert.ok(changes.posts.some(({ authorId }: Loose) => authorId === '~nec'));
    assert.deepEqual(
      changes.groups.map(({ id }: Loose) => id),
      [FLAG],
    );
    const { posts: none } = await zod.call('fetchChangesSince', Date.now() + 60_000);
    assert.deepEqual(none, []);
  });
});

it('the tlon command lists channels, conversations and contacts', async (t) => {
  for (const command of [
    ['channels', 'all'],
    ['channels', 'dms'],
    ['channels', 'group-dms'],
    ['contacts', 'list'],
  ]) {
    const ran = await runTlon(t, server, '~nec', ...command);
    assert.equal(ran.status, 0, ran.stdout + ran.stderr);
  }
});
