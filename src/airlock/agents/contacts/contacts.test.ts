// The agent of contacts over a real community. The changes are those that it recorded, in the order
// of their commits.
import assert from 'node:assert/strict';
import { after, beforeEach, describe, it } from 'node:test';
import { lastFirst } from '../../../../test/support/wait.ts';
import type { Change } from '../../../community/changes/change.ts';
import { suggestedContacts } from '../../../community/contacts/suggested-contacts.ts';
import {
  CLUB,
  createWorld,
  FES,
  GROUP,
  META,
  memoOf,
  NEC,
  type World,
  withLounge,
  ZOD,
} from '../../../community/test-support/world.ts';
import { statement } from '../../../database/statement.ts';
import { createActAs } from '../acting.ts';
import type { Agent, Json } from '../agent.ts';
import { createContacts } from './contacts.ts';

const cleanup = lastFirst({ after });
const readChanges = statement<{ changes: readonly Change[] }>(
  'test.changes',
  'select changes from community_changes order by id',
);

let world: World;
let agent: Agent;
beforeEach(async () => {
  world = await createWorld(cleanup);
  agent = createContacts({ database: world.database, actAs: createActAs(world.community.act) });
});

const poke = async (ship: string, json: Json, mark = 'contact-action-1'): Promise<string> => {
  const result = await agent.poke?.(mark, json, ship);
  return result?.kind === 'refused' ? result.reason : (result?.kind ?? 'unknown');
};
const pokeOlder = (ship: string, json: Json) => poke(ship, json, 'contact-action');
const scry = (ship: string, path: string) => agent.scry?.(path, ship);
const toldTo = async (...ships: readonly string[]) => {
  const changes = (await world.database.query(readChanges)).flatMap((row) => row.changes);
  const watchers = ships.map((ship) => ({ ship, path: '/v1/news' }));
  const facts = (await agent.factsOf?.(changes, watchers)) ?? [];
  assert.ok(facts.every(({ fact }) => fact.mark === 'contact-response-0'));
  return facts.map(({ watcher, fact }) => [watcher.ship, fact.json]);
};

const text = (value: string) => ({ type: 'text', value });
const NICKNAME = { nickname: text('Nec') };

describe('a profile', () => {
  it('is changed by clients of today and by older ones, and read by others', async () => {
    await poke(ZOD, { meet: [NEC] });
    const color = { type: 'tint', value: 'ff.00ff' };
    assert.equal(await poke(NEC, { self: { ...NICKNAME, bio: text('b'), color } }), 'done');
    assert.equal(await pokeOlder(NEC, { edit: [{ bio: '' }, { status: 's' }, { 'add-group': '~zod/club' }] }), 'done');
    const groups = { type: 'set', value: [{ type: 'flag', value: '~zod/club' }] };
    const profile = { ...NICKNAME, color, status: text('s'), groups };
    assert.deepEqual(await scry(NEC, '/v1/self'), profile);
    for (const path of ['/v1/peer/~nec', '/v1/contact/~nec']) assert.deepEqual(await scry(ZOD, path), profile);
    const older = { nickname: 'Nec', bio: '', status: 's', color: '0xff.00ff', avatar: null, cover: null };
    assert.deepEqual(await scry(ZOD, '/contact/~nec'), { ...older, groups: ['~zod/club'] });
    assert.equal(await pokeOlder(NEC, { anon: null }), 'done');
    assert.deepEqual(await scry(ZOD, '/v1/peer/~nec'), {});
  });

  it('is told to its ship, to those who follow it, and to nobody else', async () => {
    await poke(ZOD, { page: { kip: NEC, contact: { nickname: text('my Nec') } } });
    await world.database.query(statement('test.forget', 'delete from community_changes'));
    await poke(NEC, { self: NICKNAME });
    assert.deepEqual(await toldTo(ZOD, NEC, FES), [
      [NEC, { self: { contact: NICKNAME } }],
      [ZOD, { peer: { who: NEC, contact: NICKNAME } }],
      [ZOD, { page: { kip: NEC, contact: NICKNAME, mod: { nickname: text('my Nec') } } }],
    ]);
    assert.deepEqual(await toldTo(FES), []);
  });

  it('that is none is refused with the reason', async () => {
    assert.match(
      await poke(NEC, { self: { nickname: text('x'.repeat(65)) } }),
      /^nickname: must have at most 64 bytes/,
    );
    assert.match(
      await poke(NEC, { self: { nickname: { type: 'text', value: 5 } } }),
      /^\/contacts\/self\/nickname\/text must be/,
    );
    assert.match(await poke(NEC, { shelf: {} }), /^\/contacts must have one of the keys anon, self/);
    assert.match(await poke(NEC, 'x'), /is an object/);
    assert.match(await pokeOlder(NEC, { edit: [{ shoe: 'x' }] }), /no list of changes/);
    assert.equal(await poke(NEC, {}, 'contact-action-9'), 'unknown');
  });
});

describe('a ship that another meets', () => {
  const isSeenBy = async (ship: string) => {
    for (const path of ['/v1/peer/~nec', '/v1/contact/~nec']) assert.deepEqual(await scry(ship, path), NICKNAME);
    for (const path of ['/all', '/v1/all']) assert.ok('~nec' in Object(await scry(ship, path)), path);
    assert.deepEqual(Object(await scry(ship, '/v1/directory'))[NEC], { isContact: false, contact: NICKNAME, mod: {} });
    assert.equal(await scry(ship, '/v1/book/~nec'), undefined);
    assert.deepEqual(
      (await toldTo(ship)).filter(([, fact]) => JSON.stringify(fact).includes('"who":"~nec"')),
      [[ship, { peer: { who: NEC, contact: NICKNAME } }]],
    );
  };
  const isHiddenFrom = async (ship: string) => {
    assert.equal(await scry(ship, '/v1/peer/~nec'), undefined);
    for (const path of ['/all', '/v1/all', '/v1/directory'])
      assert.equal('~nec' in Object(await scry(ship, path)), false);
    assert.deepEqual(await toldTo(ship), []);
  };

  it('in a group is seen with its profile, and by strangers not', async () => {
    await withLounge(world, [ZOD, NEC]);
    await poke(NEC, { self: NICKNAME });
    await isSeenBy(ZOD);
    await isHiddenFrom(FES);
  });

  it('in a conversation is seen with its profile', async () => {
    const add = { memo: memoOf(ZOD, 'hi'), kind: null, time: null };
    await world.act(ZOD, { dm: { ship: NEC, diff: { id: await world.nextId(ZOD), delta: { add } } } });
    await poke(NEC, { self: NICKNAME });
    await isSeenBy(ZOD);
    await isHiddenFrom(FES);
  });

  it('in a club is seen with its profile, also by those who are invited', async () => {
    const init = { team: [NEC], hive: [ZOD], meta: META };
    await world.act(NEC, { club: { id: CLUB, diff: { uid: CLUB, delta: { init } } } });
    await poke(NEC, { self: NICKNAME });
    await isSeenBy(ZOD);
    await isHiddenFrom(FES);
  });

  it('is told of to all who meet it with one fact', async () => {
    await withLounge(world, [ZOD, NEC, FES]);
    await poke(NEC, { self: NICKNAME });
    const changes = (await world.database.query(readChanges)).flatMap((row) => row.changes);
    const watchers = [ZOD, FES].map((ship) => ({ ship, path: '/v1/news' }));
    const facts = (await agent.factsOf?.(changes, watchers)) ?? [];
    assert.deepEqual(facts.map(({ watcher }) => watcher.ship).sort(), [FES, ZOD]);
    assert.equal(new Set(facts.map(({ fact }) => fact)).size, 1);
  });

  it('is seen as it was once that ship has snubbed it', async () => {
    await withLounge(world, [ZOD, NEC]);
    await poke(NEC, { self: NICKNAME });
    await poke(ZOD, { meet: [NEC] });
    await poke(ZOD, { snub: [NEC] });
    await world.database.query(statement('test.forget', 'delete from community_changes'));
    await poke(NEC, { self: { nickname: text('Another') } });
    assert.deepEqual(await scry(ZOD, '/v1/peer/~nec'), NICKNAME);
    assert.deepEqual(Object(await scry(ZOD, '/v1/all'))[NEC], NICKNAME);
    assert.deepEqual(await toldTo(ZOD), []);
  });

  it('has a place for its profile, whoever has filled theirs', async () => {
    await withLounge(world, [ZOD, NEC]);
    await poke(NEC, { self: NICKNAME });
    await world.database.query(
      statement(
        'test.large-profiles',
        `with large as (
           insert into profiles select '~' || n, json_build_object('bio', json_build_object('text', repeat('x', 9000)))
           from generate_series(1, 200) n returning ship)
         insert into group_members (ship, flag) select ship, $1 from large`,
      ),
      [GROUP],
    );
    const all = Object(await scry(ZOD, '/v1/all'));
    assert.deepEqual(all[NEC], NICKNAME);
    assert.ok(JSON.stringify(all).length < 1024 * 1024);
  });
});

describe('a contact book', () => {
  it('has pages of ships and others, with what was added to them', async () => {
    await poke(NEC, { self: NICKNAME });
    const avatar = { type: 'look', value: 'https://a/b.png' };
    assert.equal(await poke(ZOD, { page: { kip: NEC, contact: {} } }), 'done');
    assert.equal(await poke(ZOD, { page: { kip: '0v1', contact: { nickname: text('Aunt') } } }), 'done');
    assert.equal(await poke(ZOD, { edit: { kip: NEC, contact: { avatar, nickname: null } } }), 'done');
    assert.equal(await poke(ZOD, { meet: [FES] }), 'done');
    const entry = [NICKNAME, { avatar }];
    assert.deepEqual(await scry(ZOD, '/v1/book'), { '~nec': entry, '0v1': [{}, { nickname: text('Aunt') }] });
    assert.deepEqual(await scry(ZOD, '/v1/book/~nec'), entry);
    assert.equal(await scry(ZOD, '/v1/book/~fes'), undefined);
    assert.deepEqual(await scry(ZOD, '/v1/directory'), {
      '~fes': { isContact: false, contact: {}, mod: {} },
      '~nec': { isContact: true, contact: NICKNAME, mod: { avatar } },
      '~zod': { isContact: false, contact: {}, mod: {} },
    });
    const older = { bio: '', status: '', color: '0x0', cover: null, groups: [] };
    const all = { '~fes': null, '~nec': { ...older, nickname: 'Nec', avatar: 'https://a/b.png' }, '~zod': null };
    assert.deepEqual(await scry(ZOD, '/all'), all);
    assert.deepEqual(await scry(ZOD, '/v1/all'), { '~fes': {}, '~nec': { ...NICKNAME, avatar }, '~zod': {} });
  });

  it('is of its owner alone', async () => {
    await poke(ZOD, { page: { kip: NEC, contact: NICKNAME } });
    assert.deepEqual(await scry(NEC, '/v1/book'), {});
    for (const path of ['/v1/contact/~zod', '/v1/book/~nec', '/v1/nonsense', '/v1/contact/~nonsense-nonsense'])
      assert.equal(await scry(FES, path), undefined, path);
    assert.deepEqual(await toldTo(NEC, FES), []);
  });

  it('tells its owner what is new in it', async () => {
    await poke(NEC, { self: NICKNAME });
    await world.database.query(statement('test.forget', 'delete from community_changes'));
    await poke(ZOD, { page: { kip: NEC, contact: {} } });
    await poke(ZOD, { meet: [FES] });
    await poke(ZOD, { drop: [FES] });
    const peer = { peer: { who: FES, contact: {} } };
    const page = { page: { kip: NEC, contact: NICKNAME, mod: {} } };
    assert.deepEqual(
      await toldTo(ZOD),
      [page, peer, peer].map((fact) => [ZOD, fact]),
    );
    await poke(ZOD, { wipe: [NEC, FES, '0v7'] });
    assert.deepEqual(
      await toldTo(ZOD),
      [peer, peer, { wipe: { kip: NEC } }].map((fact) => [ZOD, fact]),
    );
  });
});

it('those of conversations and groups are suggested as contacts, until they are', async () => {
  await withLounge(world, [ZOD, NEC]);
  const add = { memo: memoOf(FES, 'hi'), kind: null, time: null };
  await world.act(ZOD, {
    dm: { ship: FES, diff: { id: await world.nextId(ZOD), delta: { add: { ...add, memo: memoOf(ZOD, 'hi') } } } },
  });
  assert.deepEqual(await suggestedContacts(world.database, ZOD), [FES, NEC]);
  await poke(ZOD, { page: { kip: FES, contact: {} } });
  assert.deepEqual(await suggestedContacts(world.database, ZOD), [NEC]);
  assert.deepEqual(await suggestedContacts(world.database, FES), []);
});
