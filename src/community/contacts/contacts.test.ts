// Contacts: what a ship says of itself and keeps about others, as it is read.
import assert from 'node:assert/strict';
import { after, beforeEach, describe, it } from 'node:test';
import { lastFirst } from '../../../test/support/wait.ts';
import { BUD, createWorld, FES, NEC, type World, ZOD } from '../test-support/world.ts';
import { readBook, readContact, readProfile } from './contact-store.ts';

const cleanup = lastFirst({ after });
let world: World;
beforeEach(async () => {
  world = await createWorld(cleanup);
});

const act = (ship: string, contacts: unknown) => world.act(ship, { contacts });
const seen = (owner: string, kip: string) => readContact(world.database, owner, kip);
const bookOf = async (owner: string, pagesOnly = true) =>
  (await readBook(world.database, owner, { after: '', limit: 100, pagesOnly })).map(({ kip }) => kip);
const named = (nickname: string) => ({ nickname: { text: nickname } });

describe('a profile', () => {
  it('is merged field by field, and those who follow see it', async () => {
    await act(NEC, { meet: [ZOD] });
    await act(ZOD, { self: { ...named('Zod'), color: { tint: 255 }, joined: { date: 1 }, age: { numb: 3 } } });
    await act(ZOD, { self: { color: null, groups: { set: [{ flag: 'zod/club' }] } } });
    const profile = {
      ...named('Zod'),
      joined: { date: 1 },
      age: { numb: 3 },
      groups: { set: [{ flag: '~zod/club' }] },
    };
    assert.deepEqual(await readProfile(world.database, ZOD), profile);
    assert.deepEqual((await seen(NEC, ZOD))?.profile, profile);
  });

  it('keeps both of two changes that are made at once', async () => {
    for (const ship of [ZOD, NEC, FES]) {
      await Promise.all([act(ship, { self: named('N') }), act(ship, { self: { bio: { text: 'B' } } })]);
      assert.deepEqual(await readProfile(world.database, ship), { ...named('N'), bio: { text: 'B' } });
    }
  });

  it('is cleared', async () => {
    await act(NEC, { meet: [ZOD] });
    await act(ZOD, { self: named('Zod') });
    await act(ZOD, { anon: null });
    assert.deepEqual((await seen(NEC, ZOD))?.profile, {});
  });

  it('that is too large, or of another kind, is refused and stays as it was', async () => {
    await act(ZOD, { self: named('Zod') });
    const refusal = (self: unknown) => world.refusal(ZOD, { contacts: { self } });
    assert.match(await refusal(named('x'.repeat(65))), /^nickname: must have at most 64 bytes/);
    assert.match(await refusal({ bio: { text: 'x'.repeat(2049) } }), /^bio: /);
    assert.match(await refusal({ avatar: { look: 'data:image/png,x' } }), /^avatar: must be the address/);
    assert.match(await refusal({ x: { text: 'x'.repeat(10_000) } }), /at most 10000 are kept/);
    assert.deepEqual(await readProfile(world.database, ZOD), named('Zod'));
  });

  it('is not shown to those who have not met its ship', async () => {
    await act(ZOD, { self: named('Zod') });
    assert.equal(await seen(NEC, ZOD), undefined);
  });
});

describe('a page of the book', () => {
  it('of a ship has an overlay beside its profile; a new ship is met', async () => {
    await act(NEC, { self: named('Nec') });
    await act(ZOD, { page: { kip: { ship: 'nec' }, contact: { nickname: { text: 'My Nec' } } } });
    const page = { kip: NEC, profile: named('Nec'), overlay: named('My Nec'), isPage: true, isFollowed: true };
    assert.deepEqual(await seen(ZOD, NEC), page);
    assert.equal(await seen(FES, NEC), undefined, 'it is of its owner alone');
    const again = { contacts: { page: { kip: { ship: NEC }, contact: {} } } };
    assert.equal(await world.refusal(ZOD, again), 'There is a page of ~nec already.');
    assert.equal(
      await world.refusal(ZOD, { contacts: { page: { kip: { ship: '~bus' }, contact: {} } } }),
      'There is no ship ~bus here.',
    );
  });

  it('may be without a ship, under an id in any spelling', async () => {
    await act(ZOD, { page: { kip: { id: 31 }, contact: named('Aunt') } });
    await act(ZOD, { edit: { kip: { id: '0vv' }, contact: { bio: { text: 'b' } } } });
    const page = await seen(ZOD, '0vv');
    assert.deepEqual([page?.overlay, page?.profile], [{ ...named('Aunt'), bio: { text: 'b' } }, {}]);
    for (const id of ['x', -1, 1.5, '0v1.x']) {
      const reason = await world.refusal(ZOD, { contacts: { page: { kip: { id }, contact: {} } } });
      assert.match(reason, /^The key of a page/);
    }
  });

  it('keeps both of two changes that are made at once', async () => {
    for (const ship of [NEC, FES, BUD]) {
      const kip = { ship };
      const made = [act(ZOD, { meet: [ship] }), act(ZOD, { page: { kip, contact: named('a') } })];
      await Promise.all(made);
      await Promise.all(
        ['bio', 'status'].map((field) => act(ZOD, { edit: { kip, contact: { [field]: { text: 'b' } } } })),
      );
      const overlay = { ...named('a'), bio: { text: 'b' }, status: { text: 'b' } };
      assert.deepEqual((await seen(ZOD, ship))?.overlay, overlay);
    }
  });

  it('is made once, whoever is first', async () => {
    const page = { contacts: { page: { kip: { id: 1 }, contact: {} } } };
    const results = await Promise.all([1, 2, 3].map(() => world.attempt(ZOD, page)));
    assert.deepEqual(results.map(({ kind }) => kind).sort(), ['done', 'refused', 'refused']);
  });

  it('is edited field by field, if it is there', async () => {
    await act(ZOD, { page: { kip: { ship: NEC }, contact: { ...named('a'), status: { text: 's' } } } });
    await act(ZOD, { edit: { kip: { ship: NEC }, contact: { status: null, bio: { text: 'b' } } } });
    assert.deepEqual((await seen(ZOD, NEC))?.overlay, { ...named('a'), bio: { text: 'b' } });
    assert.equal(
      await world.refusal(ZOD, { contacts: { edit: { kip: { ship: FES }, contact: {} } } }),
      'There is no page of ~fes.',
    );
  });

  it('is wiped, and all that are named with it', async () => {
    for (const kip of [{ ship: NEC }, { ship: FES }, { id: 1 }, { id: 2 }])
      await act(ZOD, { page: { kip, contact: named('a') } });
    await act(ZOD, { wipe: [{ ship: NEC }, { id: 1 }, { ship: '~bus' }] });
    assert.deepEqual(await bookOf(ZOD), ['0v2', FES]);
    assert.deepEqual(await bookOf(ZOD, false), ['0v2', FES, NEC], 'the ship stays met');
    assert.deepEqual((await seen(ZOD, NEC))?.overlay, {});
    await act(ZOD, { page: { kip: { ship: NEC }, contact: {} } });
  });

  it('is one of a book that is read in pages', async () => {
    for (const id of [1, 2, 3, 4, 5]) await act(ZOD, { page: { kip: { id }, contact: {} } });
    const page = await readBook(world.database, ZOD, { after: '0v2', limit: 2, pagesOnly: true });
    assert.deepEqual(
      page.map(({ kip }) => kip),
      ['0v3', '0v4'],
    );
  });
});

describe('a ship that was met', () => {
  beforeEach(() => act(NEC, { self: named('Nec') }));
  const rename = () => act(NEC, { self: named('New') });

  it('is followed', async () => {
    await act(ZOD, { meet: [NEC, NEC, ZOD, FES] });
    assert.deepEqual(await bookOf(ZOD, false), [FES, NEC]);
    assert.deepEqual(await bookOf(ZOD), [], 'without a page in the book');
    await rename();
    assert.deepEqual((await seen(ZOD, NEC))?.profile, named('New'));
    assert.equal(await world.refusal(ZOD, { contacts: { meet: ['~bus', FES] } }), 'There is no ship ~bus here.');
  });

  it('is followed no longer when it is snubbed, and known as it was', async () => {
    await act(ZOD, { meet: [NEC] });
    await act(ZOD, { snub: [NEC, '~bus'] });
    await rename();
    assert.deepEqual(await seen(ZOD, NEC), {
      kip: NEC,
      profile: named('Nec'),
      overlay: {},
      isPage: false,
      isFollowed: false,
    });
    await act(ZOD, { snub: [NEC] });
    assert.deepEqual((await seen(ZOD, NEC))?.profile, named('Nec'));
    await act(ZOD, { meet: [NEC] });
    assert.deepEqual((await seen(ZOD, NEC))?.profile, named('New'));
  });

  it('is forgotten when it is dropped; a page of it stays', async () => {
    await act(ZOD, { meet: [NEC] });
    await act(ZOD, { drop: [NEC] });
    assert.equal(await seen(ZOD, NEC), undefined);
    await act(ZOD, { page: { kip: { ship: NEC }, contact: named('a') } });
    await act(ZOD, { drop: [NEC] });
    assert.deepEqual(await seen(ZOD, NEC), {
      kip: NEC,
      profile: {},
      overlay: named('a'),
      isPage: true,
      isFollowed: false,
    });
  });
});
