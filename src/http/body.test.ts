import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { BODY_LIMIT_BYTES, decompressBody, isJson, parseJsonBody } from './body.ts';

const text = Buffer.from('{"a":"ü"}');
const malformed = (message: RegExp) => ({ code: 'MalformedPayload', message });

describe('a body', () => {
  it('that was compressed is as it was before', async () => {
    assert.deepEqual(await decompressBody(gzipSync(text), 'gzip'), text);
    assert.deepEqual(await decompressBody(deflateSync(text), 'deflate'), text);
    assert.deepEqual(await decompressBody(brotliCompressSync(text), 'br'), text);
    assert.equal(await decompressBody(text, 'identity'), text);
    assert.equal(await decompressBody(text, undefined), text);
  });

  it('that grows beyond the limit is refused, and one of just that size is not', async () => {
    const bomb = (bytes: number) => gzipSync(Buffer.alloc(bytes));
    await assert.rejects(decompressBody(bomb(BODY_LIMIT_BYTES + 1), 'gzip'), { code: 'InputTooLarge' });
    await assert.rejects(decompressBody(bomb(20 * BODY_LIMIT_BYTES), 'gzip'), { code: 'InputTooLarge' });
    assert.equal((await decompressBody(bomb(BODY_LIMIT_BYTES), 'gzip')).length, BODY_LIMIT_BYTES);
  });

  it('that is not what its encoding says, or of an unknown encoding, is malformed', async () => {
    for (const encoding of ['gzip', 'deflate', 'br']) {
      await assert.rejects(decompressBody(text, encoding), malformed(new RegExp(`not valid ${encoding}`)));
    }
    await assert.rejects(decompressBody(gzipSync(text).subarray(0, 15), 'gzip'), malformed(/not valid gzip/));
    for (const encoding of ['zstd', 'gzip, br', '']) {
      await assert.rejects(decompressBody(text, encoding), malformed(/Unsupported content-encoding/));
    }
  });
});

describe('a content type', () => {
  it('is JSON with or without parameters, in any case', () => {
    for (const type of [
      'application/json',
      'Application/JSON',
      'application/json; charset=utf-8',
      'application/json ;x',
    ])
      assert.ok(isJson(type), type);
    for (const type of [
      undefined,
      '',
      'text/json',
      'application/jsonp',
      'application/json-patch+json',
      'x application/json',
    ])
      assert.ok(!isJson(type), type);
  });
});

describe('a JSON body', () => {
  const parse = (body: string | Buffer, type = 'application/json') => parseJsonBody(Buffer.from(body), type);

  it('is what was written', () => {
    fc.assert(
      fc.property(fc.oneof(fc.array(fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue())), (value) => {
        const json = JSON.stringify(value);
        assert.deepEqual(parse(json), JSON.parse(json));
      }),
    );
  });

  it('that is empty is an empty object', () => assert.deepEqual(parse(''), {}));

  it('with a key __proto__ is an object with that key, and no other prototype', () => {
    const parsed = parse('{"__proto__":{"admin":true}}') as Record<string, unknown>;
    assert.equal(parsed.admin, undefined);
    assert.deepEqual(Object.keys(parsed), ['__proto__']);
  });

  it('may say that it is UTF-8, and nothing else', () => {
    for (const charset of ['utf-8', 'UTF-8', '"utf8"']) {
      assert.deepEqual(parse('{}', `application/json; charset=${charset}`), {});
    }
    assert.throws(() => parse('{}', 'application/json; charset=latin1'), malformed(/Unsupported charset: latin1/));
  });

  it('that is no object and no array, or no JSON, is malformed', () => {
    for (const body of ['1', '"x"', 'null', 'true']) {
      assert.throws(() => parse(body), malformed(/^Failed to parse JSON: Must be an object or array$/));
    }
    for (const body of ['{', '{"a":}', 'x', '\uFEFF{', "{'a':1}"]) {
      assert.throws(() => parse(body), malformed(/^Failed to parse JSON: /), body);
    }
  });
});
