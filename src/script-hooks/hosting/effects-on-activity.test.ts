// What effects on activity do: to the host, as its clients read it, and to nobody else.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { lastFirst } from '../../../test/support/wait.ts';
import { withDots } from '../../community/schema/id.ts';
import type { ActionActivity, ActivitySource, IncomingEvent } from '../../community/types/activity.ts';
import { createEffectsWorld, memo } from '../test-support/effects-world.ts';
import { BUD, FES, FLAG, HOST, NEC, onPost } from '../test-support/hosting-world.ts';

const world = await createEffectsWorld(lastFirst({ after }));
const { effects, refusedEffect, as, channel, does, messageId, clock } = world;

const post = async (text: string, nest: string) => {
  await clock.advance(1000);
  return world.post(text, NEC, nest);
};
const activity = (...all: readonly ActionActivity[]) => effects(...all.map((one) => ({ activity: one })));
const sourcesOf = async (ship: string) => (await as(ship).activity()).sources;
const eventsOf = async (ship: string) =>
  (await as(ship).listActivity({ limit: '50' })).events.map(({ event }: { event: IncomingEvent }) => event);
const key = (author: string, id: string) => ({ id: `${author}/${withDots(id)}`, time: withDots(id) });
const { content } = memo('hi', NEC);
const club = '0v7';

describe('the effect activity add', () => {
  it('puts an event of every kind into its source and those above it, for the host alone', async () => {
    const nest = await channel('chat', 'told');
    const place = { channel: nest, group: FLAG };
    const [one, two] = [key(NEC, '5000'), key(NEC, '6000')];
    const kinds: readonly [IncomingEvent, string][] = [
      [{ post: { key: one, ...place, content, mention: false } }, `channel/${nest}`],
      [{ reply: { key: two, parent: one, ...place, content, mention: true } }, `thread/${nest}/5.000`],
      [{ 'chan-init': place }, `channel/${nest}`],
      [{ 'dm-invite': { ship: FES } }, `dm/${FES}`],
      [{ 'dm-invite': { club } }, `dm/${club}`],
      [{ 'dm-post': { key: one, whom: { ship: NEC }, content, mention: false } }, `dm/${NEC}`],
      [
        { 'dm-reply': { key: two, parent: one, whom: { ship: NEC }, content, mention: false } },
        `dm-thread/${NEC}/${one.id}`,
      ],
      [{ 'flag-post': { key: one, ...place } }, `group/${FLAG}`],
      [{ 'flag-reply': { key: two, parent: one, ...place } }, `group/${FLAG}`],
      ...(['group-ask', 'group-join', 'group-kick', 'group-invite'] as const).map((kind): [IncomingEvent, string] => [
        { [kind]: { group: FLAG, ship: NEC } } as unknown as IncomingEvent,
        `group/${FLAG}`,
      ]),
      [{ 'group-role': { group: FLAG, ship: NEC, roles: ['admin'] } }, `group/${FLAG}`],
    ];
    const before = await sourcesOf(FES);
    for (const [event, source] of kinds) {
      await activity({ add: event });
      const [newest] = (await as(HOST).listActivity({ limit: '1' })).events;
      assert.deepEqual([newest.event, newest.key], [event, source]);
      const sources = await sourcesOf(HOST);
      assert.equal(sources.base.newest, sources[source].newest, source);
      assert.equal(sources[source].newest, newest.time);
    }
    assert.deepEqual(await sourcesOf(FES), before);
  });

  it('counts posts, replies and messages as unread, by their volume', async () => {
    const flag = await world.newGroup('counted');
    const place = { channel: `chat/${HOST}/counted`, group: flag };
    const add = (event: IncomingEvent) => activity({ add: event });
    const numbers = async () => {
      const sources = await sourcesOf(HOST);
      const of = (source: string) => [sources[source]?.count, sources[source]?.notifyCount];
      return [of(`group/${flag}`), of(`channel/${place.channel}`), of(`thread/${place.channel}/5.000`)];
    };
    await add({ post: { key: key(NEC, '5000'), ...place, content, mention: false } });
    await add({ 'group-join': { group: flag, ship: NEC } });
    assert.deepEqual(await numbers(), [
      [1, 1],
      [1, 1],
      [undefined, undefined],
    ]);
    const reply = { key: key(NEC, '6000'), parent: key(NEC, '5000'), ...place, content };
    await add({ reply: { ...reply, mention: false } });
    assert.deepEqual(await numbers(), [
      [1, 1],
      [1, 1],
      [1, 0],
    ]);
    await add({ reply: { ...reply, key: key(NEC, '7000'), mention: true } });
    assert.deepEqual(await numbers(), [
      [2, 2],
      [2, 2],
      [2, 1],
    ]);
  });
});

describe('the effect activity del', () => {
  it('removes a source with all below it, its events and its volume', async () => {
    const flag = await world.newGroup('removed');
    const place = { channel: `chat/${HOST}/removed`, group: flag };
    const source: ActivitySource = { channel: { nest: place.channel, group: flag } };
    const add: IncomingEvent = { post: { key: key(NEC, '5000'), ...place, content, mention: false } };
    await activity({ add }, { adjust: { source, volume: { post: { unreads: false, notify: false } } } }, { add });
    const inGroup = async () =>
      (await eventsOf(HOST)).filter((event: IncomingEvent) => 'post' in event && event.post.group === flag);
    assert.equal((await inGroup()).length, 2);
    await activity({ del: { group: flag } });
    assert.deepEqual(await inGroup(), []);
    assert.deepEqual(
      Object.keys(await sourcesOf(HOST)).filter((one) => one.includes('removed')),
      [],
    );
    await activity({ add });
    assert.equal((await sourcesOf(HOST))[`channel/${place.channel}`].count, 1, 'its volume is forgotten');
    assert.match(await refusedEffect({ activity: { del: { dm: { ship: '~wes' } } } }), /There is no activity/);
  });
});

describe('the effect activity read', () => {
  const read = (source: ActivitySource, action: object) => activity({ read: { source, action } } as ActionActivity);
  const countOf = async (source: string, ship = HOST) => (await sourcesOf(ship))[source]?.count ?? 0;

  it('reads a channel until a time, or all of it', async () => {
    const nest = await channel('chat', 'read');
    const source = { channel: { nest, group: FLAG } };
    const [one, two] = [await post('one', nest), await post('two', nest)];
    assert.equal(await countOf(`channel/${nest}`), 2);
    await read(source, { all: { time: one, deep: false } });
    assert.equal(await countOf(`channel/${nest}`), 1);
    assert.equal((await sourcesOf(HOST))[`channel/${nest}`].unread.time, two);
    await post('three', nest);
    await read(source, { all: { time: null } });
    assert.deepEqual([await countOf(`channel/${nest}`), await countOf(`channel/${nest}`, FES)], [0, 3]);
  });

  it('reads the threads below when it is deep', async () => {
    const nest = await channel('chat', 'deep');
    const source = { channel: { nest, group: FLAG } };
    const id = await post('one', nest);
    await clock.advance(1000);
    await does(onPost(nest, { reply: { id, action: { add: memo('two', NEC) } } }), NEC);
    const thread = `thread/${nest}/${withDots(id)}`;
    await read(source, { all: { time: null } });
    assert.deepEqual([await countOf(`channel/${nest}`), await countOf(thread)], [0, 1]);
    await read(source, { all: { time: null, deep: true } });
    assert.deepEqual([await countOf(thread), await countOf(thread, FES)], [0, 1]);
  });

  it('reads one event, by its id or as it is', async () => {
    const nest = await channel('chat', 'items');
    const source = { channel: { nest, group: FLAG } };
    const [one, two] = [await post('one', nest), await post('two', nest)];
    await read(source, { item: withDots(two) });
    assert.deepEqual(
      [await countOf(`channel/${nest}`), (await sourcesOf(HOST))[`channel/${nest}`].unread.time],
      [1, one],
    );
    const [first] = (await eventsOf(HOST)).filter(
      (event: IncomingEvent) => 'post' in event && event.post.key.time === withDots(one),
    );
    await read(source, { event: first });
    assert.equal(await countOf(`channel/${nest}`), 0);
  });

  it('of a source that is unknown is refused', async () => {
    const unknown = { read: { source: { dm: { ship: '~wes' } }, action: { all: { time: null } } } };
    assert.match(await refusedEffect({ activity: unknown }), /There is no activity/);
  });
});

describe('the effects adjust and allow-notifications', () => {
  /** What the host gets of a message that bud sends now. */
  const notified = async () => {
    const id = await messageId(BUD);
    await does(
      { dm: { ship: HOST, diff: { id, delta: { add: { memo: memo('psst', BUD), kind: null, time: null } } } } },
      BUD,
    );
    const [newest] = (await as(HOST).listActivity({ limit: '1' })).events;
    assert.equal(newest.event['dm-post'].key.id, id);
    return newest.wasNotified;
  };

  it('say how loud a source is, and let it be as loud as those above again', async () => {
    const source = { dm: { ship: BUD } };
    const count = async () => (await sourcesOf(HOST))[`dm/${BUD}`].count;
    assert.equal(await notified(), true);
    const before = await count();
    await activity({ adjust: { source, volume: { 'dm-post': { unreads: false, notify: false } } } });
    assert.equal(await notified(), false);
    assert.equal(await count(), 0, 'it counts no messages');
    await activity({ adjust: { source, volume: null } });
    assert.equal(await notified(), true);
    assert.equal(await count(), before + 2);
    await activity({ adjust: { source: { base: null }, volume: { 'dm-post': { unreads: true, notify: false } } } });
    assert.equal(await notified(), false, 'as the base of all says');
    await activity({ adjust: { source: { base: null }, volume: null } });
  });

  it('say of what the host is told at all', async () => {
    const kick: IncomingEvent = { 'group-ask': { group: FLAG, ship: NEC } };
    const ask = async () => {
      await activity({ add: kick });
      return (await as(HOST).listActivity({ limit: '1' })).events[0].wasNotified;
    };
    const heard = async (level: string) => {
      await activity({ 'allow-notifications': level });
      return [await notified(), await ask()];
    };
    assert.deepEqual(await heard('none'), [false, false]);
    assert.deepEqual(await heard('some'), [true, false]);
    assert.deepEqual(await heard('all'), [true, true]);
    assert.match(await refusedEffect({ activity: { 'allow-notifications': 'loud' } }), /Notifications are/);
  });
});
