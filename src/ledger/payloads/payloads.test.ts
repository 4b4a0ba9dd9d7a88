import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Cleanup, freshDatabase } from '../../../test/support/database.ts';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { createSecretBox } from '../../core/secret-box.ts';
import { statement } from '../../database/statement.ts';
import { createLedger } from '../create-ledger.ts';
import { DAY, fire, START } from '../test-support/entries.ts';
import { type Came, createPayloads, type KeptPayload, MOST_OF_LARGER_BYTES, MOST_WHOLE_BYTES } from './payloads.ts';
import { REDACTED } from './redact-json.ts';

const allKept = statement<{ kept: Buffer }>('test.kept-payloads', 'select kept from payloads');
const secretBox = createSecretBox(Buffer.alloc(32, 7));
const context = { firedBy: 'triggerHook', taskId: 't', now: '2026-11-20T12:00:00.000Z' };

const createWorld = async (t: Cleanup, days = 30) => {
  const database = await freshDatabase(t);
  const ledger = createLedger(database);
  const clock = createFakeClock(START);
  const payloads = createPayloads({ secretBox, clock, days });
  /** Kept with a fire that ends at once, and read again. */
  const keepAndRead = async (came: Came, redact: readonly string[] = []): Promise<KeptPayload | undefined> => {
    const entry = fire(START, { hookUid: randomUUID() });
    const key = { hookUid: entry.hookUid, cause: 'call/1' };
    await ledger.write([{ ...entry, payload: payloads.keep(key, came, { isKept: true, redact }) }]);
    return payloads.read(database, entry);
  };
  return { database, ledger, clock, payloads, keepAndRead };
};

describe('a kept payload', () => {
  it('is what came, to the byte', async (t) => {
    const { keepAndRead } = await createWorld(t);
    const whole = { isWhole: true, isRedacted: false };
    const text = '{"b":1, "a":"\\u0000\\n é 🎣"}';
    const bytes = Buffer.byteLength(text);
    assert.deepEqual(await keepAndRead({ context, body: text }), { context, text, bytes, ...whole });
    assert.deepEqual(await keepAndRead({ context, body: Buffer.from(text) }), { context, text, bytes, ...whole });
    assert.deepEqual(await keepAndRead({ context }), { context, text: undefined, bytes: 0, ...whole });
    assert.deepEqual(await keepAndRead({ context, body: '' }), { context, text: '', bytes: 0, ...whole });
    const anyBody = fc.oneof(fc.json(), fc.string({ unit: 'grapheme', maxLength: 5_000 }));
    await fc.assert(
      fc.asyncProperty(anyBody, async (body) => assert.equal((await keepAndRead({ context, body }))?.text, body)),
      { numRuns: 30 },
    );
  });

  it('is whole up to 256 KiB, and the first 64 KiB of what is larger', async (t) => {
    const { keepAndRead } = await createWorld(t);
    const largest = 'é'.repeat(MOST_WHOLE_BYTES / 2);
    const whole = await keepAndRead({ context, body: largest });
    assert.deepEqual([whole?.text, whole?.isWhole, whole?.bytes], [largest, true, MOST_WHOLE_BYTES]);
    const cut = await keepAndRead({ context, body: `x${largest}` });
    // Without the character that was cut in two.
    const beginning = `x${'é'.repeat(MOST_OF_LARGER_BYTES / 2 - 1)}`;
    assert.deepEqual([cut?.text, cut?.isWhole, cut?.bytes], [beginning, false, MOST_WHOLE_BYTES + 1]);
    const random = randomBytes(MOST_WHOLE_BYTES / 2).toString('hex'); // which hardly gets smaller
    assert.equal((await keepAndRead({ context, body: random }))?.text, random);
  });

  it('is stored sealed, compressed where that is smaller, and bound to its fire', async (t) => {
    const { database, ledger, payloads } = await createWorld(t);
    const entry = { ...fire(START), hookUid: randomUUID() };
    const body = JSON.stringify({ secret: 'open sesame'.repeat(1_000) });
    const payload = payloads.keep({ hookUid: entry.hookUid, cause: 'another' }, { context, body });
    await ledger.write([{ ...entry, payload }]);
    const [row] = await database.query(allKept);
    assert.ok(row && row.kept.length < body.length / 10 && !row.kept.includes('sesame'));
    await assert.rejects(payloads.read(database, entry), /authenticate/);
  });

  it('does not have what was to be redacted, and says so', async (t) => {
    const { keepAndRead } = await createWorld(t);
    const body = JSON.stringify({ user: { mail: 'a@b', name: 'c' } });
    const came = { context: { ...context, webhook: { headers: { host: 'h', cookie: 'x' } } }, body };
    assert.deepEqual(await keepAndRead(came, ['/payload/user/mail', '/webhook/headers/cookie']), {
      context: { ...context, webhook: { headers: { host: 'h', cookie: REDACTED } } },
      text: JSON.stringify({ user: { mail: REDACTED, name: 'c' } }),
      bytes: body.length,
      isWhole: true,
      isRedacted: true,
    });
    for (const unreadable of ['{"user":', `"${'x'.repeat(MOST_WHOLE_BYTES)}"`]) {
      const kept = await keepAndRead({ context, body: unreadable }, ['/payload/user']);
      assert.deepEqual([kept?.text, kept?.isWhole, kept?.isRedacted], ['', false, true]);
    }
  });

  it('has a context of at most 16 KiB', async (t) => {
    const { keepAndRead } = await createWorld(t);
    const kept = await keepAndRead({ context: { ...context, message: 'x'.repeat(16 * 1024) }, body: '{}' });
    assert.deepEqual([kept?.context, kept?.text], [{ isCut: true }, '{}']);
  });

  it('can be read for 30 days, and not longer', async (t) => {
    const { database, ledger, clock, payloads } = await createWorld(t);
    const entry = fire(START, { arrived: START });
    const key = { hookUid: entry.hookUid, cause: 'call/1' };
    await ledger.write([{ ...entry, payload: payloads.keep(key, { context, body: '{}' }) }]);
    await clock.advance(30 * DAY);
    assert.equal((await payloads.read(database, entry))?.text, '{}');
    await clock.advance(1);
    assert.equal(await payloads.read(database, entry), undefined);
  });

  it('is none where none is to be kept', async (t) => {
    const { payloads } = await createWorld(t, 0);
    const key = { hookUid: randomUUID(), cause: 'c' };
    assert.equal(payloads.keep(key, { context, body: '{}' }), undefined);
    const { payloads: others } = await createWorld(t);
    assert.equal(others.keep(key, { context, body: '{}' }, { isKept: false, redact: [] }), undefined);
  });
});
