import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exchangeOf, whySilent } from './names.ts';

const OWN = [
  exchangeOf('queue', 'task-pending'),
  exchangeOf('queue', 'task-completed'),
  exchangeOf('hooks', 'hook-created'),
];

describe('an exchange', () => {
  it('on which a service of this server publishes may bring messages', () => {
    for (const exchange of OWN) assert.equal(whySilent(exchange, OWN), undefined);
  });

  it('with the prefix of such a service, on which it never publishes, is named with those that it has', () => {
    for (const exchange of [
      'exchange/taskcluster-queue/v1/task-complete',
      'exchange/taskcluster-queue/v2/task-completed',
      'exchange/taskcluster-queue/v1/',
      'exchange/taskcluster-hooks/v1/hook-create',
    ]) {
      const why = whySilent(exchange, OWN) ?? '';
      assert.ok(why.startsWith(`this server publishes nothing on ${exchange}, only on exchange/taskcluster-`), why);
    }
    assert.match(whySilent('exchange/taskcluster-queue/v1/x', OWN) ?? '', /v1\/task-completed, .*v1\/task-pending$/);
    assert.doesNotMatch(whySilent('exchange/taskcluster-queue/v1/x', OWN) ?? '', /hook-created/);
  });

  it('of others, or of a service that runs elsewhere, may bring messages', () => {
    assert.equal(whySilent('exchange/of-others/v1/x', OWN), undefined);
    assert.equal(whySilent('exchange/taskcluster-auth/v1/client-created', OWN), undefined);
    assert.equal(whySilent('exchange/taskcluster-queue/v1/task-complete', []), undefined);
  });
});
