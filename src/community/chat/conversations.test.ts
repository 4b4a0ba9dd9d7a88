// Conversations of two ships: what one does, as the other reads it.
import assert from 'node:assert/strict';
import { after, beforeEach, describe, it } from 'node:test';
import { lastFirst } from '../../../test/support/wait.ts';
import { withDots } from '../schema/id.ts';
import { createWorld, FES, memoOf, NEC, type World, ZOD } from '../test-support/world.ts';
import { chat } from './chat.ts';
import { answerDm } from './dm.ts';
import { timeOfMessage } from './message.ts';
import { LONGEST_PAGE } from './message-store.ts';

const cleanup = lastFirst({ after });
let world: World;
beforeEach(async () => {
  world = await createWorld(cleanup);
});

const dm = (ship: string, id: string, delta: unknown) => ({ dm: { ship, diff: { id, delta } } });
const add = (author: string, ...content: readonly unknown[]) => ({
  add: { memo: memoOf(author, ...content), kind: null, time: null },
});
/** Says something; answers its id. */
const say = async (from: string, to: string, ...content: readonly unknown[]): Promise<string> => {
  const id = await world.nextId(from);
  await world.act(from, dm(to, id, add(from, ...content)));
  return id;
};
const replyTo = async (from: string, to: string, parent: string, ...content: readonly unknown[]): Promise<string> => {
  const id = await world.nextId(from);
  await world.act(from, dm(to, parent, { reply: { id, meta: null, delta: add(from, ...content) } }));
  return id;
};
const messagesOf = (owner: string, whom: string) => chat.readMessages(world.database, { owner, whom }, { limit: 50 });
const idsOf = async (owner: string, whom: string) => (await messagesOf(owner, whom)).map(({ id }) => id);
const messageOf = (owner: string, whom: string, id: string) => chat.readMessage(world.database, { owner, whom }, id);
const stateOf = async (owner: string, whom: string) => (await chat.readChat(world.database, owner, whom))?.state;
const kindsOf = async (ship: string) => (await world.feedOf(ship)).map(({ event }) => Object.keys(event)[0]);

describe('a direct message', () => {
  it('is read by the other ship, at the moment at which it came', async () => {
    const id = await say(ZOD, NEC, 'hi');
    const [message] = await messagesOf(NEC, ZOD);
    assert.deepEqual(message, {
      ...{ id, memo: memoOf(ZOD, 'hi'), reacts: {}, isNotice: false, replies: {}, replyCount: 0 },
      time: timeOfMessage(id),
    });
    assert.deepEqual(await messagesOf(ZOD, NEC), [message]);
  });

  it('answers its id in digits', async () => {
    const id = await world.nextId(ZOD);
    assert.equal(await world.act(ZOD, dm(NEC, id, add(ZOD, 'hi'))), timeOfMessage(id));
  });

  it('whose id is known is ignored', async () => {
    const id = await say(ZOD, NEC, 'first');
    await world.act(ZOD, dm(NEC, id, add(ZOD, 'second')));
    assert.deepEqual(
      (await messagesOf(NEC, ZOD)).map(({ memo }) => memo),
      [memoOf(ZOD, 'first')],
    );
  });

  it('can be a notice', async () => {
    const id = await world.nextId(ZOD);
    await world.act(ZOD, dm(NEC, id, { add: { memo: memoOf(ZOD, 'closed'), kind: { notice: null } } }));
    assert.equal((await messageOf(NEC, ZOD, id))?.isNotice, true);
  });

  it('is deleted for both by its author, with its replies, and does not come back', async () => {
    const id = await say(ZOD, NEC, 'hi');
    await replyTo(NEC, ZOD, id, 'yes');
    assert.equal(await world.refusal(NEC, dm(ZOD, id, { del: null })), 'Only ~zod can delete this.');
    await world.act(ZOD, dm(NEC, id, { del: null }));
    await world.act(ZOD, dm(NEC, id, add(ZOD, 'again')));
    for (const [owner, whom] of [
      [NEC, ZOD],
      [ZOD, NEC],
    ] as const) {
      assert.deepEqual(await messagesOf(owner, whom), []);
      assert.deepEqual(await chat.readReplies(world.database, { owner, whom }, id, { limit: 9 }), []);
    }
    assert.equal((await world.summaryOf(NEC, 'dm/~zod'))?.count, 0);
    assert.equal((await world.summaryOf(ZOD, 'base'))?.count, 0);
  });

  it('has one reaction of each ship, which is taken back', async () => {
    const id = await say(ZOD, NEC, 'hi');
    await world.act(NEC, dm(ZOD, id, { 'add-react': { ship: NEC, react: ':up:' } }));
    await world.act(NEC, dm(ZOD, id, { 'add-react': { ship: NEC, react: '🎉' } }));
    assert.deepEqual((await messageOf(ZOD, NEC, id))?.reacts, { [NEC]: '🎉' });
    await world.act(NEC, dm(ZOD, id, { 'del-react': NEC }));
    assert.deepEqual((await messageOf(ZOD, NEC, id))?.reacts, {});
  });

  it('has replies with reactions, which the other reads', async () => {
    const id = await say(ZOD, NEC, 'hi');
    const reply = await replyTo(NEC, ZOD, id, 'yes');
    const inReply = (delta: unknown) => ({ reply: { id: reply, meta: null, delta } });
    await world.act(ZOD, dm(NEC, id, inReply({ 'add-react': { ship: ZOD, react: '👍' } })));
    const found = (await messageOf(NEC, ZOD, id))?.replies[reply];
    assert.deepEqual(found, {
      id: reply,
      time: timeOfMessage(reply),
      memo: memoOf(NEC, 'yes'),
      reacts: { [ZOD]: '👍' },
    });
    assert.deepEqual((await messageOf(ZOD, NEC, id))?.replies, { [reply]: found });
    await world.act(ZOD, dm(NEC, id, inReply({ 'del-react': ZOD })));
    assert.deepEqual((await messageOf(NEC, ZOD, id))?.replies[reply]?.reacts, {});
    assert.equal(await world.refusal(ZOD, dm(NEC, id, inReply({ del: null }))), 'Only ~nec can delete this.');
    await world.act(NEC, dm(ZOD, id, inReply({ del: null })));
    const after = await messageOf(ZOD, NEC, id);
    assert.deepEqual([after?.replies, after?.replyCount], [{}, 0]);
    assert.equal((await world.summaryOf(ZOD, 'base'))?.count, 0);
  });

  it('that is missing is not replied to, reacted to or deleted', async () => {
    await say(ZOD, NEC, 'hi');
    const missing = await world.nextId(ZOD);
    await replyTo(NEC, ZOD, missing, 'yes');
    await world.act(NEC, dm(ZOD, missing, { 'add-react': { ship: NEC, react: 'x' } }));
    await world.act(NEC, dm(ZOD, missing, { del: null }));
    assert.equal((await messagesOf(ZOD, NEC)).length, 1);
    assert.equal((await kindsOf(ZOD)).length, 0);
  });

  it('is from its author: nobody writes, reacts or takes back as another', async () => {
    const id = await say(ZOD, NEC, 'hi');
    const mine = await world.nextId(NEC);
    const refusals = [
      [dm(ZOD, mine, add(ZOD, 'not me')), 'You are ~nec, and cannot write as ~zod.'],
      [dm(ZOD, await world.nextId(FES), add(NEC, 'x')), 'The id of a message of yours begins with ~nec/.'],
      [dm(ZOD, id, { 'add-react': { ship: ZOD, react: 'x' } }), 'You are ~nec, and cannot react as ~zod.'],
      [dm(ZOD, id, { 'del-react': ZOD }), 'You are ~nec, and cannot take back what ~zod has said.'],
      [dm(ZOD, id, { reply: { id: mine, delta: add(ZOD, 'x') } }), 'You are ~nec, and cannot write as ~zod.'],
      [dm(ZOD, mine, add(NEC, 'x'.repeat(256_000))), /has 256\d\d\d bytes, and at most 256000/],
      [dm(ZOD, mine, { add: { memo: { ...memoOf(NEC), blob: 'x'.repeat(256_000) } } }), /and at most 256000/],
      [dm(ZOD, id, { 'add-react': { ship: NEC, react: '🎉'.repeat(65) } }), 'A reaction has 1 to 256 bytes.'],
    ] as const;
    for (const [action, reason] of refusals) {
      const said = await world.refusal(NEC, action);
      if (typeof reason === 'string') assert.equal(said, reason);
      else assert.match(said, reason);
    }
    assert.deepEqual((await messageOf(ZOD, NEC, id))?.reacts, {});
    assert.equal((await messagesOf(NEC, ZOD)).length, 1);
  });

  it('has at most 4 MB with its replies and reactions', async () => {
    const id = await say(ZOD, NEC, 'a thread');
    for (let i = 0; i < 16; i += 1) await replyTo(NEC, ZOD, id, 'x'.repeat(250_000));
    const last = await replyTo(NEC, ZOD, id, 'x'.repeat(190_750));
    const react = { 'add-react': { ship: ZOD, react: 'x'.repeat(256) } };
    const reply = (of: string, delta: unknown) => dm(NEC, id, { reply: { id: of, meta: null, delta } });
    const tooLarge = /^With its replies and reactions it has 4\d{6} bytes, and at most 4194304 are taken\.$/;
    assert.match(await world.refusal(ZOD, reply(await world.nextId(ZOD), add(ZOD, 'x'.repeat(500)))), tooLarge);
    assert.match(await world.refusal(ZOD, reply(last, react)), tooLarge);
    assert.match(await world.refusal(ZOD, dm(NEC, id, react)), tooLarge);
    await world.act(NEC, dm(ZOD, id, { reply: { id: last, meta: null, delta: { del: null } } }));
    await world.act(ZOD, dm(NEC, id, react));
    assert.equal((await messageOf(NEC, ZOD, id))?.replyCount, 16);
  });

  it('to a ship that is not here is refused', async () => {
    assert.equal(
      await world.refusal(ZOD, dm('~bus', await world.nextId(ZOD), add(ZOD, 'x'))),
      'There is no ship ~bus here.',
    );
    assert.equal(await stateOf(ZOD, '~bus'), undefined);
  });
});

describe('a conversation', () => {
  it('is opened by the first message, and accepted by whoever answers', async () => {
    await say(ZOD, NEC, 'hi');
    assert.deepEqual([await stateOf(ZOD, NEC), await stateOf(NEC, ZOD)], ['inviting', 'invited']);
    await say(NEC, ZOD, 'hello');
    assert.deepEqual([await stateOf(ZOD, NEC), await stateOf(NEC, ZOD)], ['open', 'open']);
  });

  it('is accepted or declined without a word, too', async () => {
    const answer = (ok: boolean) =>
      world.database.transaction((tx) => answerDm(tx, { ship: ZOD, ok }, { actor: NEC, now: world.clock.now() }));
    assert.equal((await answer(true)).kind, 'refused');
    await say(ZOD, NEC, 'hi');
    await answer(true);
    assert.deepEqual([await stateOf(ZOD, NEC), await stateOf(NEC, ZOD)], ['open', 'open']);
    await answer(false);
    assert.equal(await stateOf(NEC, ZOD), undefined);
    assert.deepEqual(await messagesOf(NEC, ZOD), []);
    assert.equal((await messagesOf(ZOD, NEC)).length, 1);
    await say(ZOD, NEC, 'again');
    assert.equal(await stateOf(NEC, ZOD), 'invited');
    assert.equal((await messagesOf(NEC, ZOD)).length, 1);
  });

  it('with oneself is notes, of which nobody is told', async () => {
    const id = await say(ZOD, ZOD, 'buy milk');
    await replyTo(ZOD, ZOD, id, 'and bread');
    const [note] = await messagesOf(ZOD, ZOD);
    assert.deepEqual([note?.id, note?.replyCount], [id, 1]);
    assert.equal(await stateOf(ZOD, ZOD), 'open');
    assert.deepEqual(await kindsOf(ZOD), []);
  });

  it('is refused by who has blocked the other, in both directions, until they unblock', async () => {
    const id = await say(ZOD, NEC, 'hi');
    await world.database.transaction((tx) => chat.block(tx, NEC, ZOD));
    assert.deepEqual(await chat.readBlocked(world.database, NEC), [ZOD]);
    const message = dm(NEC, await world.nextId(ZOD), add(ZOD, 'hear me'));
    assert.equal(await world.refusal(ZOD, message), '~nec takes no messages from ~zod.');
    assert.equal(await world.refusal(NEC, dm(ZOD, await world.nextId(NEC), add(NEC, 'x'))), 'You have blocked ~zod.');
    assert.deepEqual([await idsOf(ZOD, NEC), await idsOf(NEC, ZOD)], [[id], [id]]);
    await world.database.transaction((tx) => chat.unblock(tx, NEC, ZOD));
    await world.act(ZOD, message);
    assert.equal((await messagesOf(NEC, ZOD)).length, 2);
  });

  it('is read in pages, newest first, each message once', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 7; i += 1) ids.unshift(await say(i % 2 ? ZOD : NEC, i % 2 ? NEC : ZOD, `${i}`));
    const read: string[] = [];
    for (let before: string | undefined; ; ) {
      const page = await chat.readMessages(world.database, { owner: ZOD, whom: NEC }, { before, limit: 3 });
      if (page.length === 0) break;
      read.push(...page.map(({ id }) => id));
      before = page.at(-1)?.time;
    }
    assert.deepEqual(read, ids);
  });

  it('has its messages in the order in which they came, also within a millisecond and when the clock goes back', async () => {
    const ids: string[] = [];
    for (const n of [1, 2, 3, 4]) {
      if (n === 3) world.clock.jump(-60_000);
      const id = `${ZOD}/${withDots(`${n}`)}`;
      await world.act(ZOD, dm(NEC, id, add(ZOD, `${n}`)));
      ids.unshift(id);
    }
    assert.deepEqual(await idsOf(NEC, ZOD), ids);
    const feed = await world.feedOf(NEC);
    assert.equal(new Set(feed.map(({ time }) => time)).size, 5);
  });

  it('has pages that are bounded in messages and in bytes', async () => {
    assert.equal(LONGEST_PAGE, 100);
    for (let i = 0; i < 20; i += 1) await say(ZOD, NEC, 'x'.repeat(250_000));
    const page = await messagesOf(NEC, ZOD);
    assert.ok(page.length > 10 && page.length < 20, `${page.length}`);
  });

  it('is one of those that a ship lists', async () => {
    await say(ZOD, NEC, 'a');
    await say(FES, ZOD, 'b');
    const chats = await chat.readChats(world.database, ZOD, { after: '', limit: 10 });
    assert.deepEqual(
      chats.map(({ whom, state }) => [whom, state]),
      [
        [FES, 'invited'],
        [NEC, 'inviting'],
      ],
    );
  });

  it('that both open at once has all messages on both sides', async () => {
    const ids = await Promise.all(
      [1, 2, 3, 4, 5, 6].map(async (n) => {
        const [from, to] = n % 2 ? [ZOD, NEC] : [NEC, ZOD];
        const id = `${from}/${withDots(`${n}`)}`;
        await world.act(from, dm(to, id, add(from, `${n}`)));
        return id;
      }),
    );
    assert.deepEqual((await idsOf(ZOD, NEC)).sort(), ids.sort());
    assert.deepEqual(await idsOf(ZOD, NEC), await idsOf(NEC, ZOD));
    assert.deepEqual([await stateOf(ZOD, NEC), await stateOf(NEC, ZOD)], ['open', 'open']);
  });
});

describe('of a conversation a ship is told', () => {
  it('that it is invited, what is said and replied, and whether it is mentioned', async () => {
    const id = await say(ZOD, NEC, 'hi ', { ship: NEC });
    const reply = await replyTo(NEC, ZOD, id, 'yes, ', { ship: FES });
    assert.deepEqual(await kindsOf(NEC), ['dm-post', 'dm-invite']);
    const key = (of: string) => ({ id: of, time: of.slice(of.indexOf('/') + 1) });
    const [post, invite] = await world.feedOf(NEC);
    assert.deepEqual(invite?.event, { 'dm-invite': { ship: ZOD } });
    const { content } = memoOf(ZOD, 'hi ', { ship: NEC });
    assert.deepEqual(post?.event, { 'dm-post': { key: key(id), whom: { ship: ZOD }, content, mention: true } });
    const [told] = await world.feedOf(ZOD);
    assert.deepEqual(told?.event, {
      'dm-reply': {
        ...{ key: key(reply), parent: key(id), whom: { ship: NEC }, mention: false },
        content: memoOf(NEC, 'yes, ', { ship: FES }).content,
      },
    });
    assert.equal(told?.key, `dm-thread/~nec/${id}`);
  });
});
