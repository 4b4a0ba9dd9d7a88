import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createReplays, type Replays } from './replays.ts';

const use = ({ use: record }: Replays, id: string, nonce: string, ts: string, request: object = {}) =>
  record(request, { id, nonce, ts });

describe('used signatures', () => {
  it('are known by client, nonce and time together', () => {
    const replays = createReplays();
    for (const [id, nonce, ts] of ['cn1', 'cn2', 'cm1', 'dn1'] as const) {
      assert.ok(use(replays, id as string, nonce as string, ts as string));
    }
    assert.ok(!use(replays, 'c', 'n', '1'));
  });

  it('are forgotten oldest first, once there are too many', () => {
    const replays = createReplays(3);
    for (const nonce of ['a', 'b', 'c', 'd']) assert.ok(use(replays, 'c', nonce, '1'));
    for (const nonce of ['b', 'c', 'd']) assert.ok(!use(replays, 'c', nonce, '1'), nonce);
    assert.ok(use(replays, 'c', 'a', '1'));
  });

  it('may be used again when the request that used them was not answered, and not because of another one that bore them', () => {
    const replays = createReplays();
    const [good, overheard] = [{}, {}];
    assert.ok(use(replays, 'c', 'n', '1', good));
    replays.forgive(overheard);
    assert.ok(!use(replays, 'c', 'n', '1', overheard));
    replays.forgive(overheard);
    assert.ok(!use(replays, 'c', 'n', '1'));
    replays.forgive(good);
    assert.ok(use(replays, 'c', 'n', '1'));
    replays.forgive(good);
    assert.ok(!use(replays, 'c', 'n', '1'), 'once');
  });
});
