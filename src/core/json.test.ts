import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { canonicalJson, jsonBytesInTurns, MOST_AT_ONCE, mapValues, sameJson, stringifyInTurns } from './json.ts';

describe('two JSON values', () => {
  it('are the same exactly when their canonical texts are', () => {
    const value = fc.jsonValue({ maxDepth: 3 });
    fc.assert(
      fc.property(value, value, (left, right) => {
        assert.equal(sameJson(left, right), canonicalJson(left) === canonicalJson(right));
        assert.ok(sameJson(left, JSON.parse(canonicalJson(left))));
      }),
    );
  });

  it('are the same whatever the order of their keys, and whether a key is undefined or missing', () => {
    assert.ok(sameJson({ a: 1, b: { c: 2, d: 3 } }, { b: { d: 3, c: 2 }, a: 1 }));
    assert.ok(sameJson({ a: 1, b: undefined }, { a: 1 }));
    assert.ok(!sameJson({ a: undefined, b: 1 }, { a: 1, b: undefined }));
    assert.ok(!sameJson({ toString: 1 }, {}));
    assert.ok(!sameJson([1, 2], [2, 1]));
    assert.ok(!sameJson([], {}));
  });
});

describe('JSON in turns', () => {
  it('is that of the whole array', async () => {
    const items = [{ a: 1 }, 'x'.repeat(200_000), null, [1, 2]];
    assert.equal(String(await stringifyInTurns(items)), JSON.stringify(items));
    assert.equal(await stringifyInTurns([]), '[]');
    for (const value of [items, items[1], {}]) {
      assert.equal(String(await jsonBytesInTurns(value)), JSON.stringify(value));
    }
  });

  it('is the same where characters of two units lie across its pieces', async () => {
    for (const before of ['', 'x']) {
      const items = [`${before}${'😀'.repeat(MOST_AT_ONCE)}`, '\ud83d'];
      const text = JSON.stringify(items);
      assert.ok(Buffer.from(text).equals((await stringifyInTurns(items)) as Buffer), before);
    }
  });
});

describe('JSON in turns of long texts', () => {
  const long = { units: 'ab', lone: '\ud800', pairs: '😀', crossed: '\udc00\ud800' };

  it('is the text of JSON.stringify, wherever they stand', async () => {
    for (const [name, unit] of Object.entries(long)) {
      for (const before of ['', 'x']) {
        const text = before + unit.repeat(300_000);
        const items = [{ a: [1, undefined, { [text]: text, b: undefined, c: null }], d: 'x' }, text, [[text]], 'short'];
        assert.ok(String(await stringifyInTurns(items)) === JSON.stringify(items), name);
      }
    }
  });

  it('is the same of what nests as deep as JSON can be written', async () => {
    for (const inner of ['short', 'a'.repeat(300_000)]) {
      const deep = JSON.parse(`${'['.repeat(3_000)}${JSON.stringify(inner)}${']'.repeat(3_000)}`);
      assert.ok(String(await stringifyInTurns([deep])) === JSON.stringify([deep]));
    }
  });

  it('leaves turns to others', async () => {
    let isWritten = false;
    let turns = 0;
    const count = () => {
      turns += 1;
      if (!isWritten) setImmediate(count);
    };
    setImmediate(count);
    await stringifyInTurns([{ payload: { deep: '\ud800'.repeat(1_700_000) } }]);
    isWritten = true;
    // Beside those between the pieces of its UTF-8.
    assert.ok(turns >= 30, `${turns} turns`);
  });
});

describe('a record', () => {
  it('has other values under the same keys, in their order', () => {
    const record = JSON.parse('{"two": 2, "__proto__": 0, "one": 1}');
    const changed = mapValues(record, (value, key) => `${key}: ${value}`);
    assert.equal(JSON.stringify(changed), '{"two":"two: 2","__proto__":"__proto__: 0","one":"one: 1"}');
    assert.equal(JSON.stringify(record), '{"two":2,"__proto__":0,"one":1}');
  });
});
