import assert from 'node:assert/strict';
import { test } from 'node:test';
import aura from '@urbit/aura';
import fc from 'fast-check';
import { Effect } from '../types/effect.ts';
import { ActionGroups, Fleet } from '../types/group.ts';
import { VPost } from '../types/posts.ts';
import { Story } from '../types/story.ts';
import { decoder } from './decode.ts';
import { idFromMillis, millisFromId, parseId, withDots } from './id.ts';
import { normalizeShip, shipFromJson } from './ship.ts';

const effect = decoder(Effect);

test('an error points to what is wrong in the branch that was meant', () => {
  const cases: [unknown, string, RegExp][] = [
    [{}, '', /must have one of the keys channels, groups/],
    [null, '', /one of the keys/],
    [{ dm: {} }, '/dm/ship', /is missing/],
    [{ dm: { ship: 'bob' } }, '/dm/ship', /must be a ship such as ~?"?~sampel-palnet"?, not "bob"/],
    [{ channels: { pin: ['chat/~zod/a', 'nowhere'] } }, '/channels/pin/1', /must be a channel/],
    [{ contacts: { self: { 'a/b~c': { text: 'x' } } } }, '/contacts/self/a~1b~0c', /is no key here/],
    [
      { contacts: { self: { bio: { set: [{ numb: 'x' }] } } } },
      '/contacts/self/bio/set/0/numb',
      /must be a number, not "x"/,
    ],
    [JSON.parse('{"dm": {"ship": "~nec", "__proto__": 1, "diff": 1}}'), '/dm', /__proto__/],
  ];
  for (const [value, pointer, reason] of cases) {
    const result = effect(value);
    assert.ok(!result.ok);
    assert.equal(result.pointer, pointer);
    assert.match(result.reason, reason);
  }
});

test('every spelling of ships and ids comes out in the exact one; the value given is not changed', () => {
  const value = {
    channels: { channel: { nest: 'chat/zod/a', action: { post: { 'del-react': { id: '1234567', ship: 1 } } } } },
  };
  const before = structuredClone(value);
  const result = effect(value);
  assert.deepEqual(result, {
    ok: true,
    value: {
      channels: {
        channel: { nest: 'chat/~zod/a', action: { post: { 'del-react': { id: '1.234.567', ship: '~nec' } } } },
      },
    },
  });
  assert.deepEqual(value, before);
});

test('stories nested without end are refused, not followed', () => {
  let inline: unknown = 'x';
  for (let depth = 0; depth < 100_000; depth++) inline = { bold: [inline] };
  const result = decoder(Story)([{ inline: [inline] }]);
  assert.equal(result.ok, false);
  assert.match(result.ok ? '' : result.reason, /nested too deeply/);
});

test('a field that a record does not know is kept', () => {
  const post = {
    seal: { id: '1', replies: {}, reacts: {}, seq: 5 },
    revision: '0',
    essay: { content: [], author: '~zod', sent: 1, 'kind-data': { chat: null }, blob: null },
  };
  const result = decoder(VPost)(post);
  assert.ok(result.ok && result.value === (post as unknown));
});

test('of keys that are left out the first 100 are told, whatever is sent', () => {
  const short = Array.from({ length: 20_000 }, (_, index) => [`k${index}`, 0]);
  const unknown = Object.fromEntries([['x'.repeat(250_000), 0], ...short]);
  const told = effect({ contacts: { meet: ['~nec'], ...unknown }, ...unknown });
  assert.ok(told.ok);
  assert.equal(told.ignored?.length, 100);
  assert.equal(told.ignored?.[1]?.pointer, '/contacts/k0');
  assert.ok(JSON.stringify(told.ignored).length < 50_000);
});

test('keys that are left out in many places are told, as deep as they are nested', () => {
  let deep: unknown = 1;
  for (let depth = 0; depth < 50_000; depth++) deep = [deep];
  const content = Array.from({ length: 20_000 }, () => ({ inline: ['a'], other: 0 }));
  const result = decoder(Story)([{ inline: [], unknown: deep }, ...content]);
  assert.ok(result.ok);
  assert.deepEqual(
    result.ignored?.map(({ pointer }) => pointer),
    ['/0/unknown', ...Array.from({ length: 99 }, (_, index) => `/${index + 1}/other`)],
  );
});

test('of what is not in its exact form only so much is taken at once, wherever it stands', () => {
  const ships = Array.from({ length: 10_001 }, (_, n) => n + 65_536);
  const action = decoder(ActionGroups);
  const group = (some: readonly (number | string)[]) =>
    action({ flag: '~zod/a', update: { diff: { fleet: { ships: some, diff: { add: null } } } } });
  assert.ok(group(ships.slice(1)).ok);
  assert.ok(group(ships.map((ship) => normalizeShip(ship) as string)).ok);
  const refused = group(ships);
  assert.match(refused.ok ? '' : `${refused.pointer} ${refused.reason}`, /\/ships\/10000 must be in its exact form/);
  assert.ok(!decoder(Story)([{ inline: ships.map((ship) => ({ ship })) }]).ok);
  assert.ok(!decoder(Fleet)(Object.fromEntries(ships.map((ship) => [ship, { sects: [], joined: 0 }]))).ok);
});

test('an id has at most 45 digits, as a text and as a number', () => {
  const delReact = (id: unknown) =>
    effect({ channels: { channel: { nest: 'chat/~zod/a', action: { post: { 'del-react': { id, ship: '~zod' } } } } } });
  for (const id of ['9'.repeat(45), 9e44, 5]) assert.ok(delReact(id).ok, `${id}`);
  for (const id of ['9'.repeat(46), 1e45, 1e308]) assert.ok(!delReact(id).ok, `${id}`);
});

test('ships: name to number and back', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }), (number) => {
      const name = normalizeShip(number) as string;
      assert.match(name, /^~[a-z-]+$/);
      for (const spelling of [name, name.slice(1), `"${name}"`]) assert.equal(normalizeShip(spelling), name);
      assert.equal(shipFromJson(String(number)), name);
    }),
  );
});

test('ids: milliseconds to id and back, with dots and without', () => {
  assert.equal(idFromMillis(1743465600000), 170141184507313431682019536779450777600n);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_102_444_800_000 }), (ms) => {
      const id = idFromMillis(ms);
      assert.equal(millisFromId(id), ms);
      assert.equal(parseId(withDots(id)), id);
      assert.equal(parseId(String(id)), id);
    }),
  );
  for (const wrong of ['', '1.23', '12.', '.123', '1e5', '-1', '1'.repeat(60)])
    assert.equal(parseId(wrong), null, wrong);
});

test('a ship is accepted in the spelling that aura writes, and in no other', () => {
  const canonical = (name: string): boolean => {
    const number = aura.tryParse('p', name);
    return number !== null && aura.render('p', number) === name;
  };
  const ship = fc.integer({ min: 1, max: 128 }).chain((bits) => fc.bigInt(0n, (1n << BigInt(bits)) - 1n));
  const words = fc.array(fc.constantFrom('dozzod', 'doznec', 'sampel', 'palnet', 'zod', 'samsam', 'palpal'), {
    ...{ minLength: 1, maxLength: 9 },
  });
  const names = fc.oneof(
    ship.map((number) => aura.render('p', number)),
    ship.map((number) => aura.render('p', number).replace('--', '-')),
    ship.map((number) => `~dozzod-${aura.render('p', number).slice(1)}`),
    fc.tuple(words, fc.integer({ min: 0, max: 8 })).map(([list, at]) => {
      return `~${[list.slice(0, at), list.slice(at)].map((part) => part.join('-')).join('--')}`;
    }),
    words.map((list) => `~${list.join('-')}`),
  );
  fc.assert(
    fc.property(names, (name) => {
      assert.equal(normalizeShip(name), canonical(name) ? name : null, name);
    }),
    { numRuns: 2000 },
  );
});
