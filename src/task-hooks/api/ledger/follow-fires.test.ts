import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createFakeClock } from '../../../../test/support/fake-clock.ts';
import type { Database } from '../../../database/database.ts';
import { type FoundRaw, foundRow } from '../../../ledger/search/found-row.ts';
import type { OnNew } from '../../../ledger/search/tail.ts';
import { fire, START } from '../../../ledger/test-support/entries.ts';
import { createFollowFires } from './follow-fires.ts';

const PIECE = 500;

const rawRow = (seq: number) => {
  const { hookUid, hookGroupId, hookId, ...row } = fire(START);
  return { ...row, hook_uid: hookUid, hook_group_id: hookGroupId, hook_id: hookId, beginning: null, seq };
};

/** A reader of a ledger with many pieces of 500 entries, who takes nothing until told to. */
const startReading = async (after?: number, piece = PIECE) => {
  const clock = createFakeClock();
  let reads = 0;
  let tell: OnNew = () => {};
  const query = async ({ name }: { readonly name: string }) => {
    if (name === 'ledger.at-of') return [{ at: START }];
    reads += 1;
    return Array.from({ length: piece }, (_, index) => rawRow(reads * PIECE + index));
  };
  const follow = createFollowFires({
    ...{ database: { query } as unknown as Database, clock },
    tail: {
      follow: async (onNew) => {
        tell = onNew;
        return () => {};
      },
    },
    ending: new AbortController().signal,
  });
  const source = await follow({ visible: 'all' }, 'reader', after);
  const written: string[] = [];
  let isOver = false;
  const stream = {
    write: (text: string) => written.push(text) < 2,
    end: () => {
      isOver = true;
    },
  };
  const comes = (count: number) =>
    tell(Array.from({ length: count }, (_, seq) => foundRow(rawRow(seq) as unknown as FoundRaw)));
  return { clock, stream, written, comes, source: source(stream), reads: () => reads, isOver: () => isOver };
};

const settle = async (clock: ReturnType<typeof createFakeClock>) => {
  for (let turn = 0; turn < 20; turn += 1) await clock.advance(100);
};

describe('who catches up with the ledger', () => {
  it('is sent no more than they take', async () => {
    const { clock, stream, source, reads, isOver } = await startReading(1);
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
    const { clock, stream, source, isOver } = await startReading(1);
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

describe('who has caught up with the ledger', () => {
  it('is not sent again what is told a moment later', async () => {
    const { clock, stream, source, written, comes } = await startReading(1, 2);
    await settle(clock);
    source.resume(stream);
    await settle(clock);
    comes(PIECE + 2);
    for (let taken = 0; taken < 5; taken += 1) source.resume(stream);
    const ids = written.flatMap((text) => text.match(/^id: \d+/gm) ?? []);
    assert.deepEqual([ids.length, new Set(ids).size], [PIECE + 2, PIECE + 2]);
    source.detach(stream);
  });
});

describe('who follows the ledger', () => {
  it('is sent what has come meanwhile piece by piece, when they take it', async () => {
    const { clock, stream, source, written, comes, isOver } = await startReading();
    await settle(clock);
    const begun = written.length;
    for (let times = 0; times < 4; times += 1) comes(1_000);
    const sent = () => written.slice(begun).flatMap((text) => text.match(/^id: /gm) ?? []).length;
    assert.equal(sent(), 250);
    for (let taken = 0; taken < 15; taken += 1) source.resume(stream);
    assert.deepEqual([sent(), isOver()], [4_000, false]);
    comes(5_001);
    assert.equal(isOver(), true);
  });
});
