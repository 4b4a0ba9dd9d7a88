import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HookDefinition } from '../definition.ts';
import type { HookPage } from '../hooks/hook-store.ts';
import { listHooks } from './list-hooks.ts';

const named = (hookId: string) => ({ hookGroupId: 'g', hookId }) as HookDefinition;

/** Of two a page. `read`: what was asked for. */
const createHooks = (ids: readonly string[]) => {
  const read: string[] = [];
  const page = async (_group: string, after: string): Promise<HookPage> => {
    read.push(after);
    const found = ids.filter((id) => id > after);
    return { definitions: found.slice(0, 2).map(named), hasMore: found.length > 2 };
  };
  return { read, page };
};

describe('the hooks of a group', () => {
  it('are one answer, however many there are', async () => {
    const ids = ['a', 'b', 'c', 'd', 'e'];
    const answer = await listHooks(createHooks(ids), 'g');
    if (!('pieces' in answer)) return assert.fail('it is held at once');
    const text = (await Array.fromAsync(answer.pieces)).join('');
    assert.deepEqual(JSON.parse(text), { hooks: ids.map(named) });
  });

  it('are read when those before them are taken', async () => {
    const { read, page } = createHooks(['a', 'b', 'c', 'd', 'e']);
    const answer = await listHooks({ page }, 'g');
    if (!('pieces' in answer)) return assert.fail('it is held at once');
    for await (const piece of answer.pieces) if (piece.includes('"c"')) break;
    assert.deepEqual(read, ['', 'b']);
  });

  it('are a body when they are few, and a 404 when there are none', async () => {
    assert.deepEqual(await listHooks(createHooks(['a', 'b']), 'g'), { body: { hooks: ['a', 'b'].map(named) } });
    await assert.rejects(listHooks(createHooks([]), 'g'), { code: 'ResourceNotFound' });
  });

  it('may be removed while they are listed', async () => {
    const ids = ['a', 'b', 'c'];
    const answer = await listHooks(createHooks(ids), 'g');
    ids.pop();
    if (!('pieces' in answer)) return assert.fail('it is held at once');
    const text = (await Array.fromAsync(answer.pieces)).join('');
    assert.deepEqual(JSON.parse(text), { hooks: ['a', 'b'].map(named) });
  });
});
