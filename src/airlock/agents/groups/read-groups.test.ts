import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newGroup } from '../../../community/groups/new-group.ts';
import { ZOD } from '../../../community/test-support/world.ts';
import type { Queryable } from '../../../database/database.ts';
import { readAirlockGroups } from './read-groups.ts';

test('others have their turn between the groups of a ship, which may be large', async () => {
  const doc = newGroup({ host: ZOD, title: '', now: 1 });
  const rows = ['~zod/a', '~zod/b', '~zod/c'].map((flag) => ({ flag, version: 1, doc, entry: null }));
  const query = async ({ name }: { readonly name: string }) => (name === 'groups.joined' ? rows : []);
  const reading = readAirlockGroups({ query } as unknown as Queryable, ZOD);
  let turns = 0;
  let isDone = false;
  const done = reading.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    await new Promise(setImmediate);
    turns += 1;
  }
  assert.ok(turns > rows.length, String(turns));
  assert.deepEqual(Object.keys((await done) as object), ['~zod/a', '~zod/b', '~zod/c']);
});
