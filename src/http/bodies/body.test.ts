import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { roundsOf } from '../../../test/support/test-length.ts';
import { MOST_AT_ONCE } from '../../core/json.ts';
import { isJson, looksLikeObject, parseBodyInTurns, parseJsonBody } from './body.ts';
import { DEEPEST_BODY, MOST_KEYS, MOST_VALUES } from './json-structure.ts';

const malformed = (message: RegExp) => ({ code: 'MalformedPayload', message });

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

  it('looks like an object by its first byte that is no blank', () => {
    const looks = [' \t\r\n{', '{]', '[{', '', ' ', '\u00a0{'].map((body) => looksLikeObject(Buffer.from(body)));
    assert.deepEqual(looks, [true, true, false, false, false, false]);
  });

  it('is the same when it is read in turns, with characters across its pieces and bytes that are none', async () => {
    for (const before of ['', 'x', 'xx', 'xxx']) {
      const body = Buffer.from(JSON.stringify({ a: before + '😀'.repeat(MOST_AT_ONCE / 2) }));
      body[MOST_AT_ONCE + 100] = 0xff;
      assert.deepEqual(await parseBodyInTurns(body, 'application/json'), parseJsonBody(body, 'application/json'));
    }
  });

  it('is the same in turns, whatever bytes stand where two pieces meet', async () => {
    const body = Buffer.from(JSON.stringify({ a: 'x'.repeat(MOST_AT_ONCE + 100) }));
    const bytes = fc.array(fc.constantFrom(0x41, 0x80, 0xbf, 0xa0, 0xc3, 0xe2, 0xed, 0xf0, 0xf4, 0xff), {
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(bytes, async (around) => {
        const broken = Buffer.from(body);
        broken.set(around, MOST_AT_ONCE - 6);
        assert.deepEqual(await parseBodyInTurns(broken, 'application/json'), parseJsonBody(broken, 'application/json'));
      }),
      { numRuns: roundsOf(250) },
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

  it('that nests too deep, or holds too many values, is refused before it is parsed', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    assert.ok(parse(nested(DEEPEST_BODY)));
    assert.throws(() => parse(nested(DEEPEST_BODY + 1)), malformed(/deeper than 500 levels/));
    assert.throws(() => parse('{"a":'.repeat(5_000_000)), malformed(/deeper/));
    const keys = (count: number) => `{${Array.from({ length: count }, (_, n) => `"${n}":0`).join(',')}}`;
    const zeros = (count: number) => `[${'0,'.repeat(count - 1)}0]`;
    assert.ok(parse(keys(MOST_KEYS)));
    assert.ok(parse(zeros(MOST_VALUES)));
    const refused = (body: string, message: RegExp) =>
      assert.throws(() => parse(body), { code: 'InputTooLarge', message });
    refused(keys(MOST_KEYS + 1), /more than 25,000 keys/);
    refused(zeros(MOST_VALUES + 1), /more than 120,000 values/);
    refused(`[${'[],'.repeat(MOST_VALUES / 2)}0]`, /more than 120,000 values/);
    assert.ok(parse(JSON.stringify({ '[{,:\\': '"[,:{\\'.repeat(MOST_VALUES) })), 'what stands in a text is no value');
  });
});
