import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isSameTask } from './same-task.ts';

const TASK_ID = 'dSlITZ4yQgmvxxAi4A8fHQ';
const wanted = {
  taskQueueId: 'proj/worker',
  created: '2026-11-20T12:00:00.000Z',
  deadline: '2026-11-20T14:00:00.000Z',
  expires: '2026-12-20T14:00:00.000Z',
  scopes: ['b', 'a'],
  routes: ['y', 'x'],
  payload: { deep: [{ b: 1, a: null }], empty: {} },
  metadata: { name: 'n', description: '', owner: 'o@example.com', source: 'https://example.com/' },
};
/** As a queue answers it. */
const stored = {
  ...wanted,
  ...{ provisionerId: 'proj', workerType: 'worker', schedulerId: '-', projectId: 'none', taskGroupId: TASK_ID },
  ...{ dependencies: [], requires: 'all-completed', priority: 'lowest', retries: 5, tags: {}, extra: {} },
};
const isSame = (known: unknown, text = JSON.stringify(wanted)) => isSameTask(TASK_ID, text, known);

describe('the task that a queue has', () => {
  it('is the one that was wanted whenever it was created, and however it is written', () => {
    assert.ok(isSame(stored));
    assert.ok(isSame({ ...stored, created: '2026-11-20T13:30:00.000Z' }));
    assert.ok(isSame({ ...stored, deadline: '2026-11-20T15:00:00+01:00' }));
    assert.ok(isSame({ ...stored, scopes: ['a', 'b'], routes: ['x', 'y'] }));
    assert.ok(isSame({ ...stored, payload: { empty: {}, deep: [{ a: null, b: 1 }] } }));
    assert.ok(isSame({ ...stored, anything: 'of a newer queue' }));
    const { taskQueueId: _, ...inParts } = wanted;
    assert.ok(isSame(stored, JSON.stringify({ ...inParts, provisionerId: 'proj', workerType: 'worker' })));
  });

  it('is another one when anything else differs, also in what was left out', () => {
    for (const other of [
      { payload: { deep: [{ b: 1, a: null }] } },
      { payload: { ...wanted.payload, deep: [{ b: 1, a: 0 }] } },
      { scopes: ['a', 'b', 'c'] },
      { scopes: [] },
      { priority: 'low' },
      { retries: 4 },
      { tags: { a: 'b' } },
      { extra: { a: 'b' } },
      { dependencies: ['VB37RFEuSIisBGE5t4kSpw'] },
      { schedulerId: 'other' },
      { taskGroupId: 'VB37RFEuSIisBGE5t4kSpw' },
      { provisionerId: 'other', taskQueueId: 'other/worker' },
      { deadline: '2026-11-20T14:00:00.001Z' },
      { metadata: { ...wanted.metadata, owner: 'x@example.com' } },
    ]) {
      assert.ok(!isSame({ ...stored, ...other }), JSON.stringify(other));
    }
  });

  it('is another one when it is no task at all', () => {
    for (const nothing of [
      undefined,
      null,
      'text',
      [],
      {},
      { ...stored, deadline: 'never' },
      { ...stored, metadata: 1 },
    ]) {
      assert.ok(!isSame(nothing), JSON.stringify(nothing));
    }
    assert.ok(!isSame(stored, '{'));
  });
});
