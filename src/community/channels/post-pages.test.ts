// What hooks get at once of the posts of a channel.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { lastFirst } from '../../../test/support/wait.ts';
import { createWorld, LOUNGE, NEC, withLounge, ZOD } from '../test-support/world.ts';
import { createPostPages } from './post-pages.ts';

const world = await createWorld(lastFirst({ after }));
const { post, reply } = await withLounge(world, [NEC]);
const LARGE = 'x'.repeat(250_000);

/** 0 to 9: small, but for 5 and 7, which are larger than a page with their replies. */
const ids: string[] = [];
for (let place = 0; place < 10; place += 1) {
  ids.push(await post(ZOD, 'a post'));
  for (let i = 0; i < 5 && (place === 5 || place === 7); i += 1) await reply(NEC, ids[place] as string, LARGE);
}

describe('a page of posts for a hook', () => {
  it('has what fits into 1 MB, and one post at least, from the end that is asked for', async () => {
    const read = async (start: number, end: number, from: 'start' | 'end') => {
      const { page } = createPostPages(world.database, LOUNGE, ids.length);
      return (await page(start, end, from)).map(({ seal }) => ids.indexOf(seal.id));
    };
    assert.deepEqual(await read(0, 10, 'start'), [0, 1, 2, 3, 4]);
    assert.deepEqual(await read(2, 4, 'start'), [2, 3]);
    assert.deepEqual(await read(5, 10, 'start'), [5]);
    assert.deepEqual(await read(6, 10, 'start'), [6]);
    assert.deepEqual(await read(8, 10, 'start'), [8, 9]);
    assert.deepEqual(await read(0, 10, 'end'), [8, 9]);
    assert.deepEqual(await read(0, 8, 'end'), [7]);
    assert.deepEqual(await read(0, 7, 'end'), [6]);
    assert.deepEqual(await read(1, 3, 'end'), [1, 2]);
  });

  it('goes on from the page beside it, in both directions', async () => {
    const { page } = createPostPages(world.database, LOUNGE, ids.length);
    const forwards: string[][] = [];
    for (let start = 0; start < 10; start += forwards.at(-1)?.length ?? 10) {
      forwards.push((await page(start, 10, 'start')).map(({ seal }) => seal.id));
    }
    const backwards: string[][] = [];
    for (let end = 10; end > 0; end -= backwards[0]?.length ?? 10) {
      backwards.unshift((await page(0, end, 'end')).map(({ seal }) => seal.id));
    }
    assert.deepEqual([forwards.flat(), backwards.flat()], [ids, ids]);
    assert.deepEqual([forwards.length, backwards.length], [5, 5]);
  });
});
