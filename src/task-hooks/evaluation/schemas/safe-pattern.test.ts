import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AnySchemaObject } from 'ajv';
import fc from 'fast-check';
import { roundsOf } from '../../../../test/support/test-length.ts';
import { costOfSchema } from './schema-cost.ts';
import { type CompiledSchema, compileTriggerSchema } from './trigger-schema.ts';

const compiled = (schema: AnySchemaObject): CompiledSchema => {
  const compilation = compileTriggerSchema(schema);
  if (!compilation.ok) return assert.fail(compilation.problem);
  return compilation.schema;
};
const fits = (schema: AnySchemaObject, payload: unknown): boolean => compiled(schema).check(payload, 0).length === 0;

/** Some fold to letters of ASCII, to two letters, or only one way. */
const UNICODE_LETTERS = ['ſ', '\u212a', 'ß', 'ẞ', 'É', 'é', 'Σ', 'ς', 'σ', '\u2126', 'ω', 'µ', 'ǅ', 'İ', 'ı', '٣', '𝒳'];
const UNICODE_CLASSES = [
  ...['\\p{L}', '\\P{L}', '\\p{Lu}', '\\P{Lu}', '\\p{Ll}', '\\p{Nd}', '\\p{Alphabetic}', '\\p{Script=Greek}'],
  ...['[\\p{L}\\d]', '[^\\p{L}_]', '[^\\P{Lu}]', '\\s', '\\S', '[^\\s]', '\\u{17f}', '\\B', '[a-zà-ÿ]'],
];

describe('a pattern in a trigger schema', () => {
  it('means by \\s and by a dot what JavaScript means', () => {
    const texts = ['\u00a0', '\v', '\ufeff', '\u2028', '\r', '\n', ' ', 'a', '\u{1f600}', ''];
    for (const pattern of ['^\\s$', '^\\S$', '^[\\sa]$', '^.$', '^[.]$', '^\\.$', '^[^\\s]$', 'a.*b', '^\\s*$']) {
      const compilation = compileTriggerSchema({ type: 'string', pattern });
      if (!compilation.ok) assert.fail(pattern);
      for (const text of texts) {
        const fits: boolean = compilation.schema.check(text, 0).length === 0;
        assert.equal(fits, new RegExp(pattern, 'u').test(text), `${pattern} on ${JSON.stringify(text)}`);
      }
    }
  });

  it('is refused when only other engines know it', () => {
    for (const pattern of ['(?i:a', '[[:alpha:]]', '\\Qa', 'a\\z']) {
      assert.equal(compileTriggerSchema({ type: 'string', pattern }).ok, false, pattern);
    }
  });

  const AGES_OF_BACKTRACKING = `${'a'.repeat(30_000)}!`;

  for (const pattern of ['^(a+)+$', '^(a|a)*$', '^(a*)*$', '^(a|aa)+$', '(a*)*b']) {
    it(`of the form ${pattern} does not backtrack`, () => {
      assert.ok(costOfSchema({ pattern }));
      assert.equal(fits({ pattern }, AGES_OF_BACKTRACKING), false);
    });
  }

  it('with a lookahead, a lookbehind or a backreference works, and has no bound that is known', () => {
    for (const [pattern, good, bad] of [
      ['^(?!bad).*$', 'good', 'bad one'],
      ['^(?=.*[0-9])[a-z0-9]+$', 'a1', 'ab'],
      ['(?<=a)b', 'ab', 'cb'],
      ['^(a|b)\\1$', 'aa', 'ab'],
    ] as const) {
      assert.ok(fits({ pattern }, good) && !fits({ pattern }, bad), pattern);
      assert.equal(costOfSchema({ pattern }), undefined, pattern);
    }
  });

  it('that changes its flags runs natively, because RE2 folds other letters and ends lines elsewhere', () => {
    for (const [pattern, text] of [
      ['^(?i:\\P{Lu})$', 'a'],
      ['^(?i:\\u{17f})$', 's'],
      ['^(?s:.)$', '\n'],
      ['(?m:^\\B$)', '\r'],
      ['^(?-i:a)$', 'A'],
    ] as const) {
      assert.equal(fits({ pattern }, text), new RegExp(pattern, 'u').test(text), pattern);
      assert.equal(costOfSchema({ pattern }), undefined, pattern);
    }
    assert.ok(costOfSchema({ pattern: '^[(?i:]$' }));
    assert.ok(costOfSchema({ pattern: '^\\(?i:$' }));
  });

  it('means the same whether RE2 or the runtime looks at it', () => {
    const letter = fc.constantFrom('a', 'b', 'c', '0', '1', '-', '_', 'ü');
    const unicode = fc.constantFrom(...UNICODE_LETTERS);
    const atom = fc.oneof(
      letter,
      unicode,
      fc.constantFrom(...UNICODE_CLASSES),
      fc.constantFrom('.', '\\d', '\\D', '\\w', '\\W', '[a-c]', '[^a-c]', '[0-9_]', '\\.', '\\b', '[\\w-]', '\\u0061'),
    );
    const { pattern } = fc.letrec<{ pattern: string }>((tie) => ({
      pattern: fc.oneof(
        { depthSize: 'small' },
        fc
          .tuple(atom, fc.constantFrom('', '', '*', '+', '?', '{1,2}', '{2}', '*?'))
          .map(([one, quantifier]) => (/^\\[bB]$/.test(one) ? one : `${one}${quantifier}`)),
        fc.array(tie('pattern'), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('')),
        fc.tuple(tie('pattern'), tie('pattern')).map(([left, right]) => `(${left}|${right})`),
        tie('pattern').map((inner) => `(?:${inner})*`),
        fc
          .tuple(fc.constantFrom('i', 's', 'm', '-i', 'is-m'), tie('pattern'))
          .map(([is, inner]) => `(?${is}:${inner})`),
        tie('pattern').map((inner) => `^${inner}`),
        tie('pattern').map((inner) => `${inner}$`),
      ),
    }));
    const other = fc.constantFrom('.', ' ', 'A', '\n', '\r', '\u2028', '💡', '\ud800');
    const text = fc.array(fc.oneof(letter, unicode, other), { maxLength: 8 });
    const schemas = new Map<string, CompiledSchema>();
    fc.assert(
      fc.property(pattern, fc.array(text, { minLength: 1, maxLength: 5 }), (source, texts) => {
        const schema = schemas.get(source) ?? compiled({ pattern: source });
        schemas.set(source, schema);
        for (const characters of texts) {
          const value = characters.join('');
          assert.equal(
            schema.check(value, 0).length === 0,
            new RegExp(source, 'u').test(value),
            `/${source}/ on ${value}`,
          );
        }
      }),
      { numRuns: roundsOf(300) },
    );
  });
});
