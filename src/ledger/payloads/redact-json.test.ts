import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { REDACTED, redactJson } from './redact-json.ts';

describe('what is redacted', () => {
  const value = { payload: { user: { mail: 'a@b', 'a/b~c': 1 }, list: [1, { key: 2 }] }, headers: { host: 'h' } };

  it('is what the pointers name, and nothing else', () => {
    const pointers = ['/payload/user/mail', '/payload/user/a~1b~0c', '/payload/list/1/key', '/headers'];
    assert.deepEqual(redactJson(value, pointers), {
      payload: { user: { mail: REDACTED, 'a/b~c': REDACTED }, list: [1, { key: REDACTED }] },
      headers: REDACTED,
    });
  });

  it('does not mind places that are not there', () => {
    const pointers = ['/payload/nobody/mail', '/payload/list/7', '/payload/list/length', '/payload/user/mail/0', '/x'];
    assert.deepEqual(redactJson(value, pointers), value);
    assert.deepEqual(redactJson(value, ['/__proto__/x', '/constructor/name']), value);
  });

  it('is everything where the pointer names the whole', () => {
    assert.deepEqual(redactJson(value, ['']), { payload: REDACTED, headers: REDACTED });
  });

  it('never changes the value itself', () => {
    const given = fc.dictionary(fc.string(), fc.jsonValue());
    const pointers = fc.array(fc.array(fc.string()).map((path) => path.map((key) => `/${key}`).join('')));
    fc.assert(
      fc.property(given, pointers, (before, of) => {
        const text = JSON.stringify(before);
        redactJson(before, of);
        assert.equal(JSON.stringify(before), text);
      }),
    );
  });
});
