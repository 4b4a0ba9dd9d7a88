import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LedgerRow } from '../../ledger/entry.ts';
import { fire, START } from '../../ledger/test-support/entries.ts';
import { eventAgain } from './kept-event.ts';

const MOMENT = { taskId: 'T', now: START, webhook: undefined };
const WHOLE = { text: '{"a":1}', bytes: 7, isWhole: true, isRedacted: false };

const again = (detail: object | null, context: object) => {
  const row = { ...fire(START, { outcome: 'limited', detail } as object), seq: 7 } as LedgerRow;
  return eventAgain(row, { ...WHOLE, context: { firedBy: 'triggerHookWithToken', ...context } }, MOMENT);
};

describe('a kept event', () => {
  it('comes again with its payload, at another moment', () => {
    const event = again(null, { clientId: 'me' });
    assert.ok(typeof event === 'object');
    const now = new Date(START).toISOString();
    assert.deepEqual(event.context, {
      ...{ firedBy: 'triggerHookWithToken', clientId: 'me' },
      ...{ taskId: 'T', now, payload: { a: 1 } },
    });
  });

  it('that came by a webhook does not come past its condition and its shape', () => {
    assert.match(String(again({ webhook: 'push' }, {})), /^What the webhook would have made of fire 7 is not known/);
    const webhook = { name: 'push' };
    assert.equal(typeof again({ webhook: 'push' }, { webhook }), 'object');
  });

  it('ended at its webhook when the ledger says so, whatever the words of the reason are', () => {
    const message = '"when" of the webhook: no';
    const kept = { ...WHOLE, context: { firedBy: 'triggerHookWithToken', webhook: { name: 'push' } } } as const;
    const rowWith = (error: object) =>
      ({ ...fire(START, { outcome: 'failed', error, detail: { webhook: 'push' } } as object), seq: 7 }) as LedgerRow;
    assert.equal(typeof eventAgain(rowWith({ message }), kept, MOMENT), 'object');
    assert.match(String(eventAgain(rowWith({ message, step: 'matched' }), kept, MOMENT)), /ended at the webhook push/);
  });
});
