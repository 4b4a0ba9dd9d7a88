// How much there can be in a group, and how much of groups is read at once.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { lastFirst } from '../../../test/support/wait.ts';
import { createPlaceReads } from '../api/place-reads.ts';
import { createWorld, META, NEC, ZOD } from '../test-support/world.ts';

const { act, refusal, database } = await createWorld(lastFirst({ after }));
const places = createPlaceReads(database);
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
      const meta = { ...META, description: name === 'c' ? 'é'.repeat(2_500_000) : description };
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
});
