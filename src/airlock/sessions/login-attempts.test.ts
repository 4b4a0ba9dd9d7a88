// Logins may fail only so often, in bounded memory, and nobody is locked out by others.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { createLoginAttempts, MOST_IN_ALL, MOST_OF_ADDRESS } from './login-attempts.ts';

describe('attempts to log in', () => {
  it('from one address are refused after thirty failures, for a minute', async () => {
    const clock = createFakeClock();
    const attempts = createLoginAttempts(clock);
    for (let n = 0; n < MOST_OF_ADDRESS; n += 1) assert.ok(attempts.begin('192.0.2.1'));
    assert.equal(attempts.begin('192.0.2.1'), false);
    assert.ok(attempts.begin('192.0.2.2'));
    await clock.advance(60_000);
    assert.ok(attempts.begin('192.0.2.1'));
  });

  it('that succeed do not count', () => {
    const attempts = createLoginAttempts(createFakeClock());
    for (let n = 0; n < 10 * MOST_IN_ALL; n += 1) {
      assert.ok(attempts.begin('192.0.2.1'));
      attempts.forgive('192.0.2.1');
    }
  });

  it('count together for all addresses of one network', () => {
    const attempts = createLoginAttempts(createFakeClock());
    for (let n = 0; n < MOST_OF_ADDRESS; n += 1) assert.ok(attempts.begin(`2001:db8:1:2::${n.toString(16)}`));
    assert.equal(attempts.begin('2001:db8:1:2:aaaa:bbbb:cccc:dddd'), false);
    assert.ok(attempts.begin('2001:db8:1:3::1'));
  });

  it('by many together leave one to each who has not failed', () => {
    const attempts = createLoginAttempts(createFakeClock());
    const address = (n: number) => `10.0.${n >> 8}.${n & 255}`;
    for (let n = 0; n < MOST_IN_ALL; n += 1) assert.ok(attempts.begin(address(n)));
    assert.equal(attempts.begin(address(0)), false);
    assert.ok(attempts.begin('192.0.2.1'));
    assert.equal(attempts.begin('192.0.2.1'), false);
  });
});
