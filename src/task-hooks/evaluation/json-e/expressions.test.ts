// Every operator and every function of the expression language on values of every kind, in every
// combination, beside the library. JSON-e's specification.yml has single cases of this kind; no
// package holds it, and the library is tested with it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compareWithLibrary, type Verdict } from '../../test-support/json-e-oracle.ts';

const NOW = '2017-01-19T16:27:20.974Z';

const VALUES: readonly string[] = [
  ...['null', 'true', 'false', '0', '1', '-1', '2.5', '0 / 3', 'number("x")', '10 ** 30', '10 ** 400'],
  ...['""', '"a"', '"abc"', '"é€😀"', '"12"', '"-1"', '" x "', '"2017-01-19T16:27:20.974Z"', '"2 days"'],
  ...['[]', '[1]', '[1, "a", null]', '[[1], {a: 1}]', 'list', '{}', '{a: 1}', '{"b": [1], a: null}', 'object'],
  ...['min', 'range', 'unknown'],
];
const context = { now: NOW, list: [3, 1, 2], object: { a: 1, b: [1, 2], '': 0 }, text: 'hello' };

const counted = (expressions: Iterable<string>, more: object = {}): Record<Verdict, number> => {
  const counts = { value: 0, error: 0, budget: 0, crash: 0, odd: 0 };
  let isText = false;
  for (const expression of expressions) {
    // In turns, because it takes its time: as a value and in a text.
    const template = isText ? { 'b c': `x\${${expression}} y` } : { a: [{ $eval: expression }] };
    counts[compareWithLibrary(template, { ...context, ...more })] += 1;
    isText = !isText;
  }
  return counts;
};

function* combined(...columns: readonly (readonly string[])[]): Generator<string> {
  const [first, ...others] = columns;
  if (!first) yield '';
  else for (const one of first) for (const rest of combined(...others)) yield one + rest;
}

describe('an expression', () => {
  for (const operator of ['+', '-', '*', '/', '**', '<', '>', '<=', '>=', '==', '!=', '&&', '||', 'in']) {
    it(`with ${operator} between any two values gives what the library gives`, () => {
      const { value, error, budget } = counted(combined(VALUES, [` ${operator} `], VALUES));
      assert.ok(value > 0 && error > 0);
      assert.equal(budget, 0);
    });
  }

  it('with operators in a row binds as in the library', () => {
    const operators = ['+', '*', '**', '<', '==', '&&', '||', 'in', '.', '!'];
    const rows = combined(['2', '-', '(3'], operators, ['3', '-1'], operators, ['2', '[2]', '2)']);
    assert.ok(counted(rows).value > 50);
  });

  for (const unary of ['!', '-', '+', '--', '!!', '-!']) {
    it(`with ${unary} before a value gives what the library gives`, () => {
      counted(combined([unary], VALUES, ['', '.a', '[0]', ' + 1', ' == true']));
    });
  }

  it('that takes one thing of a value gives what the library gives', () => {
    counted(
      combined(
        VALUES.map((value) => `(${value})`),
        ['.a', '["a"]', '[""]', '.true', '.in', '.b[0]', '.b.c'],
      ),
    );
    counted(combined(['list', '"héllo"', 'text', 'object', '1'], ['['], VALUES, [']']));
  });

  it('that takes a part of a value gives what the library gives', () => {
    const ends = ['', ...VALUES];
    counted(combined(['list', '"héllo"', 'text'], ['['], ends, [':'], ends, [']']));
    counted(combined(['list', 'text'], ['[0 1]', '[0:1:2]', '[::]', '[', '[]', '[:', '[1:', '[1', '[1:)', '[)']));
  });

  const ONE =
    'sqrt ceil floor abs lowercase uppercase str number len strip rstrip lstrip typeof defined fromNow min max';
  for (const name of [...ONE.split(' '), 'range', 'split', 'join', 'text', 'list', 'object', 'null', '1']) {
    it(`that calls ${name} with up to two values gives what the library gives`, () => {
      counted([`${name}()`, `${name}(`, `${name}(1`, `${name}(1,`, `${name}(,1)`, `${name}(1,)`, `${name}(1 2)`]);
      counted(combined([name], ['('], VALUES, [')']));
      counted(combined([name], ['('], VALUES, [', '], VALUES, [')']));
    });
  }

  it('that calls a function with three values gives what the library gives', () => {
    const some = ['0', '4', '2', '-1', '0.5', '"a"', 'null', '"1 day"'];
    counted(combined(['range(', 'min(', 'fromNow(', 'join(', 'split('], some, [', '], some, [', '], some, [')']));
    const inTurn = ['range(0, 2)', 'range(0, 2, 0.5)', 'range(0, 2, 1)', 'range(0, 2, 1, 1)', 'range(0)'];
    counted(combined(['['], inTurn, [', '], inTurn, [', '], inTurn, [']']));
  });

  it('strips the blanks that the library strips', () => {
    const blanks = ' \t\n\v\f\r\u00a0\u1680\u180e\u2003\u200b\u2028\u3000\ufeff';
    for (const blank of blanks) {
      counted(['strip(t)', 'lstrip(t)', 'rstrip(t)', 'number(t)', `1 +${blank}1`], {
        t: `${blank}1 ${blank}2${blank}`,
      });
    }
  });

  it('that counts from a moment gives what the library gives', () => {
    const spans = ['', '1 day', '-2 h', '+ 3min', '1y 2mo 3w 4d 5h 6m 7s', '1 DAY', '1 day 1 year', '  ', 'x', '1'];
    counted(spans.map((span) => `fromNow("${span}")`));
    counted(combined(['fromNow("'], spans, ['", '], ['""', 'now', '"2019"', '"x"', '"9999-12-31"', '1'], [')']));
    counted(['fromNow("99999999 years")', `fromNow("${'9'.repeat(150)} s")`, 'fromNow("1 day", "+275760-09-13")']);
  });

  it('with objects and lists in it gives what the library gives', () => {
    const objects = [
      '{}',
      '{a: 1}',
      '{"a": 1,}',
      '{a: 1, a: 2}',
      '{1: 2}',
      '{a 1}',
      '{a: }',
      '{a: 1',
      '{a',
      '{,}',
      '{',
    ];
    counted(
      combined([...objects, '{__proto__: 1}', '{"2": 1, "1": 2, b: {c: [1]}}'], ['', '.a', '["1"]', ' == {a: 2}']),
    );
    const lists = ['[', '[,]', '[1', '[1,', '[1,]', '[1,,2]', '[)', '[1)', '[[1], [2, [3]]]'];
    counted(combined(lists, ['', '[0]', ' == [1]', ']']));
  });

  it('that is none is refused with the words of the library', () => {
    const texts = [
      '',
      ' ',
      '#',
      '1 2',
      '1 +',
      '+',
      '(',
      '()',
      '(1',
      ')',
      'a.',
      'a.1',
      "'a",
      '"a',
      'true false',
      '1.',
      '.5',
    ];
    counted(combined(texts, ['', ' ', ' 1', '}', ' }x', '$']));
    assert.equal(compareWithLibrary({ $eval: `${'('.repeat(30)}1${')'.repeat(30)}` }, {}), 'value');
  });

  it('that stumbles only over what is evaluated gives what the library gives', () => {
    counted(combined(['true || ', 'false && ', 'true && ', 'false || '], ['', ')', 'unknown', '1 / 0', 'min()', '(1']));
  });

  it('compares objects by their values, whatever their order', () => {
    const deep = {
      a: { x: [1, { y: 2 }], z: null },
      b: { z: null, x: [1, { y: 2 }] },
      c: { x: [1, { y: 3 }], z: null },
    };
    counted(combined(['a', 'b', 'c'], [' == ', ' != ', ' in ', ' in [1, b] || '], ['a', 'b', 'c', '[a]']), deep);
  });
});
