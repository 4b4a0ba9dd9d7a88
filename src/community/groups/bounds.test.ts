// How much there can be in a group, and how much of groups is read at once.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { lastFirst } from '../../../test/support/wait.ts';
import { statement } from '../../database/statement.ts';
import { createPlaceReads } from '../api/place-reads.ts';
import { createWorld, META, NEC, ZOD } from '../test-support/world.ts';

const { act, refusal, database, feedOf } = await createWorld(lastFirst({ after }));
const places = createPlaceReads(database);
const addMembers = statement(
  'test.add-members',
  `update groups set doc = jsonb_set(doc::jsonb, '{fleet}', doc::jsonb->'fleet' || (
     select jsonb_object_agg('~ship-' || n, '{"sects":[],"joined":1}'::jsonb) from generate_series(1, $2) n))::json
   where flag = $1`,
);
const countMembers = statement<{ count: number }>(
  'test.count-members',
  'select count(*)::int as count from channel_members where nest = $1',
);
const EMPTY = { cabals: {}, zones: {}, 'zone-ord': [], channels: {}, 'active-channels': [], 'flagged-content': {} };
const NEW = {
  ...{ ...EMPTY, fleet: { [NEC]: { sects: [], joined: 1 } }, bloc: [] as string[], meta: META, secret: false },
  cordon: { open: { ships: [], ranks: [] } },
};
const change = (flag: string, diff: unknown) => ({ groups: { flag, update: { diff } } });
const rolesOf = (count: number) => Array.from({ length: count }, (_, n) => `r${n}`);
const cabalsOf = (count: number) => Object.fromEntries(rolesOf(count).map((role) => [role, { meta: META }]));

describe('a page of groups', () => {
  it('has about 4 MB, and one group at least; the next one goes on from there', async () => {
    const description = 'x'.repeat(1_500_000);
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      const meta = { ...META, description: name === 'c' ? 'é'.repeat(2_050_000) : description };
      await act(ZOD, change(`~zod/${name}`, { create: { ...NEW, meta } }));
    }
    const pages: string[][] = [];
    let more: { continuationToken?: string } = {};
    do {
      const { groups, ...token } = await places.groups(NEC, more);
      pages.push(groups.map(({ flag }) => flag));
      more = token;
    } while (more.continuationToken !== undefined);
    assert.deepEqual(pages, [['~zod/a', '~zod/b'], ['~zod/c'], ['~zod/d', '~zod/e']]);
    const { groups } = await places.groups(NEC, { limit: '1' });
    assert.deepEqual(groups, [await places.group(NEC, '~zod/a')]);
  });
});

describe('a group', () => {
  it('has at most 1,000 roles, and as many that make an admin', async () => {
    const tooMany = 'A group has at most 1000 roles, and as many that make an admin.';
    const flag = '~zod/roles';
    assert.equal(await refusal(ZOD, change(flag, { create: { ...NEW, cabals: cabalsOf(1_001) } })), tooMany);
    assert.equal(await refusal(ZOD, change(flag, { create: { ...NEW, bloc: rolesOf(1_001) } })), tooMany);
    await act(ZOD, change(flag, { create: { ...NEW, cabals: cabalsOf(999), bloc: rolesOf(1_000) } }));
    assert.equal(await refusal(ZOD, change(flag, { cabal: { sect: 'more', diff: { add: META } } })), tooMany);
    assert.equal(await refusal(ZOD, change(flag, { bloc: { add: ['more'] } })), tooMany);
    await act(ZOD, change(flag, { cabal: { sect: 'r1', diff: { edit: META } } }));
    await act(ZOD, change(flag, { cabal: { sect: 'r1', diff: { del: null } } }));
    await act(ZOD, change(flag, { cabal: { sect: 'more', diff: { add: META } } }));
  });

  it('of more than 4,000 members tells none of a new channel; all join it, and lose it when they may not read it', async () => {
    const flag = '~zod/crowd';
    const create = async (name: string) => {
      const channel = { kind: 'chat', group: flag, title: '', description: '', readers: [], writers: [] };
      await act(ZOD, { channels: { create: { ...channel, name } } });
      return `chat/~zod/${name}`;
    };
    const toldOf = async () => (await feedOf(NEC)).flatMap(({ event }) => ('chan-init' in event ? [event] : []));
    await act(ZOD, change(flag, { create: NEW }));
    await act(NEC, change(flag, { fleet: { ships: [NEC], diff: { add: null } } }));
    const nest = await create('early');
    assert.deepEqual(await toldOf(), [{ 'chan-init': { channel: nest, group: flag } }]);
    await database.query(addMembers, [flag, 4_000]);
    const late = await create('late');
    assert.equal((await database.query(countMembers, [late]))[0]?.count, 4_002);
    assert.equal((await toldOf()).length, 1);
    await act(ZOD, change(flag, { fleet: { ships: [NEC], diff: { 'add-sects': ['admin'] } } }));
    await act(ZOD, change(flag, { channel: { nest: late, diff: { 'add-sects': ['admin'] } } }));
    assert.equal((await database.query(countMembers, [late]))[0]?.count, 2);
  });
});
