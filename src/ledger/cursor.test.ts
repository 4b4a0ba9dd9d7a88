import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ApiError } from '../http/api-error.ts';
import { readCursor, writeCursor } from './cursor.ts';

describe('a continuationToken', () => {
  const refused = (token: string) => {
    try {
      readCursor(token);
      return false;
    } catch (error) {
      return error instanceof ApiError && error.code === 'InputError';
    }
  };

  it('leads back to its place', () => {
    const at = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) });
    const seq = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
    const isSame = (cursor: { at: number; seq: number }) =>
      assert.deepEqual(readCursor(writeCursor(cursor)), { ...cursor });
    fc.assert(fc.property(fc.record({ at, seq }), isSame));
  });

  it('of another origin is refused', () => {
    const encode = (text: string) => Buffer.from(text).toString('base64url');
    const hostile = [
      ...['', ' ', '.', 'null', '%00', 'a'.repeat(10_000), `${writeCursor({ at: 1, seq: 2 })}=`],
      ...['1', '1.', '.1', '1.2.3', '-1.2', '1.-2', '1e3.1', '01.1', '1.01', '0x1.1', ' 1.1', '1.1\n', '1.1\0'].map(
        encode,
      ),
      ...['999999999999999.1', '1.9007199254740992', '1.9999999999999999', "1.1'; drop table ledger; --"].map(encode),
    ];
    for (const token of hostile) assert.ok(refused(token), token.slice(0, 40));
    fc.assert(fc.property(fc.string(), (token) => refused(token)));
    fc.assert(fc.property(fc.base64String(), (token) => refused(token) || writeCursor(readCursor(token)) === token));
  });
});
