import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LedgerRow } from '../../../ledger/entry.ts';
import { fire, START } from '../../../ledger/test-support/entries.ts';
import { stepsOf } from './explain-fire.ts';

/** What each step came to, in one letter. */
const LETTERS = {
  passed: '+',
  'not needed': '.',
  failed: 'F',
  declined: 'D',
  limited: 'L',
  'not reached': '-',
  'not known': '?',
};

const explained = (changes: object): string =>
  stepsOf({ ...fire(START, changes), seq: 1 } as LedgerRow)
    .map(({ verdict }) => LETTERS[verdict])
    .join('');

describe('the steps of a fire', () => {
  // verified, matched, validated, rendered, authorized, created
  const message = 'why';
  const cases: readonly (readonly [string, string, object])[] = [
    ['a call that made a task', '+.++++', {}],
    ['a message that made a task', '.+++++', { firedBy: 'pulseMessage' }],
    ['a schedule that made a task', '...+++', { firedBy: 'schedule' }],
    ['a payload that does not fit', '+.F---', { outcome: 'rejected', error: { message } }],
    ['a template that renders to nothing', '+.+D--', { outcome: 'declined', error: { message } }],
    ['a template that fails', '+.+F--', { outcome: 'failed', error: { message } }],
    ['a schema that is none', '+.F---', { outcome: 'failed', error: { message, step: 'validated' } }],
    ['a template that takes too long', '+.+L--', { outcome: 'limited', error: { message } }],
    [
      'a message that is too large',
      '.+L---',
      { firedBy: 'pulseMessage', outcome: 'limited', error: { message, step: 'validated' } },
    ],
    [
      'a role that is not enough',
      '+.++F-',
      { outcome: 'failed', error: { message, code: 'InsufficientScopes', statusCode: 403 } },
    ],
    [
      'a task that the queue refuses',
      '+.++?F',
      { outcome: 'failed', error: { message, code: 'InputError', statusCode: 400 } },
    ],
    ['a queue that was away', '+.++?F', { outcome: 'exhausted', attempts: 3, error: { message } }],
    ['a template that was never rendered', '...F--', { firedBy: 'schedule', outcome: 'exhausted', attempts: 0 }],
    ['a delivery that made a task', '++++++', { detail: { webhook: 'push' } }],
    [
      'a delivery that was not believed',
      'F-----',
      { outcome: 'rejected', error: { message }, detail: { webhook: 'push', check: 'wrong', address: '::1' } },
    ],
    [
      'deliveries that were not believed, and counted',
      'F-----',
      { outcome: 'rejected', error: { message }, detail: { webhook: 'push', count: 7, sample: { check: 'wrong' } } },
    ],
    [
      'a delivery that does not fit',
      '++F---',
      { outcome: 'rejected', error: { message }, detail: { webhook: 'push', event: 'ping' } },
    ],
    [
      'a delivery that its webhook declines',
      '+D----',
      { outcome: 'declined', error: { message, step: 'matched' }, detail: { webhook: 'push' } },
    ],
    [
      'a delivery of which its webhook makes nothing',
      '+F----',
      { outcome: 'failed', error: { message, step: 'matched' }, detail: { webhook: 'push' } },
    ],
    [
      'a delivery that the template declines',
      '+++D--',
      { outcome: 'declined', error: { message }, detail: { webhook: 'push' } },
    ],
    ['an event that came before', '+.++.-', { outcome: 'skipped', error: { message }, detail: { taskId: 't' } }],
    ['what was missed', '------', { firedBy: 'schedule', outcome: 'missed' }],
  ];
  for (const [what, steps, changes] of cases) {
    it(`tell of ${what}`, () => assert.equal(explained(changes), steps));
  }

  it('give the reason with the step at which it ended, and no other', () => {
    const steps = stepsOf({ ...fire(START, { outcome: 'rejected', error: { message } } as object), seq: 1 });
    assert.deepEqual(
      steps.filter(({ reason }) => reason !== undefined),
      [{ step: 'validated', verdict: 'failed', reason: message }],
    );
  });
});
