// Entries for tests of the ledger, and all that is in it.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Ledger } from '../create-ledger.ts';
import type { LedgerEntry, LedgerRow } from '../entry.ts';

export const HOOK = randomUUID();
export const START = Date.UTC(2026, 10, 20, 12);
export const DAY = 86_400_000;

/** A fire of HOOK that made a task. */
export const fire = (at: number, changes: Partial<LedgerEntry> = {}): LedgerEntry =>
  ({
    at,
    kind: 'fire',
    outcome: 'created',
    hookUid: HOOK,
    hookGroupId: 'group',
    hookId: 'hook',
    hookRevision: 1,
    cause: 'call/1',
    firedBy: 'triggerHook',
    taskId: null,
    arrived: at - 3,
    attempts: 1,
    clientId: null,
    requestId: 'request',
    payloadHash: null,
    error: null,
    detail: null,
    ...changes,
  }) as LedgerEntry;

/** All entries of HOOK, page by page; `between` happens after each page but the last. */
export const allPages = async (ledger: Ledger, limit: number, between?: (page: number) => Promise<void>) => {
  const entries: LedgerRow[] = [];
  let continuationToken: string | undefined;
  for (let page = 0; ; page += 1) {
    const found = await ledger.page({ hookUid: HOOK, limit, continuationToken });
    entries.push(...found.entries);
    continuationToken = found.continuationToken;
    if (continuationToken === undefined) return entries;
    assert.equal(found.entries.length, limit);
    await between?.(page);
  }
};
