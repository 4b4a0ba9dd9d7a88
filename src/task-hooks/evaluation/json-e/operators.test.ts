// biome-ignore-all lint/suspicious/noThenProperty: a word of JSON-e.
// Every operator of templates with arguments of every kind, beside the library.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compareWithLibrary, CONTEXT as context, type Verdict } from '../../test-support/json-e-oracle.ts';

/** Each makes values of another kind. */
const ARGUMENTS: readonly unknown[] = [
  ...[null, true, 0, 1, 'text', '${text}', '${no', '', [], {}, [1], [[1], [2, [3]]], ['b', 'a'], [1, 'a'], [null]],
  ...[[{}], [{ a: 1 }, { a: { b: 1 } }, { a: { b: [2] } }], [{ a: [1] }, { a: [2], __proto: 1 }], { a: 1, b: 2 }],
  ...['list', 'words', 'people', 'deep', 'object', 'min', 'n', 'unknown', '[list, list]', '{"a b": 1}', '['].map(
    (source) => ({ $eval: source }),
  ),
  ...[{ $if: 'no', then: 1 }, { $if: 'yes', then: [2, 1] }, { $let: { x: 1 }, in: ['${x}'] }, { $json: [1] }],
  ...[{ '${text}': 1 }, { $$let: 1 }, { $unknown: 1 }, { $map: [1, 2], 'each(x)': ['${x}'] }, ['$${a}', '$$${n}']],
  JSON.parse('{"__proto__": {"a": 1}, "2": 1, "1": 2}'),
  [{ $eval: 'object' }, { $eval: 'object' }, { b: { c: [{ $if: 'no', then: 1 }] } }],
];
const CONDITIONS: readonly unknown[] = [
  'yes',
  'no',
  'n == 2',
  'x > 1',
  'x',
  'unknown',
  '',
  '1 +',
  1,
  null,
  ['yes'],
  '"${n}"',
  "'${'",
];

const check = (templates: Iterable<unknown>): Record<Verdict, number> => {
  const counts = { value: 0, error: 0, budget: 0, crash: 0, odd: 0 };
  for (const template of templates) {
    counts[compareWithLibrary(template, context)] += 1;
    counts[compareWithLibrary([{ 'a b': template, c: [template, template] }], context)] += 1;
  }
  assert.equal(counts.budget, 0);
  return counts;
};

const each = (make: (argument: unknown) => object): unknown[] => ARGUMENTS.map(make);
const pairs = (make: (one: unknown, other: unknown) => object, others: readonly unknown[] = ARGUMENTS): unknown[] =>
  ARGUMENTS.flatMap((one) => others.map((other) => make(one, other)));

const BESIDE = [
  { foo: 1 },
  { then: 1 },
  { xthen: 1 },
  { else: 1 },
  { elsewhere: 1 },
  { in: 1 },
  { from: 1 },
  { b: 1, a: 2 },
];

describe('an operator', () => {
  for (const name of ['eval', 'flatten', 'flattenDeep', 'json', 'merge', 'mergeDeep', 'reverse', 'sort', 'fromNow']) {
    it(`$${name} makes of each kind of value what the library makes`, () => {
      const { value, error } = check(each((argument) => ({ [`$${name}`]: argument })));
      assert.ok(name === 'eval' || value > 0);
      assert.ok(error > 0);
      check(BESIDE.map((beside) => ({ [`$${name}`]: [1], ...beside })));
    });
  }

  it('$eval makes of an expression what the library makes', () => {
    check(CONDITIONS.map((condition) => ({ $eval: condition })));
  });

  it('$if takes the branch that the library takes', () => {
    for (const condition of CONDITIONS) {
      const $if = condition;
      check([{ $if }, { $if, then: 'a ${n}' }, { $if, else: { $eval: 'n' } }, { $if, then: 1, else: 2 }]);
      check([{ $if, $then: 1 }, { $if, then: 1, $then: 1 }, ...BESIDE.map((beside) => ({ $if, ...beside }))]);
    }
    check(each((then) => ({ $if: 'yes', then })));
    check(each((otherwise) => ({ $if: 'no', else: otherwise })));
  });

  it('$let names values as the library does', () => {
    check(pairs((x, inner) => ({ $let: { x }, in: inner })));
    check(each((named) => ({ $let: named, in: '${x}' })));
    check([
      { $let: { x: 1 } },
      { $let: { x: 1 }, in: null },
      { $let: { x: 1, '1x': 2 }, in: 1 },
      { $let: { 'x${n}': 1 }, in: '${x2}' },
    ]);
    check([
      { $let: { now: '2019-01-01T00:00:00Z' }, in: { $fromNow: '1 h' } },
      { $let: { min: 1 }, in: '${min}' },
    ]);
    check([
      { $let: { now: 5 }, in: { $fromNow: '1 h' } },
      { $let: { now: '' }, in: { $fromNow: '1 h' } },
    ]);
    check([{ $let: JSON.parse('{"__proto__": 5}'), in: { $eval: '__proto__' } }, { $eval: '__proto__' }]);
  });

  it('$fromNow counts from where the library counts', () => {
    check(
      pairs(($fromNow, from) => ({ $fromNow, from }), ['2019', '', null, 0, 5.5, -1.5, 'x', [1], { $eval: 'now' }]),
    );
    for (const span of ['1 day', '2 days ${n} hours', '${n}', '3 fortnights'])
      check([{ $fromNow: span }, { $fromNow: span, from: '2019' }]);
    check([
      { $fromNow: '1 s', from: -1.5 },
      { $fromNow: '1 s', from: true },
      { $fromNow: 'x', from: { $eval: 'unknown' } },
    ]);
  });

  const LOOPS = ['each(x)', 'each(x,i)', 'each(x, i)', 'each(x,x)', 'each()', 'each(1)', 'xeach(x)', 'each(x,i,j)'];
  it('$map makes of each value what the library makes', () => {
    check(pairs(($map, inner) => ({ $map, 'each(x)': inner })));
    for (const key of LOOPS) check(each(($map) => ({ $map, [key]: { a: '${i}', b: { $eval: 'x' } } })));
    check(each(($map) => ({ $map, 'each(x)': { $eval: 'x' } })));
    check(each(($map) => ({ $map, 'each(x)': { '${x.key}': { $eval: 'x.val' } } })));
    check(each(($map) => ({ $map, 'each(v,k)': { '${k}': { $eval: 'v' }, k2: '${k}' } })));
    check([
      { $map: [1] },
      { $map: [1], 'each(x)': 1, 'each(y)': 2 },
      { $map: [1], foo: 1 },
      { $map: 1, 'each(x)': 1, b: 1 },
    ]);
    check([{ $map: [1, 2, 3], 'each(x)': { $if: 'x != 2', then: { $eval: 'x' } } }]);
    check([{ $map: { a: 1, b: 2 }, 'each(x)': { $if: 'x.val != 2', then: { $eval: 'x' } } }]);
  });

  it('$find finds what the library finds', () => {
    for (const condition of CONDITIONS) check(each(($find) => ({ $find, 'each(x)': condition })));
    check(['each(x,i)', 'each()', 'each(x,i,j)', 'foo'].map((key) => ({ $find: [5, 6, 7], [key]: 'i == 1' })));
    check([
      { $find: { $eval: 'people' }, 'each(p)': 'p.age == 2' },
      { $find: [1] },
      { $find: [{ $if: 'no', then: 1 }, {}], 'each(x)': 'true' },
    ]);
  });

  it('$reduce adds up as the library does', () => {
    const keys = ['each(a,x)', 'each(a, x, i)', 'each(a)', 'each(a,x,i,j)', 'each(a,a)'];
    for (const key of keys) {
      check(each(($reduce) => ({ $reduce, initial: 0, [key]: { $eval: 'a + 1' } })));
      check([
        { $reduce: [1, 2], initial: '${n}', [key]: '${a}${x}' },
        { $reduce: [1, 2], [key]: 1 },
      ]);
    }
    check([{ $reduce: [1, 2, 3], initial: [], 'each(a,x,i)': { $if: 'x != 2', then: { $eval: '[a, x, i]' } } }]);
    check([
      { $reduce: [1], initial: 1, 'each(a,x)': 1, foo: 1 },
      { $reduce: [1], 'each(a,x)': 1, 'each(b,x)': 2 },
    ]);
  });

  it('$match and $switch take what the library takes', () => {
    for (const name of ['$match', '$switch']) {
      check(each((argument) => ({ [name]: argument })));
      check(each((argument) => ({ [name]: { 'n == 2': argument, 'n == 3': { $eval: 'unknown' } } })));
      check([
        { [name]: { yes: 1, 'n > 1': '${n}', no: 3 } },
        { [name]: { no: 1 } },
        { [name]: { $default: 1, no: 2 } },
      ]);
      check([
        { [name]: { '1 +': 1, yes: 2 } },
        { [name]: { yes: 1, $default: 2 }, foo: 1 },
        { [name]: { yes: { $if: 'no', then: 1 } } },
      ]);
    }
  });

  it('$sort sorts as the library does', () => {
    for (const by of ['x', 'x.name', 'x.age', '-x.age', 'str(x.age) + x.name', 'x[0]', '1', 'null', '', 'unknown', 1]) {
      check(each(($sort) => ({ $sort, 'by(x)': by })));
    }
    check([
      { $sort: [2, 1], 'by()': 'x' },
      { $sort: [2, 1], 'xby(x)': 'x' },
      { $sort: [2, 1], foo: 1 },
      { $sort: ['b', 'é', 'a', 'B'] },
    ]);
    check([{ $sort: { $eval: '[3, number("x"), 1, 2, number("x"), 0]' } }]);
  });

  it('beside another one is refused as in the library', () => {
    check([
      { $eval: '1', $if: 'yes' },
      { $map: [1], $let: {}, in: 1 },
      { $unknown: 1, $other: 2 },
      { $eval1: { $eval: 'unknown' } },
    ]);
    check([
      { $unknown: { $if: 'no', then: 1 } },
      { a: 1, $b: { $eval: 'unknown' } },
      { $$eval: { $eval: '1' } },
      { '$a b': 1, $: 2, $$: 3 },
    ]);
  });

  it('that changes an array in place changes what the library changes', () => {
    const list = { $eval: 'list' };
    check([{ a: list, b: { $reverse: list }, c: list }, [{ $reverse: { $reverse: list } }, list]]);
    check([{ $let: { x: [1, 2, 3] }, in: { $map: [1, 2], 'each(y)': { $reverse: { $eval: 'x' } } } }]);
    check([
      { $map: [1, 2], 'each(y)': { $let: { x: [1, 2] }, in: [{ $reverse: { $eval: 'x' } }, { $reverse: [1, 2] }] } },
    ]);
    const people = { $mergeDeep: { $eval: 'people' } };
    check([
      [people, people, { $eval: 'people' }],
      { $reduce: [1, 2, 3], initial: [1, 2], 'each(a,x)': { $reverse: { $eval: 'a' } } },
    ]);
  });
});

describe('a text', () => {
  it('has its expressions put in as the library does it', () => {
    const pieces = [
      'a',
      '$',
      '$$',
      '{',
      '}',
      '${',
      '${n}',
      '$${n}',
      '${"}"}',
      '${ n }',
      '${object}',
      '${null}',
      "${'${'}",
      '${n',
      ' ',
    ];
    const texts = pieces.flatMap((a) => pieces.flatMap((b) => pieces.map((c) => a + b + c)));
    check(texts);
    check(texts.slice(0, 500).map((key) => ({ [key]: 1, x: 2 })));
  });
});

describe('a template at its bounds', () => {
  it('is rendered as the library does it', () => {
    const [long, deep] = [Array(499).fill('n').join('+'), `${'('.repeat(49)}n${')'.repeat(49)}`];
    for (const source of [long, deep, `[${long}]`.replaceAll('+', ','), `${'-'.repeat(48)}n`]) {
      const inside = JSON.stringify({ $eval: source });
      const nested = JSON.parse(`${'[{"a":'.repeat(49)}${inside}${'}]'.repeat(49)}`);
      assert.equal(compareWithLibrary(nested, context), 'value', source.slice(0, 20));
    }
  });
});

describe('a context', () => {
  it('with a name that no expression could have is refused as in the library', () => {
    for (const name of ['two words', 'a-b', '7th', 'a.b', '', '$a', 'é']) {
      for (const template of [{}, 'text', { $eval: 'n' }, { $unknown: 1 }]) {
        assert.equal(compareWithLibrary(template, { ...context, [name]: 1 }), 'error', name);
      }
    }
    for (const name of ['_', '__proto', 'a7', 'A_b']) assert.equal(compareWithLibrary({}, { [name]: 1 }), 'value');
  });
});

describe('a template is left to the library', () => {
  const ODD: Readonly<Record<string, unknown>> = {
    'that writes a function as text': '${min}',
    'whose index is an array or an object': { $eval: 'list[[0]]' },
    'that calls an array or an object': { $eval: 'list(1)' },
    'that joins arrays or objects': { $eval: 'join(deep, "-")' },
    'that counts from no moment': { $fromNow: '1 day', from: '${""}' },
    'that counts from true': { $fromNow: '1 day', from: true },
    'whose $reduce begins with nothing': { $reduce: [1], 'each(a,x)': 1, 'each(b,x)': 2 },
    'that turns the beginning of its $reduce around': {
      $reduce: [1],
      initial: [1, 2],
      'each(a,x)': { $reverse: { $eval: 'a' } },
    },
    'with an expression that nests deeper than 50': { $eval: `${'('.repeat(60)}1${')'.repeat(60)}` },
    'with an expression of more than 1,000 tokens': { $eval: Array(600).fill('1').join('+') },
    'of more than 5,000 parts': Array.from({ length: 5_001 }, (_, at) => `\${${at}}`),
    'that nests deeper than 100': JSON.parse(`${'[{"a":'.repeat(60)}1${'}]'.repeat(60)}`),
  };
  for (const [what, odd] of Object.entries(ODD)) {
    it(what, () => assert.equal(compareWithLibrary(odd, context), 'odd'));
  }
});
