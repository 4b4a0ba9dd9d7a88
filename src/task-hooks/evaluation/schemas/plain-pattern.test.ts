import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { triesOfPlainPattern } from './plain-pattern.ts';

describe('a pattern is plain', () => {
  for (const [pattern, once, perByte] of [
    ['^refs/', 6, 0],
    ['^[0-9a-f]{40}$', 43, 0],
    ['^a*$', 3, 2],
    ['^v[0-9]{1,3}$', 9, 0],
    ['^(a|b|cd)?e$', 16, 0],
    ['^refs/(?:heads|tags)/.{1,200}$', 850, 0],
    ['^\\p{Lu}[\\]a]+\\(x\\)$', 4, 5],
    ['^[(a]{2}\\\\1$', 7, 0],
  ] as const) {
    it(`when it is ${pattern}, with few tries`, () => {
      const tries = triesOfPlainPattern(pattern);
      assert.ok(tries && tries.once <= once && tries.perByte <= perByte, JSON.stringify(tries));
    });
  }

  for (const [why, pattern] of [
    ['it may begin anywhere', 'a*'],
    ['an alternative may begin anywhere', '^a|b*'],
    ['what is repeated repeats itself', '^(a+)+$'],
    ['what is counted repeats itself', '^(a{1,9}){1,9}$'],
    ['two parts have no upper end', '^[a-z]+[a-z]+$'],
    ['alternatives are repeated', '^(a|a)*$'],
    ['there are very many ways', '^a{1,40}a{1,40}a{1,40}$'],
    ['optional parts double the ways', `^${'a?'.repeat(20)}$`],
    ['it looks ahead', '^(?=a+)b'],
    ['it looks behind', '^a(?<=b)'],
    ['it refers back', '^(a)\\1$'],
    ['it refers back by name', '^(?<x>a)\\k<x>$'],
    ['it changes its flags', '^(?i:a)$'],
  ] as const) {
    it(`unless ${why}`, () => assert.equal(triesOfPlainPattern(pattern), undefined, pattern));
  }

  it('only if a backtracking search needs no more tries than are said, whatever the text', () => {
    type Node = {
      readonly source: string;
      readonly match: (text: string, at: number, next: (at: number) => boolean) => boolean;
    };
    let looks = 0;
    const letter = (one: string): Node => ({
      source: one,
      match: (text, at, next) => {
        looks += 1;
        return text[at] === one && next(at + 1);
      },
    });
    const repeated = ({ source, match }: Node, least: number, most: number, quantifier: string): Node => {
      const from = (text: string, at: number, count: number, next: (at: number) => boolean): boolean =>
        (count < most && match(text, at, (end) => from(text, end, count + 1, next))) || (count >= least && next(at));
      return { source: `${source}${quantifier}`, match: (text, at, next) => from(text, at, 0, next) };
    };
    const sequence = (nodes: readonly Node[]): Node => ({
      source: nodes.map(({ source }) => source).join(''),
      match: (text, at, next) => {
        const step = (index: number, place: number): boolean =>
          index === nodes.length
            ? next(place)
            : (nodes[index] as Node).match(text, place, (end) => step(index + 1, end));
        return step(0, at);
      },
    });
    const choice = (nodes: readonly Node[]): Node => ({
      source: `(${nodes.map(({ source }) => source).join('|')})`,
      match: (text, at, next) => nodes.some(({ match }) => match(text, at, next)),
    });
    const atom = fc.constantFrom('a', 'b').map(letter);
    const bounded = fc.tuple(fc.nat(2), fc.nat(4)).map(([least, more]) => [least, least + more] as const);
    const { node } = fc.letrec<{ node: Node }>((tie) => ({
      node: fc.oneof(
        { depthSize: 'small' },
        atom,
        fc.tuple(atom, bounded).map(([one, [least, most]]) => repeated(one, least, most, `{${least},${most}}`)),
        atom.map((one) => repeated(one, 1, Number.POSITIVE_INFINITY, '+')),
        fc.array(tie('node'), { minLength: 1, maxLength: 4 }).map(sequence),
        fc.array(tie('node'), { minLength: 1, maxLength: 3 }).map(choice),
        fc.array(tie('node'), { minLength: 1, maxLength: 2 }).map((nodes) => repeated(choice(nodes), 0, 1, '?')),
      ),
    }));
    const texts = fc.array(fc.array(fc.constantFrom('a', 'a', 'a', 'b'), { maxLength: 30 }), {
      minLength: 4,
      maxLength: 4,
    });
    fc.assert(
      fc.property(node, texts, ({ source, match }, letters) => {
        const tries = triesOfPlainPattern(`^${source}$`);
        if (!tries) return;
        for (const text of letters.map((each) => each.join(''))) {
          looks = 0;
          const fits = match(text, 0, (end) => end === text.length);
          assert.equal(fits, new RegExp(`^${source}$`, 'u').test(text));
          assert.ok(looks <= tries.once + tries.perByte * text.length, `${source} on ${text}: ${looks}`);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
