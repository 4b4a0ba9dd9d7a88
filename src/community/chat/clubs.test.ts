// Clubs: what one does, as the others read it.
import assert from 'node:assert/strict';
import { after, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { lastFirst } from '../../../test/support/wait.ts';
import { BUD, CLUB, createWorld, FES, META, memoOf, NEC, type World, ZOD } from '../test-support/world.ts';
import { chat } from './chat.ts';

const cleanup = lastFirst({ after });
let world: World;
beforeEach(async () => {
  world = await createWorld(cleanup);
});

const club = (delta: unknown, id = CLUB) => ({ club: { id, diff: { uid: '0v4', delta } } });
const init = (team: readonly string[], hive: readonly string[]) => club({ init: { team, hive, meta: META } });
const hive = (by: string, ship: string, isInvited = true) => club({ hive: { by, for: ship, add: isInvited } });
const answer = (ship: string, ok: boolean) => club({ team: { ship, ok } });
/** The first begins it, the others accept. */
const begin = async ([founder, ...others]: readonly [string, ...string[]], invited: readonly string[]) => {
  await world.act(founder, init([founder], [...others, ...invited]));
  for (const ship of others) await world.act(ship, answer(ship, true));
};
const say = async (from: string, text: string): Promise<string> => {
  const id = await world.nextId(from);
  await world.act(from, club({ writ: { id, delta: { add: { memo: memoOf(from, text), kind: null, time: null } } } }));
  return id;
};
const textsOf = async (owner: string) =>
  (await chat.readMessages(world.database, { owner, whom: CLUB }, { limit: 50 })).map(({ memo }) => memo.content);
const copyOf = (owner: string, id = CLUB) => chat.readChat(world.database, owner, id);
const clubOf = async (owner: string) => (await copyOf(owner))?.club ?? undefined;
const kindsOf = async (ship: string) => (await world.feedOf(ship)).map(({ event }) => Object.keys(event)[0]);

describe('a club', () => {
  it('begins with its founder and its name, once; all others are invited, and are told', async () => {
    await world.act(ZOD, init([ZOD, NEC], [FES]));
    for (const ship of [ZOD, NEC, FES])
      assert.deepEqual(await clubOf(ship), { team: [ZOD], hive: [NEC, FES], meta: META });
    assert.equal((await copyOf(ZOD))?.state, 'open');
    for (const ship of [NEC, FES]) {
      assert.equal((await copyOf(ship))?.state, 'invited');
      assert.deepEqual((await world.feedOf(ship))[0]?.event, { 'dm-invite': { club: CLUB } });
    }
    await world.act(ZOD, init([ZOD, BUD], []));
    assert.equal(await clubOf(BUD), undefined);
    assert.deepEqual((await clubOf(ZOD))?.hive, [NEC, FES]);
  });

  it('cannot be begun by somebody else under the same id, nor without its founder, nor with strangers', async () => {
    await world.act(ZOD, init([ZOD], [NEC]));
    assert.equal(await world.refusal(BUD, init([BUD], [FES])), 'There is a club 0v5 already.');
    assert.equal(
      await world.refusal(BUD, club({ init: { team: [FES], hive: [], meta: META } }, '0v6')),
      'Whoever begins a club is in its team.',
    );
    assert.equal(
      await world.refusal(BUD, club({ init: { team: [BUD], hive: ['~bus'], meta: META } }, '0v6')),
      'There is no ship ~bus here.',
    );
    assert.deepEqual(await clubOf(FES), undefined);
  });

  it('has messages, replies and reactions that all in it and invited read', async () => {
    await world.act(ZOD, init([ZOD, NEC], [FES]));
    const id = await say(NEC, 'hi all');
    for (const ship of [ZOD, NEC, FES]) assert.deepEqual(await textsOf(ship), [memoOf(NEC, 'hi all').content]);
    assert.deepEqual(await kindsOf(ZOD), ['dm-post']);
    const reply = await world.nextId(FES);
    const add = { add: { memo: memoOf(FES, 'hello'), time: null } };
    await world.act(FES, club({ writ: { id, delta: { reply: { id: reply, meta: null, delta: add } } } }));
    await world.act(ZOD, club({ writ: { id, delta: { 'add-react': { ship: ZOD, react: '👍' } } } }));
    for (const owner of [ZOD, NEC, FES]) {
      const found = await chat.readMessage(world.database, { owner, whom: CLUB }, id);
      assert.deepEqual([found?.reacts, Object.keys(found?.replies ?? {})], [{ [ZOD]: '👍' }, [reply]]);
    }
    await world.act(NEC, club({ writ: { id, delta: { del: null } } }));
    for (const ship of [ZOD, NEC, FES]) assert.deepEqual(await textsOf(ship), []);
  });

  it('takes nothing from those who are not in it', async () => {
    await world.act(ZOD, init([ZOD], [NEC]));
    const id = await world.nextId(BUD);
    const writ = { writ: { id, delta: { add: { memo: memoOf(BUD, 'x'), kind: null, time: null } } } };
    for (const delta of [
      writ,
      { meta: META },
      { hive: { by: BUD, for: BUD, add: true } },
      { team: { ship: BUD, ok: true } },
    ]) {
      assert.equal(await world.refusal(BUD, club(delta)), 'You are not in this club.');
    }
    assert.deepEqual(await textsOf(ZOD), []);
  });

  it('is called what its members call it', async () => {
    await begin([ZOD, NEC], [FES]);
    await world.act(NEC, club({ meta: { ...META, title: 'New' } }));
    for (const ship of [ZOD, NEC, FES]) assert.equal((await clubOf(ship))?.meta.title, 'New');
    assert.equal(await world.refusal(FES, club({ meta: META })), 'Only members of a club change it.');
  });

  it('gets those who accept an invitation, and loses those who decline it', async () => {
    await world.act(ZOD, init([ZOD], [NEC, FES]));
    await say(ZOD, 'before');
    assert.equal(await world.refusal(ZOD, answer(NEC, true)), 'Only ~nec can answer its invitation.');
    await world.act(NEC, answer(NEC, true));
    assert.deepEqual(await clubOf(ZOD), { team: [ZOD, NEC], hive: [FES], meta: META });
    assert.equal((await copyOf(NEC))?.state, 'open');
    await world.act(FES, answer(FES, false));
    assert.deepEqual(await clubOf(ZOD), { team: [ZOD, NEC], hive: [], meta: META });
    assert.equal(await copyOf(FES), undefined);
    assert.equal((await world.summaryOf(FES, 'base'))?.notifyCount, 0);
  });

  it('is left by whoever says that somebody of the team is out, whom they name or not', async () => {
    await begin([ZOD, NEC, FES], []);
    await world.act(NEC, answer(FES, false));
    assert.equal(await copyOf(NEC), undefined);
    assert.deepEqual((await clubOf(ZOD))?.team, [ZOD, FES]);
    assert.deepEqual((await clubOf(FES))?.team, [ZOD, FES]);
    assert.equal(await world.refusal(NEC, club({ meta: META })), 'You are not in this club.');
  });

  it('has its members invite, and take back what was not accepted', async () => {
    await begin([ZOD, NEC], []);
    await say(ZOD, 'before');
    await world.act(NEC, hive(NEC, FES));
    assert.deepEqual((await clubOf(ZOD))?.hive, [FES]);
    assert.deepEqual(await clubOf(FES), await clubOf(ZOD));
    assert.deepEqual(await kindsOf(FES), ['dm-invite']);
    assert.deepEqual(await textsOf(FES), [], 'it reads what is said from then on');
    await say(ZOD, 'after');
    assert.deepEqual(await textsOf(FES), [memoOf(ZOD, 'after').content]);
    assert.equal(await world.refusal(FES, hive(FES, BUD)), 'Only members of a club change it.');
    assert.equal(await world.refusal(NEC, hive(ZOD, BUD)), 'You are ~nec, and cannot invite as ~zod.');
    await world.act(ZOD, hive(ZOD, FES, false));
    assert.deepEqual((await clubOf(NEC))?.hive, []);
    assert.equal(await copyOf(FES), undefined);
    await world.act(ZOD, hive(ZOD, NEC, false));
    assert.deepEqual((await clubOf(NEC))?.team, [ZOD, NEC], 'a member stays');
  });

  it('does not invite those who take no messages from the one who invites', async () => {
    await world.database.transaction((tx) => chat.block(tx, NEC, ZOD));
    assert.equal(await world.refusal(ZOD, init([ZOD], [NEC])), '~nec takes no messages from ~zod.');
    await world.act(ZOD, init([ZOD], []));
    assert.equal(await world.refusal(ZOD, hive(ZOD, NEC)), '~nec takes no messages from ~zod.');
  });

  it('gets every message once when many speak at the same time', async () => {
    await world.act(ZOD, init([ZOD, NEC, FES], [BUD]));
    const speakers = [ZOD, NEC, FES, BUD, ZOD, NEC, FES, BUD];
    await Promise.all(
      speakers.map((from, n) => {
        const id = `${from}/${n + 1}`;
        return world.act(from, club({ writ: { id, delta: { add: { memo: memoOf(from, `${n}`) } } } }));
      }),
    );
    const texts = await textsOf(ZOD);
    assert.equal(texts.length, speakers.length);
    for (const ship of [NEC, FES, BUD]) assert.deepEqual(await textsOf(ship), texts);
  });

  it('has copies that are the same for all, whatever they do in which order', async () => {
    const ships = [ZOD, NEC, FES];
    const ids = [1, 2, 3].flatMap((n) => ships.map((ship) => `${ship}/${n}`));
    const deltaBy = (by: string) =>
      fc.oneof(
        fc.constant({ add: { memo: memoOf(by, 'x') } }),
        fc.constant({ del: null }),
        fc.constantFrom('a', 'b').map((react) => ({ 'add-react': { ship: by, react } })),
        fc.constant({ 'del-react': by }),
      );
    const step = fc.constantFrom(...ships).chain((by) =>
      fc.record({
        by: fc.constant(by),
        id: fc.constantFrom(...ids),
        delta: fc.oneof(
          deltaBy(by),
          fc.record({ id: fc.constantFrom(...ids), delta: deltaBy(by) }).map((reply) => ({ reply })),
        ),
      }),
    );
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        runs += 1;
        const id = `0v${runs}`;
        await world.act(ZOD, club({ init: { team: ships, hive: [], meta: META } }, id));
        // What is in the name of another is refused, and changes nothing.
        for (const { by, ...writ } of steps) await world.attempt(by, club({ writ }, id));
        const [first, ...others] = await Promise.all(
          ships.map((owner) => chat.readMessages(world.database, { owner, whom: id }, { limit: 100 })),
        );
        for (const other of others) assert.deepEqual(other, first);
        for (const { id: of, memo } of first ?? []) assert.ok(of.startsWith(`${memo.author}/`));
      }),
      { numRuns: 20 },
    );
  });
});
