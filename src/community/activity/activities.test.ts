// What ships are told, count and read, as the summary and the feed of each say.
import assert from 'node:assert/strict';
import { after, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { lastFirst } from '../../../test/support/wait.ts';
import { statement } from '../../database/statement.ts';
import { withDots } from '../schema/id.ts';
import { createWorld, FES, GROUP, LOUNGE, memoOf, NEC, type World, withLounge, ZOD } from '../test-support/world.ts';
import type { ActivitySource, IncomingEvent } from '../types/activity.ts';

const cleanup = lastFirst({ after });
let world: World;
let lounge: Awaited<ReturnType<typeof withLounge>>;
beforeEach(async () => {
  world = await createWorld(cleanup);
});

const CHANNEL: ActivitySource = { channel: { nest: LOUNGE, group: GROUP } };
const CHANNEL_KEY = `channel/${LOUNGE}`;
const act = (ship: string, activity: unknown) => world.act(ship, { activity });
const readAll = (ship: string, source: unknown, time: string | null = null, deep?: boolean) =>
  act(ship, { read: { source, action: { all: { time, ...(deep !== undefined && { deep }) } } } });
const numbers = async (ship: string, key: string) => {
  const found = await world.summaryOf(ship, key);
  return found && [found.count, found.notifyCount, found.notify];
};
const keyOf = (author: string, id: string) => ({ id: `${author}/${withDots(id)}`, time: withDots(id) });
const threadOf = (author: string, id: string): ActivitySource => ({
  thread: { key: keyOf(author, id), channel: LOUNGE, group: GROUP },
});
const kindsOf = async (ship: string, page = {}) =>
  (await world.feedOf(ship, page)).map(({ event }) => Object.keys(event)[0]).filter((kind) => kind !== 'chan-init');
const say = async (from: string, to: string, text = 'hi') => {
  const id = await world.nextId(from);
  await world.act(from, { dm: { ship: to, diff: { id, delta: { add: { memo: memoOf(from, text) } } } } });
  return id;
};
/** As if the channel were new. */
const forgetPosts = statement(
  'test.forget-posts',
  `with sources as (delete from activity_sources), posts as (delete from posts),
     channels as (update channels set posts = 0, version = version + 1)
   update channel_members set read_at = 0`,
);
const QUIET = { unreads: false, notify: false };

describe('posts of a channel', () => {
  beforeEach(async () => {
    lounge = await withLounge(world, [NEC, FES]);
  });

  it('are in a feed of bounded bytes, which goes on where it ended; each is there once', async () => {
    const large = 'x'.repeat(200_000);
    const posts: string[] = [];
    for (let i = 0; i < 3; i += 1) posts.push(await lounge.post(ZOD, large), await lounge.post(FES, 'small'));
    const replies: string[] = [];
    for (let i = 0; i < 3; i += 1) replies.push(await lounge.reply(FES, posts[0] as string, large));
    const pages: string[][] = [];
    for (let before: string | undefined; ; ) {
      const page = await world.feedOf(NEC, { ...(before !== undefined && { before }) });
      before = page.at(-1)?.time;
      if (before === undefined) break;
      pages.push(page.map(({ time }) => time));
      assert.ok(JSON.stringify(page).length < 3 * 512 * 1024);
    }
    assert.ok(pages.length > 1);
    assert.deepEqual(pages.flat().slice(0, 9), [...posts, ...replies].toReversed());
    assert.equal(new Set(pages.flat()).size, pages.flat().length);
  });

  it('by others count from when the ship joined, in the channel and all that is above it', async () => {
    await lounge.post(ZOD, 'one');
    await lounge.post(FES, 'two');
    await lounge.post(NEC, 'mine');
    const last = await lounge.post(ZOD, 'three');
    const found = await world.summaryOf(NEC, CHANNEL_KEY);
    assert.deepEqual(found?.source, CHANNEL);
    assert.equal(found?.newest, last);
    // What it said itself marked the channel read until then.
    assert.deepEqual(found?.unread, { ...unreadOf(ZOD, last), count: 1, notify: true });
    for (const key of [CHANNEL_KEY, `group/${GROUP}`, 'base'])
      assert.deepEqual(await numbers(NEC, key), [1, 1 + invites(key), true]);
    await readAll(NEC, CHANNEL);
    await world.act(ZOD, {
      groups: { flag: GROUP, update: { diff: { fleet: { ships: ['~bud'], diff: { add: null } } } } },
    });
    await world.act('~bud', { channels: { channel: { nest: LOUNGE, action: { join: GROUP } } } });
    assert.deepEqual(await numbers('~bud', CHANNEL_KEY), [0, 0, false]);
  });
  const unreadOf = (author: string, id: string) => ({ id: keyOf(author, id).id, time: id });
  /** The group told that the ship is invited. */
  const invites = (key: string) => (key === CHANNEL_KEY ? 0 : 1);

  it('count no longer when they are deleted', async () => {
    const id = await lounge.post(ZOD, 'one');
    await lounge.post(ZOD, 'two');
    await world.act(ZOD, lounge.inLounge({ del: id }));
    assert.deepEqual(await numbers(NEC, CHANNEL_KEY), [1, 1, true]);
  });

  it('are in the feed, newest first, with mentions told as such', async () => {
    const one = await lounge.post(ZOD, 'hi ', { ship: NEC });
    const two = await lounge.post(FES, 'hello');
    const feed = (await world.feedOf(NEC)).filter(({ event }) => 'post' in event);
    assert.deepEqual(
      feed.map(({ time, event, wasNotified }) => [
        time,
        (event as { post: { mention: boolean } }).post.mention,
        wasNotified,
      ]),
      [
        [two, false, true],
        [one, true, true],
      ],
    );
    assert.deepEqual(feed[1]?.event, {
      post: {
        key: keyOf(ZOD, one),
        channel: LOUNGE,
        group: GROUP,
        content: memoOf(ZOD, 'hi ', { ship: NEC }).content,
        mention: true,
      },
    });
    assert.deepEqual(await kindsOf(NEC, { sort: 'mentions' }), ['post']);
    assert.deepEqual(await kindsOf(NEC, { before: two }), ['post', 'group-invite']);
    assert.deepEqual(await kindsOf(FES), ['post', 'group-invite'], 'and not what it said itself');
  });

  it('whose text only looks like a mention mention nobody', async () => {
    await lounge.post(ZOD, '{"ship":"~nec"}');
    assert.deepEqual(await kindsOf(NEC, { sort: 'mentions' }), []);
  });

  it('with replies: those that notify count in the channel, all in their thread', async () => {
    const id = await lounge.post(NEC, 'question');
    await lounge.reply(FES, id, 'answer');
    await lounge.reply(ZOD, id, 'another ', { ship: NEC });
    const found = await world.summaryOf(NEC, `thread/${LOUNGE}/${withDots(id)}`);
    assert.deepEqual(found?.source, threadOf(NEC, id));
    assert.deepEqual([found?.count, found?.notifyCount, found?.unread?.count], [2, 1, 2]);
    assert.deepEqual(await numbers(NEC, CHANNEL_KEY), [1, 1, true]);
    assert.deepEqual(await kindsOf(NEC, { sort: 'replies' }), ['reply', 'reply']);
    await readAll(NEC, threadOf(NEC, id));
    assert.deepEqual(await numbers(NEC, CHANNEL_KEY), [0, 0, false]);
    assert.equal(await numbers(NEC, `thread/${LOUNGE}/${withDots(id)}`), undefined);
    await lounge.reply(FES, id, 'more');
    assert.deepEqual(await numbers(NEC, `thread/${LOUNGE}/${withDots(id)}`), [1, 0, false]);
  });

  it('are read up to a time, with or without the threads below', async () => {
    const one = await lounge.post(ZOD, 'one');
    await lounge.post(ZOD, 'two');
    await lounge.reply(FES, one, 'hi ', { ship: NEC });
    await readAll(NEC, CHANNEL, withDots(one));
    assert.deepEqual((await world.summaryOf(NEC, CHANNEL_KEY))?.unread?.count, 1);
    await readAll(NEC, CHANNEL, null, false);
    assert.deepEqual(await numbers(NEC, CHANNEL_KEY), [1, 1, true], 'the thread is left');
    await readAll(NEC, CHANNEL, null, true);
    assert.deepEqual(await numbers(NEC, CHANNEL_KEY), [0, 0, false]);
    assert.deepEqual(await numbers(FES, CHANNEL_KEY), [2, 2, true], 'of another ship nothing is read');
    await lounge.post(ZOD, 'three');
    await lounge.reply(ZOD, one, { ship: NEC });
    await readAll(NEC, { base: null }, null, true);
    assert.deepEqual(await numbers(NEC, 'base'), [0, 0, false]);
  });

  it('are read one by one, by their id or as an event', async () => {
    const ids: string[] = [];
    for (const text of ['one', 'two', 'three']) ids.push(await lounge.post(ZOD, text));
    const [one = '', two = '', three = ''] = ids;
    await act(NEC, { read: { source: CHANNEL, action: { item: withDots(one) } } });
    await act(NEC, { read: { source: CHANNEL, action: { item: one } } });
    assert.deepEqual((await world.summaryOf(NEC, CHANNEL_KEY))?.unread, {
      ...unreadOf(ZOD, two),
      count: 2,
      notify: true,
    });
    const post = { key: keyOf(ZOD, two), channel: LOUNGE, group: GROUP, content: [], mention: false };
    await act(NEC, { read: { source: CHANNEL, action: { event: { post } } } });
    assert.deepEqual((await world.summaryOf(NEC, CHANNEL_KEY))?.unread, {
      ...unreadOf(ZOD, three),
      count: 1,
      notify: true,
    });
    await readAll(NEC, CHANNEL, withDots(two));
    assert.equal((await world.summaryOf(NEC, CHANNEL_KEY))?.count, 1);
  });

  it('are as loud as the ship says now, from the channel up to the whole', async () => {
    await lounge.post(ZOD, 'one');
    await lounge.post(ZOD, { ship: NEC });
    await act(NEC, { adjust: { source: { base: null }, volume: { post: QUIET } } });
    assert.deepEqual(await numbers(NEC, CHANNEL_KEY), [1, 1, true], 'mentions have a volume of their own');
    await act(NEC, { adjust: { source: CHANNEL, volume: { post: { unreads: true, notify: false } } } });
    assert.deepEqual(await numbers(NEC, CHANNEL_KEY), [2, 1, true]);
    await act(NEC, { adjust: { source: CHANNEL, volume: { 'post-mention': QUIET } } });
    assert.deepEqual(await numbers(NEC, CHANNEL_KEY), [1, 0, false], 'settings are merged');
    await act(NEC, { adjust: { source: CHANNEL, volume: null } });
    assert.deepEqual(await numbers(NEC, CHANNEL_KEY), [1, 1, true]);
    assert.deepEqual(await numbers(FES, CHANNEL_KEY), [2, 2, true]);
  });

  it('are forgotten with their channel, and new ones show again', async () => {
    const id = await lounge.post(ZOD, 'one');
    await lounge.reply(ZOD, id, { ship: NEC });
    await act(NEC, { adjust: { source: CHANNEL, volume: { post: QUIET } } });
    await act(NEC, { del: { group: GROUP } });
    assert.equal(await numbers(NEC, CHANNEL_KEY), undefined);
    assert.deepEqual([await numbers(NEC, 'base'), await kindsOf(NEC)], [[0, 0, false], []]);
    await lounge.post(ZOD, 'two');
    assert.deepEqual(await numbers(NEC, CHANNEL_KEY), [1, 1, true], 'as loud as without settings');
    assert.deepEqual(await kindsOf(NEC), ['post']);
    assert.deepEqual(await numbers(FES, CHANNEL_KEY), [2, 2, true]);
  });

  it('are not seen by those who left', async () => {
    await lounge.post(ZOD, 'one');
    await world.act(NEC, { channels: { channel: { nest: LOUNGE, action: { leave: null } } } });
    assert.equal(await numbers(NEC, CHANNEL_KEY), undefined);
    assert.deepEqual(await kindsOf(NEC), ['group-invite']);
  });

  it('have counts that a count of all posts agrees with', async () => {
    const ships = [ZOD, NEC, FES];
    const step = fc.oneof(
      fc.record({ kind: fc.constant('post' as const), by: fc.constantFrom(...ships), mention: fc.boolean() }),
      fc.record({ kind: fc.constant('read' as const), at: fc.nat(5) }),
      fc.record({ kind: fc.constant('item' as const), at: fc.nat(5) }),
      fc.record({ kind: fc.constant('del' as const), at: fc.nat(5) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        await world.database.query(forgetPosts);
        const posts: { id: string; by: string; isRead: boolean }[] = [];
        for (const one of steps) {
          const found = 'at' in one ? posts[one.at % Math.max(posts.length, 1)] : undefined;
          if (one.kind === 'post') {
            posts.push({ id: await lounge.post(one.by, one.mention ? { ship: NEC } : 'x'), by: one.by, isRead: false });
            if (one.by === NEC) for (const post of posts) post.isRead = true;
          } else if (found && one.kind === 'read') {
            await readAll(NEC, CHANNEL, found.id);
            for (const post of posts) post.isRead ||= BigInt(post.id) <= BigInt(found.id);
          } else if (found && one.kind === 'item') {
            await act(NEC, { read: { source: CHANNEL, action: { item: found.id } } });
            found.isRead = true;
          } else if (found) {
            await world.act(ZOD, lounge.inLounge({ del: found.id }));
            posts.splice(posts.indexOf(found), 1);
          }
        }
        const unread = posts.filter(({ by, isRead }) => by !== NEC && !isRead);
        const summary = await world.summaryOf(NEC, CHANNEL_KEY);
        assert.deepEqual([summary?.count, summary?.unread?.time], [unread.length, unread[0]?.id]);
      }),
      { numRuns: 25 },
    );
  });
});

describe('what a ship is told', () => {
  const place = { channel: LOUNGE, group: GROUP };
  const key = { id: '~fes/170.141', time: '170.141' };
  const inGroup = { group: GROUP, ship: FES };
  const dm = { key, whom: { ship: FES }, content: [], mention: false };
  // Event, its source, and what it adds to the numbers there and at the top.
  const EVENTS: readonly (readonly [IncomingEvent, string, number, number])[] = [
    [{ post: { key, ...place, content: [], mention: false } }, `channel/${LOUNGE}`, 1, 1],
    [{ reply: { key, parent: key, ...place, content: [], mention: false } }, `thread/${LOUNGE}/170.141`, 1, 0],
    [{ reply: { key, parent: key, ...place, content: [], mention: true } }, `thread/${LOUNGE}/170.141`, 1, 1],
    [{ 'chan-init': place }, `channel/${LOUNGE}`, 0, 0],
    [{ 'dm-invite': { ship: FES } }, 'dm/~fes', 0, 1],
    [{ 'dm-post': dm }, 'dm/~fes', 1, 1],
    [{ 'dm-post': { ...dm, whom: { club: '0v5' } } }, 'dm/0v5', 1, 1],
    [{ 'dm-reply': { ...dm, parent: key } }, 'dm-thread/~fes/~fes/170.141', 1, 1],
    [{ 'flag-post': { key, ...place } }, `group/${GROUP}`, 0, 1],
    [{ 'flag-reply': { key, parent: key, ...place } }, `group/${GROUP}`, 0, 1],
    [{ 'group-ask': inGroup }, `group/${GROUP}`, 0, 1],
    [{ 'group-join': inGroup }, `group/${GROUP}`, 0, 0],
    [{ 'group-kick': inGroup }, `group/${GROUP}`, 0, 0],
    [{ 'group-invite': inGroup }, `group/${GROUP}`, 0, 1],
    [{ 'group-role': { ...inGroup, roles: ['vip'] } }, `group/${GROUP}`, 0, 0],
  ];

  it('shows in its source and above, as loud as its kind, and is read there', async () => {
    for (const [event, source, count, notifyCount] of EVENTS) {
      await world.clock.advance(1000);
      const [before = [0, 0]] = [await numbers(ZOD, 'base')];
      await act(ZOD, { add: event });
      const kind = JSON.stringify(event);
      const found = await world.summaryOf(ZOD, source);
      assert.deepEqual([found?.count, found?.notifyCount], [count, notifyCount], kind);
      const isThread = source.startsWith('thread/');
      const [all, notify] = (await numbers(ZOD, 'base')) as number[];
      assert.deepEqual([Number(all) - Number(before[0]), notify], [isThread ? notifyCount : count, notifyCount], kind);
      const [told] = await world.feedOf(ZOD);
      assert.deepEqual([told?.event, told?.key, told?.time], [event, source, found?.newest], kind);
      await act(ZOD, { read: { source: found?.source, action: { event } } });
      assert.deepEqual(await numbers(ZOD, source), [0, 0, false], kind);
      assert.equal(await numbers(NEC, source), undefined);
    }
  });

  it('wakes the ship as its level says', async () => {
    const event = async (kind: 'group-join' | 'group-invite') => {
      await world.clock.advance(1000);
      await act(ZOD, { adjust: { source: { base: null }, volume: { 'group-join': { unreads: true, notify: true } } } });
      await act(ZOD, { add: { [kind]: inGroup } });
      return (await world.feedOf(ZOD))[0]?.wasNotified;
    };
    for (const [level, join, invite] of [
      ['all', true, true],
      ['some', false, true],
      ['none', false, false],
    ] as const) {
      await act(ZOD, { 'allow-notifications': level });
      assert.deepEqual([await event('group-join'), await event('group-invite')], [join, invite], level);
    }
    assert.match(
      await world.refusal(ZOD, { activity: { 'allow-notifications': 'loud' } }),
      /^Notifications are all, some, none/,
    );
  });

  it('of an unknown source cannot be read or removed', async () => {
    const unknown = [
      ...[{ group: '~zod/none' }, { dm: { ship: FES } }, { contact: FES }, { channel: { nest: LOUNGE, group: GROUP } }],
      ...[{ thread: { key, ...place } }, { 'dm-thread': { key, whom: { ship: FES } } }],
    ];
    for (const source of unknown) {
      const all = { activity: { read: { source, action: { all: { time: null } } } } };
      assert.match(await world.refusal(ZOD, all), /^There is no activity in /);
      assert.match(await world.refusal(ZOD, { activity: { del: source } }), /^There is no activity in /);
    }
    assert.equal(
      await world.refusal(ZOD, { activity: { read: { source: { base: null }, action: { item: '5' } } } }),
      'There is no such event.',
    );
  });

  it('of a conversation is read with it, or message by message, and is removed with it', async () => {
    const dmSource = { dm: { ship: NEC } };
    const [one, two] = [await say(NEC, ZOD, 'one'), await say(NEC, ZOD, 'two')];
    assert.deepEqual(await numbers(ZOD, 'dm/~nec'), [2, 3, true]);
    assert.deepEqual((await world.summaryOf(ZOD, 'dm/~nec'))?.unread?.id, one);
    const item = one.slice(one.indexOf('/') + 1);
    await act(ZOD, { read: { source: dmSource, action: { item } } });
    assert.deepEqual(await numbers(ZOD, 'dm/~nec'), [1, 2, true]);
    assert.deepEqual((await world.summaryOf(ZOD, 'dm/~nec'))?.unread?.id, two);
    await readAll(ZOD, dmSource);
    assert.deepEqual(await numbers(ZOD, 'dm/~nec'), [0, 0, false]);
    await act(ZOD, { del: dmSource });
    assert.equal(await numbers(ZOD, 'dm/~nec'), undefined);
    assert.deepEqual(await kindsOf(ZOD), []);
    await say(NEC, ZOD, 'three');
    assert.deepEqual(await numbers(ZOD, 'dm/~nec'), [1, 1, true]);
  });

  it('is read one by one in a bounded number', async () => {
    for (let i = 0; i < 101; i += 1) await act(ZOD, { add: { 'group-ask': inGroup } });
    const feed = [
      ...(await world.feedOf(ZOD)),
      ...(await world.feedOf(ZOD, { before: (await world.feedOf(ZOD)).at(-1)?.time })),
    ];
    assert.equal(new Set(feed.map(({ time }) => time)).size, 100);
    const read = (item: string) => ({ activity: { read: { source: { group: GROUP }, action: { item } } } });
    for (const { time } of feed) await world.act(ZOD, read(time));
    assert.deepEqual((await numbers(ZOD, `group/${GROUP}`))?.[1], 1);
    const [oldest] = await world.feedOf(ZOD, { before: feed.at(-1)?.time });
    assert.match(await world.refusal(ZOD, read(oldest?.time ?? '')), /^At most 100 events/);
    await readAll(ZOD, { group: GROUP });
    assert.deepEqual((await numbers(ZOD, `group/${GROUP}`))?.[1], 0);
  });

  it('has settings that are bounded', async () => {
    const volume = Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`k${i}`, QUIET]));
    const reason = await world.refusal(ZOD, { activity: { adjust: { source: { base: null }, volume } } });
    assert.match(reason, /at most 100 kinds/);
  });
});
