// The agent of activity: what a ship reads of what is new, does with it, and is told of it.
import assert from 'node:assert/strict';
import { after, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { lastFirst } from '../../../../test/support/wait.ts';
import type { Change } from '../../../community/changes/change.ts';
import { millisFromId, withDots } from '../../../community/schema/id.ts';
import {
  BUD,
  createWorld,
  FES,
  GROUP,
  LOUNGE,
  memoOf,
  NEC,
  type World,
  withLounge,
  ZOD,
} from '../../../community/test-support/world.ts';
import { statement } from '../../../database/statement.ts';
import { createActAs } from '../acting.ts';
import type { Agent, Watcher } from '../agent.ts';
import { createActivity } from './activity.ts';
import { activityInit } from './init.ts';

const cleanup = lastFirst({ after });
let world: World;
let agent: Required<Agent>;
let lounge: Awaited<ReturnType<typeof withLounge>>;
beforeEach(async () => {
  world = await createWorld(cleanup);
  agent = createActivity({ ...world, actAs: createActAs(world.community.act) }) as typeof agent;
  lounge = await withLounge(world, [NEC, FES]);
});

const CHANNEL = { channel: { nest: LOUNGE, group: GROUP } };
const poke = async (ship: string, json: unknown, mark = 'activity-action'): Promise<string> => {
  const result = await agent.poke(mark, json, ship);
  return result === undefined ? 'no such mark' : result.kind === 'done' ? 'done' : result.reason;
};
const readAll = (ship: string, source: unknown, deep = false) =>
  poke(ship, { read: { source, action: { all: { time: null, deep } } } });
const say = async (from: string, to: string, text: string): Promise<string> => {
  const id = await world.nextId(from);
  await world.act(from, { dm: { ship: to, diff: { id, delta: { add: { memo: memoOf(from, text) } } } } });
  return id;
};
type Summary = {
  'recency-uv': string;
  count: number;
  'notify-count': number;
  notify: boolean;
  unread: object | null;
  recency: number;
};
type Feed = { events: { event: Record<string, unknown>; time: string }[]; 'source-key': string; latest: string }[];
// biome-ignore lint/suspicious/noExplicitAny: what the test says it is.
const scry = async (ship: string, path: string): Promise<any> => agent.scry(path, ship);
const activityOf = async (ship: string): Promise<Record<string, Summary>> => scry(ship, '/v4/activity');
const kindsIn = (feed: Feed) => feed.map(({ events }) => Object.keys(events[0]?.event ?? {})[0]);

const listChanges = statement<{ id: number; changes: Change[] }>(
  'test.changes-of-activity',
  'select id, changes from community_changes where id > $1 order by id',
);
let seen: number;
/** What these are told of what has happened since the last time. */
const told = async (...watchers: Watcher[]) => {
  const rows = await world.database.query(listChanges, [seen]);
  seen = rows.at(-1)?.id ?? seen;
  const facts = await agent.factsOf(
    rows.flatMap(({ changes }) => changes),
    watchers,
  );
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  return facts.map(({ watcher, fact }) => ({ ship: watcher.ship, mark: fact.mark, ...(fact.json as any) }));
};
beforeEach(async () => {
  seen = 0;
  await told();
});

describe('a ship reads', () => {
  it('what is new in its channels and conversations, and in all that is above them', async () => {
    const post = await lounge.post(ZOD, 'hi');
    const message = await say(ZOD, NEC, 'you');
    const found = await activityOf(NEC);
    assert.deepEqual(Object.keys(found).sort(), ['base', `channel/${LOUNGE}`, `group/${GROUP}`, 'ship/~zod']);
    const unread = { id: `${ZOD}/${withDots(post)}`, time: withDots(post), count: 1, notify: true };
    const { 'recency-uv': uv, ...channel } = (found[`channel/${LOUNGE}`] ?? {}) as Summary;
    assert.deepEqual(channel, {
      count: 1,
      'notify-count': 1,
      notify: true,
      unread,
      recency: millisFromId(BigInt(post)),
    });
    assert.match(uv, /^0v[0-9a-v.]+$/);
    assert.deepEqual(found['ship/~zod']?.unread, { ...unread, id: message, time: message.slice(5) });
    assert.equal(found.base?.count, 2);
    assert.deepEqual(await activityInit(world.database, NEC), found);
  });

  it('its threads, of one channel or conversation', async () => {
    const post = await lounge.post(NEC, 'hi');
    await lounge.reply(ZOD, post, 'what, ', { ship: NEC });
    const message = await say(NEC, ZOD, 'you');
    const reply = await world.nextId(ZOD);
    const delta = { reply: { id: reply, delta: { add: { memo: memoOf(ZOD, 'yes') } } } };
    await world.act(ZOD, { dm: { ship: NEC, diff: { id: message, delta } } });
    const threads = await scry(NEC, `/v4/activity/threads/${GROUP}/${LOUNGE}`);
    assert.deepEqual(Object.keys(threads), [`thread/${LOUNGE}/${withDots(post)}`]);
    const dmThreads = await scry(NEC, '/v4/activity/dm-threads/~zod');
    assert.deepEqual(Object.keys(dmThreads), [`dm-thread/~zod/${message}`]);
    assert.equal(await scry(NEC, '/v4/activity/others/~zod'), undefined);
  });

  it('what happened, newest first, a page at a time; mentions and replies also apart', async () => {
    const first = await lounge.post(ZOD, 'one');
    const second = await lounge.post(FES, 'two, ', { ship: NEC });
    await lounge.reply(ZOD, first, 'three');
    await say(BUD, NEC, 'four');
    const init = await scry(NEC, '/v5/feed/init/30');
    assert.deepEqual(kindsIn(init.all).slice(0, 5), ['dm-post', 'dm-invite', 'reply', 'post', 'post']);
    assert.deepEqual([kindsIn(init.mentions), kindsIn(init.replies)], [['post'], ['reply']]);
    assert.ok(init.summaries[`channel/${LOUNGE}`] && init.summaries['ship/~bud'] && !init.summaries.base);
    const [mention] = init.mentions;
    assert.deepEqual(mention, {
      ...{ source: CHANNEL, 'source-key': `channel/${LOUNGE}`, latest: withDots(second) },
      events: [
        {
          time: withDots(second),
          event: {
            post: {
              key: { id: `${FES}/${withDots(second)}`, time: withDots(second) },
              ...{ channel: LOUNGE, group: GROUP, content: memoOf(FES, 'two, ', { ship: NEC }).content, mention: true },
            },
            notified: true,
          },
        },
      ],
    });
    const page = await scry(NEC, '/v6/feed/all/3');
    assert.deepEqual(kindsIn(page.feed), ['dm-post', 'dm-invite', 'reply']);
    const next = await scry(NEC, `/v5/feed/all/3/${page.feed.at(-1).latest}`);
    assert.deepEqual(kindsIn(next.feed).slice(0, 2), ['post', 'post']);
    assert.deepEqual(kindsIn((await scry(NEC, '/v5/feed/replies/30')).feed), ['reply']);
    assert.equal(await scry(NEC, '/v5/feed/all/3/x'), undefined);
    assert.equal(await scry(NEC, '/v5/feed/toString/3'), undefined);
  });

  it('how loud its sources are, and how much it wants to be told', async () => {
    assert.equal(await scry(NEC, '/notifications-allowed'), 'some');
    assert.deepEqual(await scry(NEC, '/volume-settings'), {});
    await say(ZOD, NEC, 'hi');
    const quiet = { unreads: true, notify: false };
    const volume = { 'dm-post': quiet, 'dm-invite': quiet, react: { unreads: false, notify: false } };
    assert.equal(await poke(NEC, { adjust: { source: { dm: { ship: ZOD } }, volume } }, 'activity-action-1'), 'done');
    assert.equal(await poke(NEC, { 'allow-notifications': 'all' }, 'activity-action-2'), 'done');
    assert.deepEqual(await scry(NEC, '/v6/volume-settings'), { 'ship/~zod': volume });
    assert.equal(await scry(NEC, '/notifications-allowed'), 'all');
    assert.equal((await activityOf(NEC))['ship/~zod']?.notify, false);
  });
});

describe('a ship marks as read', () => {
  it('a channel, a conversation, or everything', async () => {
    await lounge.post(ZOD, 'one');
    await say(ZOD, NEC, 'two');
    await say(BUD, NEC, 'three');
    assert.equal(await readAll(NEC, CHANNEL), 'done');
    assert.equal(await readAll(NEC, { dm: { ship: ZOD } }), 'done');
    const left = await activityOf(NEC);
    assert.deepEqual([left.base?.count, left['ship/~bud']?.count], [1, 1]);
    assert.equal(await readAll(NEC, { base: null }, true), 'done');
    assert.equal((await activityOf(NEC)).base?.count, 0);
  });

  it('its invitations to groups, and nothing else of these groups', async () => {
    const cordon = { shut: { pending: [], ask: [] } };
    const diff = (asked: unknown) => ({ groups: { flag: GROUP, update: { diff: asked } } });
    await world.act(ZOD, diff({ cordon: { swap: cordon } }));
    await world.act(ZOD, diff({ cordon: { shut: { 'add-ships': { kind: 'pending', ships: [BUD] } } } }));
    await say(ZOD, BUD, 'come');
    const before = await activityOf(BUD);
    assert.equal(before[`group/${GROUP}`]?.['notify-count'], 1);
    assert.equal(await poke(BUD, { 'clear-group-invites': null }), 'done');
    const left = await activityOf(BUD);
    assert.equal(left[`group/${GROUP}`]?.['notify-count'], 0);
    assert.equal(left['ship/~zod']?.count, 1);
  });

  it('nothing that it does not know; it is told in one line why not', async () => {
    const cases: [Promise<string>, RegExp][] = [
      [readAll(BUD, CHANNEL), /^There is no activity in channel/],
      [poke(NEC, null), /^\/activity must/],
      [poke(NEC, { read: {} }), /^\/activity\/read\/source is missing/],
      [poke(NEC, { 'allow-notifications': 'loud' }), /^Notifications are all, some, none/],
      [poke(NEC, {}, 'toString'), /no such mark/],
    ];
    for (const [asked, reason] of cases) assert.match(await asked, reason);
  });
});

describe('a ship that watches its activity is told', () => {
  const v4 = (ship: string) => ({ ship, path: '/v4' });

  it('of posts and replies of others in channels that it has joined, as they come', async () => {
    const post = await lounge.post(ZOD, 'hi ', { ship: NEC });
    const all = await told(v4(ZOD), v4(NEC), v4(BUD), { ship: FES, path: '/v5' });
    const shown = all.map(({ ship, mark, add, activity }) => [
      ship,
      mark,
      add?.time,
      activity && Object.keys(activity),
    ]);
    const keys = [`channel/${LOUNGE}`, `group/${GROUP}`, 'base'];
    assert.deepEqual(
      shown.toSorted(),
      [
        [FES, 'activity-update-5', withDots(post), undefined],
        [FES, 'activity-update-5', undefined, keys],
        [NEC, 'activity-update-4', withDots(post), undefined],
        [NEC, 'activity-update-4', undefined, keys],
        [ZOD, 'activity-update-4', undefined, keys],
      ].toSorted(),
    );
    const toNec = all.find(({ ship, add }) => ship === NEC && add);
    const content = memoOf(ZOD, 'hi ', { ship: NEC }).content;
    const key = { id: `${ZOD}/${withDots(post)}`, time: withDots(post) };
    assert.deepEqual(toNec?.add, {
      ...{ 'source-key': `channel/${LOUNGE}`, source: CHANNEL, time: withDots(post) },
      event: { post: { key, channel: LOUNGE, group: GROUP, content, mention: true }, notified: true },
    });
    assert.deepEqual(
      all.at(-1)?.activity,
      Object.fromEntries(
        Object.entries((await activityOf(all.at(-1)?.ship)) as object).filter(([name]) => keys.includes(name)),
      ),
    );
    const reply = await lounge.reply(FES, post, 'yes');
    const [added, counted] = await told(v4(NEC));
    assert.deepEqual(added.add.event.reply.parent, key);
    assert.deepEqual([added.add.time, added.add.event.notified], [withDots(reply), false]);
    assert.ok(counted.activity[`thread/${LOUNGE}/${withDots(post)}`]);
    await world.act(ZOD, lounge.inLounge({ del: withDots(post) }));
    const [gone, ...more] = await told(v4(NEC));
    assert.deepEqual([gone.activity[`channel/${LOUNGE}`].count, more], [0, []]);
  });

  it('of messages and invitations', async () => {
    const id = await say(ZOD, NEC, 'hi');
    const [invited, added, counted] = await told(v4(NEC));
    assert.deepEqual(invited.add.event, { 'dm-invite': { ship: ZOD }, notified: true });
    assert.equal(added.add.event['dm-post'].key.id, id);
    assert.deepEqual([added.add.source, added.add['source-key']], [{ dm: { ship: ZOD } }, 'ship/~zod']);
    assert.equal(counted.activity['ship/~zod'].count, 1);
    await world.act(ZOD, { dm: { ship: NEC, diff: { id, delta: { del: null } } } });
    const [gone] = await told(v4(NEC));
    assert.equal(gone.activity['ship/~zod'].count, 0);
  });

  it('of what it reads, silences and removes, wherever it does so', async () => {
    await lounge.post(ZOD, 'one');
    await say(ZOD, NEC, 'two');
    await told();
    await readAll(NEC, CHANNEL);
    const [read, counted] = await told(v4(NEC), v4(ZOD));
    assert.deepEqual([read.read.source, read.read.activity.count], [CHANNEL, 0]);
    assert.equal(counted.activity.base.count, 1);
    await lounge.post(ZOD, 'three');
    await told();
    await world.act(NEC, { channels: { channel: { nest: LOUNGE, action: { read: null } } } });
    assert.equal((await told(v4(NEC)))[0].read.activity.count, 0);
    const volume = { post: { unreads: false, notify: false } };
    await poke(NEC, { adjust: { source: CHANNEL, volume } });
    assert.deepEqual((await told(v4(NEC)))[0].adjust, { source: CHANNEL, volume });
    await poke(NEC, { 'allow-notifications': 'none' });
    assert.deepEqual(
      (await told(v4(NEC))).map((fact) => fact['allow-notifications']),
      ['none'],
    );
    const source = { dm: { ship: ZOD } };
    await poke(NEC, { del: source });
    const [removed, left] = await told(v4(NEC));
    assert.deepEqual([removed.del, left.activity.base.count, left.activity['ship/~zod'].count], [source, 0, 0]);
    await readAll(NEC, { base: null }, true);
    const [, all] = await told(v4(NEC));
    assert.deepEqual(all.activity, await activityOf(NEC));
  });

  it('all that it would read: it never has to ask again', async () => {
    const ships = fc.constantFrom(ZOD, NEC, FES);
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ post: ships, mentions: fc.boolean() }) },
      { weight: 3, arbitrary: fc.record({ reply: ships, to: fc.nat(3) }) },
      { weight: 3, arbitrary: fc.record({ say: fc.constantFrom(ZOD, FES, BUD) }) },
      { weight: 1, arbitrary: fc.record({ unsay: fc.nat(3) }) },
      { weight: 1, arbitrary: fc.record({ unpost: fc.nat(3) }) },
      { weight: 3, arbitrary: fc.record({ read: fc.nat(5), deep: fc.boolean() }) },
      { weight: 1, arbitrary: fc.record({ del: fc.nat(5) }) },
      { weight: 1, arbitrary: fc.record({ adjust: fc.nat(5), loud: fc.boolean() }) },
    );
    await agent.watch('/v4', NEC);
    const client = new Map(Object.entries(await activityOf(NEC)));
    const posts: string[] = [];
    const messages: { from: string; id: string }[] = [];
    const sourceOf = (number: number): object => {
      const [post] = posts;
      const key = { id: `${ZOD}/${withDots(post ?? '1')}`, time: withDots(post ?? '1') };
      const thread = { thread: { key, channel: LOUNGE, group: GROUP } };
      const sources = [{ base: null }, CHANNEL, { group: GROUP }, { dm: { ship: ZOD } }, { dm: { ship: BUD } }, thread];
      return sources[number] as object;
    };
    type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;
    const take = async (asked: Step): Promise<void> => {
      if ('post' in asked) posts.push(await lounge.post(asked.post, asked.mentions ? { ship: NEC } : 'hi'));
      else if ('reply' in asked) {
        const post = posts.at(-1 - asked.to);
        if (post) await lounge.reply(asked.reply, post, 'yes');
      } else if ('say' in asked) messages.push({ from: asked.say, id: await say(asked.say, NEC, 'hi') });
      else if ('unsay' in asked) {
        const message = messages.at(-1 - asked.unsay);
        const dm = message && { ship: NEC, diff: { id: message.id, delta: { del: null } } };
        if (message) await world.act(message.from, { dm });
      } else if ('unpost' in asked) {
        const post = posts.at(-1 - asked.unpost);
        if (post) await world.act(ZOD, lounge.inLounge({ del: withDots(post) }));
      } else if ('read' in asked) await readAll(NEC, sourceOf(asked.read), asked.deep);
      else if ('del' in asked) await poke(NEC, { del: sourceOf(asked.del) });
      else {
        const loudness = { unreads: asked.loud, notify: asked.loud };
        const volume = { post: loudness, 'dm-post': loudness, reply: loudness };
        await poke(NEC, { adjust: { source: sourceOf(asked.adjust), volume } });
      }
    };
    const shown = (all: Iterable<readonly [string, Summary]>) =>
      Object.fromEntries(
        [...all].flatMap(([key, { recency: _, 'recency-uv': __, ...numbers }]) =>
          numbers.count + numbers['notify-count'] === 0 ? [] : [[key, numbers]],
        ),
      );
    for (const steps of fc.sample(fc.array(step, { minLength: 1, maxLength: 4 }), 60)) {
      for (const one of steps) await take(one);
      for (const { activity } of await told(v4(NEC))) {
        for (const [key, summary] of Object.entries(activity ?? {})) client.set(key, summary as Summary);
      }
      const read = Object.entries(await activityOf(NEC));
      assert.deepEqual(shown(client), shown(read), JSON.stringify(steps));
    }
  });
});
