// Large JSON is the text that JSON.stringify makes, written while others are served.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { jsonInTurns } from './json-in-turns.ts';

describe('JSON written in turns', () => {
  it('is the text of JSON.stringify', async () => {
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 6 },
        fc.constant(undefined),
        fc.jsonValue(),
        fc.array(tie('value')),
        fc.dictionary(fc.string(), tie('value')),
        fc.date({ noInvalidDate: true }),
      ),
    }));
    await fc.assert(
      fc.asyncProperty(value, async (any) => {
        assert.equal(await jsonInTurns(any), JSON.stringify(any));
      }),
    );
  });

  it('leaves turns to others', async () => {
    const large = {
      hooks: Object.fromEntries(Array.from({ length: 10 }, (_, n) => [n, { src: '\n'.repeat(400_000) }])),
    };
    let isWritten = false;
    let turns = 0;
    const count = () => {
      turns += 1;
      if (!isWritten) setImmediate(count);
    };
    setImmediate(count);
    await jsonInTurns(large);
    isWritten = true;
    assert.ok(turns >= 3, `${turns} turns`);
  });
});
