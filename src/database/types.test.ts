import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { freshDatabase } from '../../test/support/database.ts';
import { statement } from './statement.ts';
import { boundValue } from './types.ts';

const echo = statement<{ texts: string[]; numbers: number[]; truths: boolean[]; bytes: Buffer[] }>(
  'test.echo-arrays',
  'select $1::text[] as texts, $2::float8[] as numbers, $3::boolean[] as truths, $4::bytea[] as bytes',
);

describe('an array that is bound', () => {
  it('comes to the database as it is', async (t) => {
    const database = await freshDatabase(t);
    const special = fc.constantFrom(
      '',
      ' ',
      'NULL',
      'null',
      '{}',
      ',',
      '"',
      '\\',
      '\\n',
      '\n',
      '\t',
      '\u0001',
      '\u2028',
      'ä💡',
    );
    const text = fc
      .oneof(special, fc.string({ unit: 'grapheme' }), fc.string({ unit: special }))
      .filter((one) => !one.includes('\0'));
    const nullable = <T>(one: fc.Arbitrary<T>) => fc.array(fc.option(one), { maxLength: 5 });
    const number = fc.double({ noNaN: true }).map((one) => one + 0); // -0 is 0
    const bytes = fc.uint8Array({ maxLength: 5 }).map((one) => Buffer.from(one));
    await fc.assert(
      fc.asyncProperty(
        ...([nullable(text), nullable(number), nullable(fc.boolean()), nullable(bytes)] as const),
        async (...[texts, numbers, truths, blobs]) => {
          const [row] = await database.query(echo, [texts, numbers, truths, blobs]);
          assert.deepEqual(row, { texts, numbers, truths, bytes: blobs });
        },
      ),
      { numRuns: 300 },
    );
  });

  it('is left to the driver where JSON would write something else', () => {
    for (const items of [[undefined], [Number.NaN], [Buffer.from('a')], [new Date(0)], [['a']], ['\n'], ['"']])
      assert.equal(boundValue(items), items);
    assert.equal(boundValue(['a', 1, null, true]), '{"a",1,null,true}');
  });
});
