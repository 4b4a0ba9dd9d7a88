import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createReplays } from './replays.ts';

describe('used signatures', () => {
  it('are known by client, nonce and time together', () => {
    const { use } = createReplays();
    assert.ok(use('c', 'n', '1') && use('c', 'n', '2') && use('c', 'm', '1') && use('d', 'n', '1'));
    assert.ok(!use('c', 'n', '1'));
  });

  it('are forgotten oldest first, once there are too many', () => {
    const { use } = createReplays(3);
    for (const nonce of ['a', 'b', 'c', 'd']) assert.ok(use('c', nonce, '1'));
    for (const nonce of ['b', 'c', 'd']) assert.ok(!use('c', nonce, '1'), nonce);
    assert.ok(use('c', 'a', '1'));
  });
});
