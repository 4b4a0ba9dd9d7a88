import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { freshDatabase } from '../../../test/support/database.ts';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { systemClock } from '../../core/clock.ts';
import { createLedger } from '../create-ledger.ts';
import type { LedgerEntry } from '../entry.ts';
import { fire, START } from '../test-support/entries.ts';
import { type LedgerFilter, matches } from './filter.ts';
import { type FoundRow, LONGEST_BEGINNING } from './found-row.ts';
import { searchLedger } from './search-ledger.ts';

const NAMES = ['a', 'ab', 'a/b', 'a_b', 'A', '-'];
const TEXTS = ['no "Such" thing', 'back\\slash', 'line\nbreak', '100 % _ of it', 'nul \0', `${'x'.repeat(1_300)}END`];

const anyEntry = fc
  .record({
    hookGroupId: fc.constantFrom(...NAMES.filter((name) => !name.includes('/'))),
    hookId: fc.constantFrom(...NAMES),
    outcome: fc.constantFrom('created', 'declined', 'failed', 'rejected', null),
    isBinding: fc.boolean(),
    firedBy: fc.constantFrom('schedule', 'pulseMessage', null),
    clientId: fc.constantFrom('me', 'you', null),
    taskId: fc.constantFrom('t1', 't2', null),
    cause: fc.constantFrom('c1', 'c2', null),
    requestId: fc.constantFrom('r1', 'r2'),
    error: fc.option(fc.constantFrom(...TEXTS).map((message) => ({ message }))),
  })
  .map(({ isBinding, ...entry }, n = 0) => {
    const kind = entry.outcome !== null ? 'fire' : isBinding ? 'binding' : 'attempt';
    return fire(START + n, { ...entry, kind, hookUid: randomUUID() } as Partial<LedgerEntry>);
  });

/** Mostly not asked for, so that something is found. */
const rarely = <T>(of: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: of });
const some = <T>(...values: readonly T[]) => rarely(fc.constantFrom(...values));
const pieces = fc.constantFrom('*', 'a', 'b', '/', '_', '%', '\\', 'A');

const anyFilter = fc.record({
  visible: fc.oneof(
    fc.constant('all' as const),
    fc
      .record({
        names: fc.uniqueArray(fc.constantFrom<string[]>('a/a', 'ab/ab', 'a/a/b', '-/A')),
        prefixes: fc.uniqueArray(fc.constantFrom('a', 'a/', 'a_', 'a%', '-/', '')),
      })
      .map(({ names, prefixes }) => ({
        names,
        prefixes,
        has: (name: string) => names.includes(name) || prefixes.some((prefix) => name.startsWith(prefix)),
      })),
  ),
  hook: rarely(fc.array(pieces, { minLength: 1, maxLength: 6 }).map((all) => all.join(''))),
  kinds: some<LedgerFilter['kinds']>(['fire'], ['attempt', 'binding'], ['binding', 'fire']),
  outcomes: some<LedgerFilter['outcomes']>(['created'], ['failed', 'declined'], ['rejected', 'created']),
  firedBy: some('schedule', 'pulseMessage'),
  clientId: some('me', 'nobody'),
  taskId: some('t1', 't3'),
  cause: some('c1', 'c3'),
  requestId: some('r2', 'r3'),
  text: some('SUCH', '"such"', 'k\\S', 'e\nb', '% _', '%', 'l \0', 'END', 'x'.repeat(LONGEST_BEGINNING - 20)),
});

describe('a filter of the ledger', () => {
  it('means the same to a search and to those who follow, in pages of any size', async (t) => {
    const database = await freshDatabase(t);
    const ledger = createLedger(database);
    await ledger.write(fc.sample(anyEntry, { numRuns: 300, seed: 7 }));
    const everything = { visible: 'all', limit: 1_000 } as const;
    const timeless = createFakeClock(); // no page is cut short
    const all: readonly FoundRow[] = (await searchLedger(database, timeless, everything)).entries;
    assert.equal(all.length, 300);
    let found = 0;
    await fc.assert(
      fc.asyncProperty(anyFilter, fc.integer({ min: 1, max: 40 }), async (filter, limit) => {
        const seqs: number[] = [];
        for (let continuationToken: string | undefined; ; ) {
          const page = await searchLedger(database, systemClock, { ...filter, limit, continuationToken });
          seqs.push(...page.entries.map(({ seq }) => seq));
          continuationToken = page.continuationToken;
          if (continuationToken === undefined) break;
        }
        found += seqs.length;
        assert.deepEqual(
          seqs,
          all.filter((row) => matches(filter, row)).map(({ seq }) => seq),
        );
      }),
      { numRuns: 150 },
    );
    assert.ok(found > 100, 'filters find something now and then');
  });
});
