import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { freshDatabase } from '../../test/support/database.ts';
import { statement } from '../database/statement.ts';
import { LEDGER_COLUMNS, ledgerColumns, ledgerUnnest } from './columns.ts';
import { createLedger } from './create-ledger.ts';
import type { LedgerEntry } from './entry.ts';
import { allPages, fire, HOOK, START } from './test-support/entries.ts';

describe('the ledger', () => {
  it('gives back what was written to it', async (t) => {
    const ledger = createLedger(await freshDatabase(t));
    const full = fire(START, {
      taskId: 'task',
      clientId: 'client "quoted", {braced} \\',
      payloadHash: Buffer.from([0, 255, 92]),
      error: { code: 'x', message: 'two\nlines, "quotes", \0 and \u{1f3a3}' },
      detail: [null, 'NULL', 1.5, { a: {} }],
    });
    const attempt = fire(START + 1, { kind: 'attempt', outcome: null } as Partial<LedgerEntry>);
    const run = fire(START + 2, {
      kind: 'run',
      outcome: 'skipped',
      cause: null,
      firedBy: null,
    } as Partial<LedgerEntry>);
    await ledger.write([full, attempt, run]);
    const { entries, continuationToken } = await ledger.page({ hookUid: HOOK, limit: 10 });
    assert.deepEqual(
      entries.map(({ seq, ...entry }) => entry),
      [run, attempt, full],
    );
    assert.equal(continuationToken, undefined);
    assert.equal((await ledger.findFireByTask(HOOK, 'task'))?.at, START);
    assert.equal(await ledger.findFireByTask(randomUUID(), 'task'), undefined, 'of another hook');
    assert.equal(await ledger.findFireByTask(HOOK, 'other'), undefined);
    await ledger.write([]);
  });

  it('refuses an outcome that does not go with its kind', async (t) => {
    const ledger = createLedger(await freshDatabase(t));
    await assert.rejects(
      ledger.write([fire(START, { outcome: null } as unknown as Partial<LedgerEntry>)]),
      /ledger_outcome_or_not/,
    );
    await assert.rejects(
      ledger.write([fire(START, { outcome: 'lost' } as unknown as Partial<LedgerEntry>)]),
      /outcome_check/,
    );
  });

  it('shows only the kinds and outcomes that are asked for', async (t) => {
    const ledger = createLedger(await freshDatabase(t));
    await ledger.write([
      fire(START),
      fire(START + 1, { outcome: 'declined' }),
      fire(START + 2, { kind: 'attempt', outcome: null } as Partial<LedgerEntry>),
      fire(START + 3, { kind: 'run', outcome: 'failed' }),
      fire(START + 4, { outcome: 'failed' }),
      fire(START + 5, { hookUid: randomUUID() }),
    ]);
    const show = async (filter: object) =>
      (await ledger.page({ hookUid: HOOK, limit: 10, ...filter })).entries.map(({ at }) => at - START);
    assert.deepEqual(await show({}), [4, 3, 2, 1, 0]);
    assert.deepEqual(await show({ kinds: ['fire'] }), [4, 1, 0]);
    // An attempt has no outcome: only `kinds` decides about it.
    assert.deepEqual(await show({ outcomes: ['failed', 'declined'] }), [4, 3, 2, 1]);
    assert.deepEqual(await show({ kinds: ['fire', 'run'], outcomes: ['failed', 'declined'] }), [4, 3, 1]);
    assert.deepEqual(await show({ kinds: ['run'], outcomes: ['failed'] }), [3]);
    assert.deepEqual(await show({ kinds: [] }), []);
  });

  it('has pages that neither repeat nor lose an entry while others are written', async (t) => {
    const ledger = createLedger(await freshDatabase(t));
    // Many in the same millisecond, over the border of two months.
    const border = Date.UTC(2026, 11, 1);
    const written = Array.from({ length: 57 }, (_, n) => fire(border - 3 + Math.trunc(n / 10), { cause: `c${n}` }));
    await ledger.write(written);
    for (const limit of [1, 7, 10, 57, 1_000]) {
      const entries = await allPages(ledger, limit, (page) =>
        ledger.write([fire(border + 60_000 + page, { cause: 'new' })]),
      );
      const causes = entries.filter(({ cause }) => cause !== 'new').map(({ cause }) => cause);
      assert.deepEqual(causes, written.map(({ cause }) => cause).reverse());
    }
  });

  it('gives a thousand entries a page at most, and one at least', async (t) => {
    const ledger = createLedger(await freshDatabase(t));
    await ledger.write(Array.from({ length: 1_001 }, (_, n) => fire(START + n)));
    assert.equal((await ledger.page({ hookUid: HOOK, limit: 5_000 })).entries.length, 1_000);
    assert.equal((await ledger.page({ hookUid: HOOK, limit: 0 })).entries.length, 1);
  });

  it('takes entries in the statement that does something else with them', async (t) => {
    const database = await freshDatabase(t);
    const ledger = createLedger(database);
    const together = statement(
      'test.together',
      `with gone as (select i as cause from unnest($1::text[]) as i)
       insert into ledger (${LEDGER_COLUMNS}) select entry.* from ${ledgerUnnest(2)} join gone using (cause)`,
    );
    const entries = [fire(START, { cause: 'a' }), fire(START, { cause: 'b' })];
    await ledger.withMonths([START], () => database.query(together, [['b'], ...ledgerColumns(entries)]));
    assert.deepEqual(
      (await allPages(ledger, 10)).map(({ cause }) => cause),
      ['b'],
    );
  });

  it('is written in the transaction of the caller, or not at all', async (t) => {
    const database = await freshDatabase(t);
    const ledger = createLedger(database);
    const failing = database.transaction(async (tx) => {
      await ledger.write([fire(START)], tx);
      throw new Error('undone');
    });
    await assert.rejects(failing, /undone/);
    await database.transaction((tx) => ledger.write([fire(START, { cause: 'kept' })], tx));
    assert.deepEqual(
      (await allPages(ledger, 10)).map(({ cause }) => cause),
      ['kept'],
    );
  });
});
