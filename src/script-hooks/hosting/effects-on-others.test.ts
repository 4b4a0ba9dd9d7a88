// What effects in conversations, clubs and contacts do, as those who are meant read it; and those
// of hooks themselves.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { lastFirst } from '../../../test/support/wait.ts';
import { blockShip } from '../../community/chat/blocks.ts';
import type { ActionContacts, ClubDelta, ReplyDelta, WritsDelta } from '../../community/types/chat.ts';
import { createEffectsWorld, memo, meta } from '../test-support/effects-world.ts';
import { BUD, FES, HOST, NEC } from '../test-support/hosting-world.ts';

const world = await createEffectsWorld(lastFirst({ after }));
const { effects, refusedEffect, as, isHidden, does, messageId, manage, clock, settled, texts, fired, hook, newGroup } =
  world;

const add = (text: string, author = HOST): WritsDelta => ({
  add: { memo: memo(text, author), kind: null, time: null },
});
const reply = (id: string, delta: ReplyDelta['delta']): WritsDelta => ({ reply: { id, meta: null, delta } });
/** A message as a ship reads it in its own copy. */
const messageAs = async (ship: string, whom: string, id: string) => (await as(ship).message(whom, id)).message;

describe('the effect dm', () => {
  const dm = (ship: string, id: string, delta: WritsDelta) => ({ dm: { ship, diff: { id, delta } } });

  it('opens a conversation, in which the other reads messages, replies and reactions', async () => {
    const id = await messageId(HOST);
    await effects(dm(NEC, id, add('psst')), dm(NEC, id, add('the same id again')));
    const states = async () => [(await as(NEC).chat(HOST)).chat.state, (await as(HOST).chat(NEC)).chat.state];
    assert.deepEqual(await states(), ['invited', 'inviting']);
    const { memo: said, isNotice, replyCount } = await messageAs(NEC, HOST, id);
    assert.deepEqual([said, isNotice, replyCount], [memo('psst', HOST), false, 0]);
    await does(dm(HOST, await messageId(NEC), add('yes?', NEC)), NEC);
    assert.deepEqual(await states(), ['open', 'open']);
    const answer = await messageId(HOST);
    await effects(
      dm(NEC, id, { 'add-react': { ship: HOST, react: ':wave:' } }),
      dm(NEC, id, { 'add-react': { ship: HOST, react: '👍' } }),
      dm(NEC, id, reply(answer, { add: { memo: memo('listen', HOST), time: null } })),
      dm(NEC, id, reply(answer, { 'add-react': { ship: HOST, react: ':heart:' } })),
    );
    const found = await messageAs(NEC, HOST, id);
    assert.deepEqual(found.reacts, { [HOST]: '👍' });
    assert.deepEqual(
      [Object.keys(found.replies), found.replies[answer].memo, found.replies[answer].reacts],
      [[answer], memo('listen', HOST), { [HOST]: ':heart:' }],
    );
    await effects(
      dm(NEC, id, { 'del-react': HOST }),
      dm(NEC, id, reply(answer, { 'del-react': HOST })),
      dm(NEC, id, reply('~zod/5', { 'del-react': HOST })),
    );
    assert.deepEqual((await messageAs(NEC, HOST, id)).reacts, {});
    assert.deepEqual((await messageAs(NEC, HOST, id)).replies[answer].reacts, {});
    await effects(dm(NEC, id, reply(answer, { del: null })));
    assert.deepEqual((await messageAs(NEC, HOST, id)).replies, {});
    await effects(
      dm(NEC, id, { del: null }),
      dm(NEC, id, reply(answer, { add: { memo: memo('late', HOST), time: null } })),
    );
    assert.equal(await isHidden(as(NEC).message(HOST, id)), true);
    assert.equal(await isHidden(as(FES).chat(HOST)), true);
  });

  it('may have an id that names the other ship, as scripts make it by hand', async () => {
    const id = await messageId(NEC);
    await effects(dm(NEC, id, add('by hand')));
    assert.deepEqual((await messageAs(NEC, HOST, id)).memo, memo('by hand', HOST));
    assert.match(await refusedEffect(dm(NEC, await messageId(FES), add('x'))), /The id of a message of yours/);
  });

  it('may hold every text that JSON has, and does not keep the other from reading what is new', async () => {
    const [id, answer] = [await messageId(HOST), await messageId(HOST)];
    const odd = '\\u0000 \\\\ \u0000 \ud800 😀';
    await effects(dm(FES, id, add(odd)), dm(FES, id, reply(answer, { add: { memo: memo(odd, HOST), time: null } })));
    assert.deepEqual((await messageAs(FES, HOST, id)).memo, memo(odd, HOST));
    const { [`dm/${HOST}`]: source } = (await as(FES).activity()).sources;
    assert.deepEqual([source.unread.id, source.count], [id, 2]);
    const [event] = (await as(FES).listActivity({ limit: '1' })).events;
    assert.deepEqual(event.event['dm-reply'].content[0].inline, ['\\u0000 \\\\ \ufffd \ufffd 😀']);
  });

  it('may be a notice, and a note of the host to itself', async () => {
    const [one, two] = [await messageId(HOST), await messageId(HOST)];
    await effects(
      dm(FES, one, { add: { memo: memo('closing', HOST), kind: { notice: null }, time: '5' } }),
      dm(HOST, two, add('a note')),
    );
    assert.equal((await messageAs(FES, HOST, one)).isNotice, true);
    assert.notEqual((await messageAs(FES, HOST, one)).time, '5', 'it has the time at which it came');
    assert.deepEqual((await messageAs(HOST, HOST, two)).memo, memo('a note', HOST));
  });

  it('is refused by whoever blocks the host, and to a ship that is not here', async () => {
    await world.ships.add('~bus');
    await world.database.transaction((tx) => blockShip(tx, '~bus', HOST));
    assert.match(await refusedEffect(dm('~bus', await messageId(HOST), add('x'))), /~bus takes no messages from ~zod/);
    assert.equal(await isHidden(as('~bus').chat(HOST)), true);
    assert.match(await refusedEffect(dm('~wes', await messageId(HOST), add('x'))), /There is no ship ~wes here/);
  });
});

describe('the effect club', () => {
  const CLUB = '0v5';
  const club = (delta: ClubDelta, id = CLUB) => ({ club: { id, diff: { uid: '0v4', delta } } });
  const clubAs = async (ship: string, id = CLUB) => (await as(ship).chat(id)).chat.club;

  it('begins a club, in which all read and write, and which the host leaves', async () => {
    await effects(club({ init: { team: [HOST, NEC], hive: [FES], meta: meta('Night \u0000') } }));
    await does(club({ team: { ship: NEC, ok: true } }), NEC);
    for (const ship of [NEC, FES]) {
      assert.deepEqual(await clubAs(ship), { team: [HOST, NEC], hive: [FES], meta: meta('Night \u0000') });
    }
    const events = (await as(FES).listActivity()).events.map(({ event }: { event: object }) => event);
    assert.deepEqual(events[0], { 'dm-invite': { club: CLUB } });
    const id = await messageId(HOST);
    const answer = await messageId(HOST);
    await effects(
      club({ writ: { id, delta: add('hello') } }),
      club({ writ: { id, delta: { 'add-react': { ship: HOST, react: ':wave:' } } } }),
      club({ writ: { id, delta: reply(answer, { add: { memo: memo('me', HOST), time: null } }) } }),
    );
    for (const ship of [NEC, FES]) {
      const found = await messageAs(ship, CLUB, id);
      assert.deepEqual(
        [found.memo, found.reacts, Object.keys(found.replies)],
        [memo('hello', HOST), { [HOST]: ':wave:' }, [answer]],
      );
    }
    await effects(club({ writ: { id, delta: { del: null } } }), club({ meta: meta('Day') }));
    assert.equal(await isHidden(as(FES).message(CLUB, id)), true);
    assert.equal((await clubAs(FES)).meta.title, 'Day');
    await effects(
      club({ hive: { by: HOST, for: BUD, add: true } }),
      club({ hive: { by: HOST, for: FES, add: false } }),
    );
    assert.deepEqual((await clubAs(BUD)).hive, [BUD]);
    assert.equal(await isHidden(as(FES).chat(CLUB)), true);
    await effects(club({ init: { team: [HOST], hive: [], meta: meta('Again') } }));
    assert.equal((await clubAs(NEC)).meta.title, 'Day');
    await effects(club({ team: { ship: HOST, ok: false } }));
    assert.deepEqual((await clubAs(NEC)).team, [NEC]);
    assert.match(
      await refusedEffect(club({ writ: { id: await messageId(HOST), delta: add('x') } })),
      /not in this club/,
    );
  });

  it('accepts an invitation of another ship, or declines it', async () => {
    for (const [id, ok] of [
      ['0v6', true],
      ['0v7', false],
    ] as const) {
      await does(club({ init: { team: [NEC], hive: [HOST], meta: meta('T') } }, id), NEC);
      await effects(club({ team: { ship: HOST, ok } }, id));
      assert.deepEqual(await clubAs(NEC, id), { team: ok ? [NEC, HOST] : [NEC], hive: [], meta: meta('T') });
    }
    assert.match(await refusedEffect(club({ meta: meta('x') }, '0v8')), /not in this club/);
  });
});

describe('the effect contacts', () => {
  const contacts = (...all: readonly ActionContacts[]) => effects(...all.map((one) => ({ contacts: one })));
  const named = (text: string) => ({ nickname: { text } });
  const seen = async (kip: string) => (await as(HOST).contact(kip)).contact;

  it('changes the profile that others see, and clears it', async () => {
    await does({ contacts: { meet: [HOST] } }, NEC);
    const profile = async () => (await as(NEC).contact(HOST)).contact.profile;
    const self = {
      ...{ ...named('Zod'), color: { tint: 255 }, avatar: { look: 'https://a/b.png' }, since: { date: 5 } },
      ...{
        age: { numb: 3 },
        friend: { ship: NEC },
        open: { flag: `${HOST}/club` },
        constructor: { text: 'a field like any other' },
        groups: { set: [{ flag: `${HOST}/club` }] },
      },
    };
    await contacts({ self });
    assert.deepEqual(await profile(), self);
    await contacts({ self: { color: null, bio: { text: 'here' } } });
    const { color: _, ...rest } = self;
    assert.deepEqual(await profile(), { ...rest, bio: { text: 'here' } });
    assert.match(await refusedEffect({ contacts: { self: named('x'.repeat(65)) } }), /nickname/);
    await contacts({ anon: null });
    assert.deepEqual(await profile(), {});
  });

  it('keeps pages of ships and of others in the book of the host', async () => {
    await does({ contacts: { self: named('Nec') } }, NEC);
    await contacts(
      { page: { kip: { ship: NEC }, contact: named('My Nec') } },
      { page: { kip: { id: 31 }, contact: named('Aunt') } },
      { edit: { kip: { id: 31 }, contact: { bio: { text: 'b' } } } },
    );
    assert.deepEqual([(await seen(NEC)).profile, (await seen(NEC)).overlay], [named('Nec'), named('My Nec')]);
    assert.deepEqual((await seen('0vv')).overlay, { ...named('Aunt'), bio: { text: 'b' } });
    assert.equal(await isHidden(as(FES).contact(NEC)), true);
    assert.match(await refusedEffect({ contacts: { page: { kip: { ship: NEC }, contact: {} } } }), /already/);
    assert.match(await refusedEffect({ contacts: { edit: { kip: { ship: FES }, contact: {} } } }), /no page/);
    await contacts({ wipe: [{ ship: NEC }, { id: 31 }] });
    assert.equal(await isHidden(as(HOST).contact('0vv')), true);
    assert.deepEqual([(await seen(NEC)).isPage, (await seen(NEC)).overlay], [false, {}]);
  });

  it('meets, snubs and drops ships', async () => {
    await does({ contacts: { self: named('Fes') } }, FES);
    await contacts({ meet: [FES] });
    assert.deepEqual([(await seen(FES)).profile, (await seen(FES)).isFollowed], [named('Fes'), true]);
    await contacts({ snub: [FES] });
    await does({ contacts: { self: named('New') } }, FES);
    assert.deepEqual([(await seen(FES)).profile, (await seen(FES)).isFollowed], [named('Fes'), false]);
    await contacts({ meet: [FES] });
    assert.deepEqual((await seen(FES)).profile, named('New'));
    await contacts({ drop: [FES] });
    assert.equal(await isHidden(as(HOST).contact(FES)), true);
    assert.match(await refusedEffect({ contacts: { meet: ['~wes'] } }), /There is no ship/);
  });
});

describe('the effect wait', () => {
  it('wakes the hook that it names, in the channel of whoever asked', async () => {
    const src = `const { effects } = require('tlon_hooks');
      module.exports = (event) => ({ event: { allowed: event }, effects:
        event.wake ? [effects.post_here(JSON.stringify([event.wake.id, event.wake.data]))] : [] });`;
    const { id: woken } = await manage({ add: { name: 'woken', src } });
    const group = await newGroup('waits', [NEC]);
    const nest = await world.newChannel(group, 'waits');
    const asks = `module.exports = (event) => { const post = event['on-post']?.add;
      const asked = post && post.essay.author !== '${HOST}' ? JSON.parse(post.essay.content[0].inline[0]) : undefined;
      return { event: { allowed: event }, effects: asked ? [{ wait: { ...asked, 'fires-at': Date.now() + asked.after } }] : [] }; };`;
    await hook(asks, nest);
    const ask = async (wait: object) => {
      await world.post(JSON.stringify(wait), NEC, nest);
      await settled();
    };
    const said = async () => (await texts(nest)).filter((text) => text.startsWith('['));
    const advance = async (ms: number) => {
      await clock.advance(ms);
      await settled();
    };
    await ask({ id: 7, hook: woken, data: { n: 1 }, after: 60_000 });
    await ask({ id: '0v8', hook: woken, data: 'at once', after: -1 });
    await advance(1);
    assert.deepEqual(await said(), ['["0v8","at once"]']);
    await ask({ id: '7', hook: woken, data: { n: 2 }, after: 120_000 });
    await advance(61_000);
    assert.equal((await said()).length, 1, 'another one has taken its place');
    await advance(60_000);
    assert.deepEqual((await said())[1]?.includes('{"n":2}'), true);
    await ask({ id: 10, hook: woken, data: 'long ago', after: -8e15 });
    await advance(1);
    assert.equal((await said())[2], '[10,"long ago"]');
    assert.match(await refusedEffect({ wait: { id: 9, data: null, 'fires-at': 8.64e15 } }), /later than the year 9999/);
    assert.match(await refusedEffect({ wait: { id: 9, hook: '0v9', data: null, 'fires-at': 0 } }), /no hook/);
  });
});

describe('the effect trigger', () => {
  it('fires a task hook in the name of the script hook, once', async () => {
    await effects({ trigger: { hookGroupId: 'garden', hookId: 'water', payload: { plant: 'rose' } } });
    await effects({ trigger: { hookGroupId: 'garden', hookId: 'water' } });
    assert.deepEqual(
      fired.map(({ taskId: _, ...asked }) => asked),
      [
        { name: 'a-hook', hookGroupId: 'garden', hookId: 'water', payload: { plant: 'rose' } },
        { name: 'a-hook', hookGroupId: 'garden', hookId: 'water', payload: {} },
      ],
    );
    assert.equal(new Set(fired.map(({ taskId }) => taskId)).size, 2);
  });
});
