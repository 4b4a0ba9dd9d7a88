// Following shows every fire once, in whatever order they are committed and however many come at a
// time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FireRecord } from '#client';
import { ApiCallError } from '#client';
import { roundsOf } from '../../../test/support/test-length.ts';
import type { Connection } from '../calls/api-connection.ts';
import type { Call } from '../cli/command.ts';
import { hookFires } from './hook-fires.ts';

const fireAt = (id: number, ended: number): FireRecord => ({
  ...{ kind: 'fire', outcome: 'created', firedBy: 'schedule', arrived: '', attempts: 1 },
  ended: new Date(1_700_000_000_000 + ended).toISOString(),
  requestId: String(id),
});

type Step = { readonly kind: 'away' } | { readonly kind: 'come'; readonly agesMs: readonly number[] };

/**
 * Follows a ledger to which each step adds fires that ended up to some milliseconds before the
 * newest; returns what was shown.
 */
const follow = async (
  before: number,
  limit: number,
  steps: readonly Step[],
): Promise<{ shown: string[]; all: string[] }> => {
  let newest = 0;
  let ledger: FireRecord[] = [];
  const add = (agesMs: readonly number[]) => {
    newest += 1;
    const added = agesMs.map((age, at) => fireAt(ledger.length + at, newest - age));
    ledger = [...added, ...ledger].toSorted((a, b) => (a.ended < b.ended ? 1 : a.ended > b.ended ? -1 : 0));
  };
  for (let at = 0; at < before; at++) add([0]);
  const old = new Set(ledger.slice(limit).map(({ requestId }) => requestId));
  let isAway = false;
  const lines: string[] = [];
  const hooks = {
    async *fires(): AsyncGenerator<FireRecord> {
      if (isAway) throw new ApiCallError('away', { code: 'ConnectionFailed', method: 'listFires' });
      yield* ledger;
    },
  };
  const left = [...steps, { kind: 'come', agesMs: [] } as const];
  const call = {
    argument: () => 'g/h',
    text: (name: string) => (name === 'limit' ? String(limit) : undefined),
    has: () => true,
    output: { isJson: true, line: (text: string) => void lines.push(text), remark: () => {} },
    clock: {
      sleep: async () => {
        const step = left.shift();
        if (step === undefined) return void process.emit('SIGINT');
        isAway = step.kind === 'away';
        if (step.kind === 'come') add(step.agesMs);
      },
    },
    connect: async () => ({ hooks }) as unknown as Connection,
  } as unknown as Call;
  assert.equal(await hookFires(call), 0);
  process.removeAllListeners('SIGINT').removeAllListeners('SIGTERM');
  const shown = lines.map((line) => (JSON.parse(line) as FireRecord).requestId);
  return { shown, all: ledger.map(({ requestId }) => requestId).filter((id) => !old.has(id)) };
};

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 1, arbitrary: fc.constant({ kind: 'away' } as const) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('come' as const), agesMs: fc.array(fc.nat(3), { maxLength: 12 }) }),
  },
);

test('every fire is shown once, also those that are committed late', async () => {
  const world = fc.asyncProperty(
    fc.nat(300),
    fc.integer({ min: 1, max: 30 }),
    fc.array(step, { maxLength: 15 }),
    async (before, limit, steps) => {
      const { shown, all } = await follow(before, limit, steps);
      assert.deepEqual(shown.toSorted(), all.toSorted());
    },
  );
  await fc.assert(world, { numRuns: roundsOf(200) });
});

test('a burst of thousands between two looks is shown whole', async () => {
  const { shown, all } = await follow(250, 5, [{ kind: 'come', agesMs: Array(5_000).fill(0) }]);
  assert.equal(new Set(shown).size, 5_005);
  assert.deepEqual(shown.toSorted(), all.toSorted());
});

test('a row that stands for many messages says how many', async () => {
  const one = { ...fireAt(1, 1), outcome: 'rejected', error: { message: 'no integer' } } as const;
  const many = { ...one, detail: { count: 998 }, error: { message: '998 more messages did not fit' } };
  const hooks = {
    async *fires(): AsyncGenerator<FireRecord> {
      yield* [many, one];
    },
    listFires: async () => ({ fires: [] }),
  };
  let shown = '';
  const call = {
    argument: () => 'g/h',
    text: () => undefined,
    has: () => false,
    output: {
      answer: (_json: unknown, text: (paint: unknown) => string) => {
        shown = text((_colour: string, word: string) => word);
      },
      remark: () => {},
    },
    connect: async () => ({ hooks }) as unknown as Connection,
  } as unknown as Call;
  assert.equal(await hookFires(call), 0);
  assert.match(shown, /rejected × 998 .*998 more messages did not fit\n.*rejected .*no integer/);
});
