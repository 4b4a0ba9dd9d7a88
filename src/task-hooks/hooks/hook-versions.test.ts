import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createWorld, ME, NAME, scheduledHook } from '../test-support/world.ts';
import { definitionAt, listVersions } from './hook-versions.ts';

it('the definition of a revision is found, also of one that changed only the token, and after the hook is gone', async (t) => {
  const { database, startServer } = await createWorld(t);
  const { changes, hooks } = await startServer({ isIdle: true });
  const first = scheduledHook([]);
  const second = scheduledHook([], { task: { said: 'something else' } });
  await changes.create(first, ME);
  const uid = (await hooks.find(NAME))?.uid ?? '';
  await changes.token(NAME, ME);
  await changes.update(NAME, () => second, ME);
  await changes.remove(NAME, ME);
  const at = (revision: number) => definitionAt(database, { uid, revision });
  assert.deepEqual(await Promise.all([1, 2, 3].map(at)), [first, first, second]);
  assert.equal(await definitionAt(database, { uid: '00000000-0000-4000-8000-000000000000', revision: 1 }), undefined);
  const versions = await listVersions(database, NAME, { before: Number.MAX_SAFE_INTEGER, limit: 10 });
  assert.deepEqual(
    versions.map(({ action, revision }) => [action, revision]),
    [
      ['removed', null],
      ['changed', 3],
      ['created', 1],
    ],
  );
});
