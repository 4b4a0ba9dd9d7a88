// How much there can be in a group, and how much of groups is read at once.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { lastFirst } from '../../../test/support/wait.ts';
import { createPlaceReads } from '../api/place-reads.ts';
import { createWorld, META, NEC, ZOD } from '../test-support/world.ts';

const { act, database } = await createWorld(lastFirst({ after }));
const places = createPlaceReads(database);
const EMPTY = { cabals: {}, zones: {}, 'zone-ord': [], channels: {}, 'active-channels': [], 'flagged-content': {} };
const NEW = {
  ...{ ...EMPTY, fleet: { [NEC]: { sects: [], joined: 1 } }, bloc: [] as string[], meta: META, secret: false },
  cordon: { open: { ships: [], ranks: [] } },
};
const change = (flag: string, diff: unknown) => ({ groups: { flag, update: { diff } } });

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
