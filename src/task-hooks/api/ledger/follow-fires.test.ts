import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createFakeClock } from '../../../../test/support/fake-clock.ts';
import type { Database } from '../../../database/database.ts';
import { fire, START } from '../../../ledger/test-support/entries.ts';
import { createFollowFires } from './follow-fires.ts';

const PIECE = 500;

/** A reader of a ledger with many pieces of 500 entries, who takes nothing until told to. */
const startReading = async () => {
  const clock = createFakeClock();
  let reads = 0;
  const query = async ({ name }: { readonly name: string }) => {
    if (name === 'ledger.at-of') return [{ at: START }];
    reads += 1;
    return Array.from({ length: PIECE }, (_, index) => {
      const { hookUid, hookGroupId, hookId, ...row } = fire(START);
      const of = { hook_uid: hookUid, hook_group_id: hookGroupId, hook_id: hookId, beginning: null };
      return { ...row, ...of, seq: reads * PIECE + index };
    });
  };
  const follow = createFollowFires({
    ...{ database: { query } as unknown as Database, clock },
    tail: { follow: async () => () => {} },
    ending: new AbortController().signal,
  });
  const source = await follow({ visible: 'all' }, 'reader', 1);
  const written: string[] = [];
  let isOver = false;
  const stream = {
    write: (text: string) => written.push(text) < 2,
    end: () => {
      isOver = true;
    },
  };
  return { clock, stream, written, source: source(stream), reads: () => reads, isOver: () => isOver };
};

const settle = async (clock: ReturnType<typeof createFakeClock>) => {
  for (let turn = 0; turn < 20; turn += 1) await clock.advance(100);
};

describe('who catches up with the ledger', () => {
  it('is sent no more than they take', async () => {
    const { clock, stream, source, reads, isOver } = await startReading();
    await settle(clock);
    assert.equal(reads(), 1);
    for (let taken = 0; taken < 3; taken += 1) {
      source.resume(stream);
      await settle(clock);
    }
    assert.deepEqual([reads(), isOver()], [4, false]);
    source.detach(stream);
  });

  it('is left when they have taken nothing for long, and not when they are slow', async () => {
    const { clock, stream, source, isOver } = await startReading();
    for (let seconds = 0; seconds < 50; seconds += 10) {
      await clock.advance(10_000);
      source.resume(stream);
      await settle(clock);
    }
    assert.equal(isOver(), false);
    await clock.advance(30_000);
    assert.equal(isOver(), true);
  });
});
