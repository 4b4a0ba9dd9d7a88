// Senders that mean harm: large bodies before anybody knows who sends, bombs, floods of wrong
// signatures.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { sign, startWithWebhook } from './support/webhooks.ts';

const MB = 1024 * 1024;

describe('a sender that means harm', () => {
  it('has 10 MB read and no more, whether they come at once or out of a bomb', async (t) => {
    const { deliver, to, queue, rows } = await startWithWebhook(t);
    const most = JSON.stringify({ text: 'x'.repeat(10 * MB - 20) });
    assert.equal((await deliver(to, most, { 'x-hub-signature-256': sign('') })).status, 401);
    const more = Buffer.alloc(10 * MB + 1, 0x20);
    assert.equal((await deliver(to, more)).status, 413);
    const bomb = gzipSync(Buffer.alloc(64 * MB, 0x20));
    assert.ok(bomb.length < 100_000);
    assert.equal((await deliver(to, bomb, { 'content-encoding': 'gzip' })).status, 413);
    assert.equal((await deliver(to, '{}', { 'content-encoding': 'gzip' })).status, 400);
    assert.equal((await deliver(to, '{}', { 'content-encoding': 'unknown' })).status, 400);
    assert.equal(queue.tasks.size, 0);
    assert.equal((await rows('select * from known_events')).length, 0);
    const { status, json } = await deliver(to, most);
    assert.equal(status, 400);
    assert.match(json.message, /a task of more than 10485760 bytes/);
  });

  it('has nothing read where the address leads nowhere, or a header is missing', async (t) => {
    const { to, url, send } = await startWithWebhook(t);
    const body = Buffer.alloc(5 * MB, 0x20);
    for (const path of [to.replace(url, ''), `/api/hooks/v1/webhook/${'B'.repeat(22)}`]) {
      assert.equal((await send(path, { method: 'POST', body })).status, 401);
    }
  });

  it('makes the ledger grow by counted rows only, while honest senders are served', async (t) => {
    const { deliver, to, queue, fires, rows } = await startWithWebhook(t);
    const wrong = { 'x-hub-signature-256': sign('another body') };
    const flood = async () => {
      for (let n = 0; n < 50; n += 1) assert.equal((await deliver(to, '{}', wrong)).status, 401);
    };
    const honest = async () => {
      for (let n = 0; n < 20; n += 1) assert.equal((await deliver(to, JSON.stringify({ n }))).status, 202);
    };
    await Promise.all([...Array.from({ length: 20 }, flood), honest()]);
    assert.equal(queue.tasks.size, 20);
    const outcomes = (await fires()).map(({ outcome }) => outcome);
    assert.equal(outcomes.filter((outcome) => outcome === 'rejected').length, 5);
    assert.deepEqual(await rows('select seen from rejections'), [{ seen: 1_000 }]);
  });

  it('can name properties of every object, and nest as deep as it likes', async (t) => {
    const { deliver, to } = await startWithWebhook(t, { when: { $eval: 'payload.a == 1' } });
    for (const body of ['{"__proto__":{"a":1}}', '{"constructor":{"a":1}}']) {
      assert.equal((await deliver(to, body)).status, 400, body);
    }
    assert.equal((await deliver(to, `${'['.repeat(600)}${']'.repeat(600)}`)).status, 400);
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    assert.equal((await deliver(to, '__proto__=1&a=2', form)).status, 202);
    assert.equal(({} as { a?: unknown }).a, undefined);
  });
});
