import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import aura from '@urbit/aura';
import fc from 'fast-check';
import { parseUv, uvText } from './uv.ts';

describe('the id of a hook', () => {
  it('is written as Urbit writes it, and read back', () => {
    assert.equal(uvText(126580979288226505733917087609646409720n), '0v2.v7ae1.supd9.tg834.l3mj2.tdpvo');
    const ids = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n });
    fc.assert(
      fc.property(ids, (id) => {
        assert.equal(uvText(id), aura.render('uv', id));
        assert.equal(parseUv(uvText(id)), id);
        assert.equal(parseUv(String(id)), id);
      }),
    );
  });

  it('is nothing else', () => {
    const wrong = ['', '0v', '0v00001', '0v123456', '0v1.2345', '0v1.2345w', '1.000', '-1', 1.5, -1, 2 ** 53, null, {}];
    for (const id of [...wrong, String(2n ** 128n), uvText(2n ** 128n)]) assert.equal(parseUv(id), null, String(id));
    assert.equal(parseUv(7), 7n);
  });
});
