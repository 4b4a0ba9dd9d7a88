// What is kept of messages for clients that number them, and what is told of each change.
import assert from 'node:assert/strict';
import { after, beforeEach, describe, it } from 'node:test';
import { lastFirst } from '../../../test/support/wait.ts';
import { statement } from '../../database/statement.ts';
import type { Change } from '../changes/change.ts';
import { CLUB, createWorld, FES, META, memoOf, NEC, type World, ZOD } from '../test-support/world.ts';
import { chat } from './chat.ts';
import { messageId, timeOfMessage } from './message.ts';
import { type MessagePageAsk, timeOfMoment } from './message-pages.ts';

const cleanup = lastFirst({ after });
let world: World;
beforeEach(async () => {
  world = await createWorld(cleanup);
});

const listChanges = statement<{ changes: Change[] }>(
  'test.changes',
  'select changes from community_changes order by id',
);
const changes = async () => (await world.database.query(listChanges, [])).flatMap((row) => row.changes);
const changesOf = async (kind: Change['kind']) => (await changes()).filter((change) => change.kind === kind);

const dm = (ship: string, id: string, delta: unknown) => ({ dm: { ship, diff: { id, delta } } });
const say = async (from: string, to: string, text: string): Promise<string> => {
  const id = await world.nextId(from);
  await world.act(from, dm(to, id, { add: { memo: memoOf(from, text) } }));
  return id;
};
const replyTo = async (from: string, to: string, parent: string, text: string): Promise<string> => {
  const id = await world.nextId(from);
  await world.act(from, dm(to, parent, { reply: { id, delta: { add: { memo: memoOf(from, text) } } } }));
  return id;
};
const page = async (owner: string, whom: string, ask: MessagePageAsk, withReplies = false) => {
  const found = await chat.readChat(world.database, owner, whom);
  return found ? chat.readMessagePage(world.database, found, ask, { withReplies }) : [];
};
const newest = (owner: string, whom: string) => page(owner, whom, { kind: 'older', limit: 50 });

describe('the messages of a copy', () => {
  it('are numbered as they came, and one that was deleted keeps its number and its author', async () => {
    const [one, two, three] = [await say(ZOD, NEC, '1'), await say(NEC, ZOD, '2'), await say(ZOD, NEC, '3')];
    await replyTo(NEC, ZOD, one, 'a reply has no number');
    await world.act(NEC, dm(ZOD, two, { del: null }));
    const four = await say(ZOD, NEC, '4');
    const shown = (await newest(NEC, ZOD)).map(({ id, seq, author, doc }) => [id, seq, author, doc !== null]);
    assert.deepEqual(shown, [
      [one, 1, ZOD, true],
      [two, 2, NEC, false],
      [three, 3, ZOD, true],
      [four, 4, ZOD, true],
    ]);
    const [, deleted] = await newest(ZOD, NEC);
    assert.ok(deleted?.deletedAt && deleted.deletedAt <= world.clock.now());
    assert.equal((await chat.readChat(world.database, ZOD, NEC))?.lastSeq, 4);
  });

  it('are numbered in each copy by itself', async () => {
    await say(ZOD, NEC, '1');
    await world.database.transaction((tx) =>
      chat.answerDm(tx, { ship: ZOD, ok: false }, { actor: NEC, now: world.clock.now() }),
    );
    const id = await say(ZOD, NEC, '2');
    assert.deepEqual((await newest(ZOD, NEC)).at(-1)?.seq, 2);
    assert.deepEqual(
      (await newest(NEC, ZOD)).map((message) => [message.id, message.seq]),
      [[id, 1]],
    );
  });

  it('to oneself and to others are counted apart', async () => {
    await say(ZOD, ZOD, 'a note');
    await say(ZOD, NEC, 'a message');
    assert.equal((await chat.readChat(world.database, ZOD, ZOD))?.lastSeq, 1);
    assert.equal((await chat.readChat(world.database, ZOD, NEC))?.lastSeq, 1);
  });

  it('have numbers without gaps, the same for all, when many speak at once in a club', async () => {
    const club = (delta: unknown) => ({ club: { id: CLUB, diff: { delta } } });
    await world.act(ZOD, club({ init: { team: [ZOD, NEC, FES], hive: [], meta: META } }));
    const speakers = Array.from({ length: 24 }, (_, number) => [ZOD, NEC, FES][number % 3] as string);
    const messages = speakers.map((ship, number) => ({ ship, id: messageId(ship, 1_743_465_600_000 + number) }));
    const add = (ship: string) => ({ add: { memo: memoOf(ship, 'hi') } });
    await Promise.all(messages.map(({ ship, id }) => world.act(ship, club({ writ: { id, delta: add(ship) } }))));
    const shown = async (owner: string) => (await newest(owner, CLUB)).map(({ id, seq, time }) => ({ id, seq, time }));
    const seen = await shown(ZOD);
    assert.deepEqual(
      seen.map(({ seq }) => seq),
      messages.map((_, index) => index + 1),
    );
    for (const other of [NEC, FES]) assert.deepEqual(await shown(other), seen);
    const told = (await changesOf('message')).map((change) => change.kind === 'message' && change.id);
    assert.deepEqual(
      told,
      seen.map(({ id }) => id),
      'they are told in that order',
    );
  });

  it('are read before, after and around a moment, and by number', async () => {
    const ids: string[] = [];
    for (let number = 1; number <= 7; number++) ids.push(await say(ZOD, NEC, String(number)));
    const moment = await timeOfMoment(
      world.database,
      (await chat.readChat(world.database, NEC, ZOD)) ?? assert.fail(),
      timeOfMessage(ids[3] as string) as string,
    );
    const seqs = async (ask: MessagePageAsk) => (await page(NEC, ZOD, ask)).map(({ seq }) => seq);
    assert.deepEqual(await seqs({ kind: 'older', limit: 2 }), [6, 7]);
    assert.deepEqual(await seqs({ kind: 'older', than: moment, limit: 2 }), [2, 3]);
    assert.deepEqual(await seqs({ kind: 'newer', than: moment, limit: 2 }), [5, 6]);
    assert.deepEqual(await seqs({ kind: 'around', time: moment, limit: 5 }), [2, 3, 4, 5, 6]);
    assert.deepEqual(await seqs({ kind: 'around', time: moment, limit: 1 }), [4]);
    assert.deepEqual(await seqs({ kind: 'range', first: 3, last: 5 }), [3, 4, 5]);
  });

  it('come with their replies or with what is to be known of them', async () => {
    const id = await say(ZOD, NEC, 'hi');
    const [first, last] = [await replyTo(NEC, ZOD, id, 'yes'), await replyTo(ZOD, NEC, id, 'good')];
    const summary = { count: 2, repliers: [ZOD, NEC], latest: timeOfMessage(last) };
    const [light] = await page(NEC, ZOD, { kind: 'older', limit: 1 });
    assert.deepEqual([light?.replies, light?.summary], [[], summary]);
    const [heavy] = await page(NEC, ZOD, { kind: 'older', limit: 1 }, true);
    assert.deepEqual([heavy?.replies.map((reply) => reply.id), heavy?.summary], [[first, last], summary]);
    const [told] = (await changesOf('message')).slice(-1);
    assert.deepEqual(told?.kind === 'message' && told.replies, summary);
  });

  it('keep fields that only clients know', async () => {
    const id = await world.nextId(ZOD);
    const memo = { ...memoOf(ZOD, 'hi'), blob: '[{"type":"a2ui"}]', bot: { nickname: 'B', avatar: null } };
    await world.act(ZOD, dm(NEC, id, { add: { memo } }));
    assert.deepEqual((await newest(NEC, ZOD))[0]?.doc?.memo, memo);
    const tooLarge = { ...memo, blob: 'x'.repeat(256_000) };
    const refusal = await world.refusal(ZOD, dm(NEC, await world.nextId(ZOD), { add: { memo: tooLarge } }));
    assert.match(refusal, /at most 256000 are taken/);
  });
});

describe('what is told of conversations', () => {
  it('says of a message what was done, in whose copies, and its number there', async () => {
    const id = await say(ZOD, NEC, 'hi');
    await world.act(NEC, dm(ZOD, id, { 'add-react': { ship: NEC, react: '👍' } }));
    await world.act(NEC, dm(ZOD, id, { 'add-react': { ship: NEC, react: '👍' } }));
    const places = [
      { owner: NEC, whom: ZOD },
      { owner: ZOD, whom: NEC },
    ];
    const [added, reacted, ...more] = await changesOf('message');
    assert.deepEqual(added, {
      ...{ kind: 'message', id, time: timeOfMessage(id) },
      delta: { add: { memo: memoOf(ZOD, 'hi') } },
      copies: places.map((place) => ({ ...place, seq: 1 })),
    });
    assert.deepEqual(reacted?.kind === 'message' && [reacted.delta, reacted.copies], [
      { 'add-react': { ship: NEC, react: '👍' } },
      places,
    ]);
    assert.deepEqual(more, [], 'what changed nothing is not told');
  });

  it('says whose invitations are others: of who is invited, answers and declines', async () => {
    await say(ZOD, NEC, 'hi');
    await say(NEC, ZOD, 'hello');
    await say(NEC, ZOD, 'again');
    const invitation = { kind: 'dm-invitations', owners: [NEC] };
    assert.deepEqual(await changesOf('dm-invitations'), [invitation, invitation]);
    assert.deepEqual(await chat.readInvited(world.database, [NEC, ZOD]), new Map([NEC, ZOD].map((ship) => [ship, []])));
    await say(FES, NEC, 'me too');
    assert.deepEqual((await chat.readInvited(world.database, [NEC])).get(NEC), [FES]);
  });

  it('says of a club what has changed, to all who are in it, were or are invited', async () => {
    const club = (delta: unknown) => ({ club: { id: CLUB, diff: { delta } } });
    const init = { team: [ZOD], hive: [NEC], meta: META };
    await world.act(ZOD, club({ init }));
    await world.act(NEC, club({ team: { ship: NEC, ok: true } }));
    await world.act(ZOD, club({ hive: { by: ZOD, for: FES, add: true } }));
    await world.act(NEC, club({ team: { ship: NEC, ok: false } }));
    const told = (await changesOf('club')).map((change) => change.kind === 'club' && [change.owners, change.delta]);
    assert.deepEqual(told, [
      [[ZOD, NEC], { init }],
      [[NEC, ZOD], { team: { ship: NEC, ok: true } }],
      [[ZOD, NEC, FES], { hive: { by: ZOD, for: FES, add: true } }],
      [[NEC, FES, ZOD], { team: { ship: NEC, ok: false } }],
    ]);
  });

  it('says whom a ship blocks and which messages it hides, once', async () => {
    const inTurn = (work: (tx: Parameters<Parameters<typeof world.database.transaction>[0]>[0]) => Promise<unknown>) =>
      world.database.transaction(work);
    for (const _ of [1, 2]) await inTurn((tx) => chat.block(tx, NEC, ZOD));
    assert.deepEqual(await chat.readBlockers(world.database, ZOD), [NEC]);
    await inTurn((tx) => chat.unblock(tx, NEC, ZOD));
    for (const isHidden of [true, true, false]) {
      await inTurn((tx) => chat.hide(tx, { id: '~zod/170', isHidden }, { actor: NEC, now: 0 }));
      assert.deepEqual(await chat.readHidden(world.database, NEC), isHidden ? ['~zod/170'] : []);
    }
    assert.deepEqual(await changes(), [
      { kind: 'block', owner: NEC, ship: ZOD, isBlocked: true },
      { kind: 'block', owner: NEC, ship: ZOD, isBlocked: false },
      { kind: 'hidden-message', owner: NEC, id: '~zod/170', isHidden: true },
      { kind: 'hidden-message', owner: NEC, id: '~zod/170', isHidden: false },
    ]);
  });
});
