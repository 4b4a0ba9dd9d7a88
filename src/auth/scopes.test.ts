import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import lib from 'taskcluster-lib-scopes';
import { roundsOf } from '../../test/support/test-length.ts';
import { compareScopes, covers, holds, isScope, normalForm, satisfies } from './scopes.ts';

/** Few letters, so that scopes often begin alike. */
const scope = fc.string({ unit: fc.constantFrom('a', 'b', ':', '*', ' ', 'Z'), maxLength: 6 });
const scopes = fc.array(scope, { maxLength: 12 });

describe('scopes', () => {
  it('are printable ASCII, and may be empty', () => {
    for (const good of ['', ' ', '~', 'a:b*c']) assert.ok(isScope(good));
    for (const bad of ['\n', 'ä', '\u0000', 7, null, undefined]) assert.ok(!isScope(bad));
  });

  it('sort with the final star taken off, the starred one first', () => {
    const sorted = ['*', '', 'B', 'a*', 'a', 'a(', 'aa', 'c', 'c:*'];
    assert.deepEqual([...sorted].reverse().sort(compareScopes), sorted);
  });

  it('sort as taskcluster-lib-scopes does', () => {
    fc.assert(
      fc.property(scope, scope, (left, right) => {
        assert.equal(Math.sign(compareScopes(left, right)), lib.scopeCompare(left, right));
      }),
      { numRuns: 2_000 },
    );
  });

  it('have the normal form that Taskcluster was recorded to give', () => {
    const given = ['auth:current-scopes', 'b', 'a*', 'a:x', 'B', 'ab', '', 'c:*', 'c:a', 'aa*', 'c'];
    assert.deepEqual(normalForm(given), ['', 'B', 'a*', 'b', 'c', 'c:*']);
  });

  it('satisfy nothing but what begins as they do up to their star', () => {
    assert.ok(!covers('a/b', 'a/bc'));
    assert.ok(!covers('a/b/*', 'a/b'));
    assert.ok(!covers('a:*', 'a*'), 'a wildcard is covered by a wider one only');
    assert.ok(covers('a/b*', 'a/bc') && covers('a/*', 'a/') && covers('*', ''));
    assert.ok(!covers('a*b', 'axb'), 'a star in the middle is a letter');
  });

  it('that end in two stars do not satisfy the wider one that ends in one', () => {
    assert.ok(!covers('**', '*') && !covers('a**', 'a*'));
    assert.ok(!holds(['a**'], 'a*') && !holds(normalForm(['a**']), 'a*'));
    assert.ok(covers('a*', 'a**') && covers('a**', 'a*b') && covers('a**', 'a**'));
  });

  it('normalize as taskcluster-lib-scopes does', () => {
    fc.assert(
      fc.property(scopes, (given) => {
        const oracle = lib.normalizeScopeSet([...given].sort(lib.scopeCompare));
        assert.deepEqual(normalForm(given), oracle);
      }),
    );
  });

  it('have the same meaning in normal form, where a binary search finds what a linear one does', () => {
    fc.assert(
      fc.property(scopes, scope, (given, required) => {
        // But for the one case in which we are stricter (scopes.ts).
        const isWider = (held: string) => required.endsWith('*') && held === `${required}*` && held !== required;
        const naive = given.some((held) => lib.patternMatch(held, required) && !isWider(held));
        assert.equal(holds(given, required), naive);
        assert.equal(holds(normalForm(given), required), naive);
      }),
      { numRuns: roundsOf(5_000) },
    );
  });

  it('satisfy expressions: every one of AllOf, one of AnyOf, and nothing satisfies an empty AnyOf', () => {
    const caller = { clientId: 'c', scopes: normalForm(['a:*', 'b']) };
    assert.ok(satisfies(caller, { AllOf: [] }));
    assert.ok(!satisfies(caller, { AnyOf: [] }));
    assert.ok(satisfies(caller, { AllOf: ['b', { AnyOf: ['x', 'a:1'] }] }));
    assert.ok(!satisfies(caller, { AllOf: ['b', { AnyOf: ['x', 'y'] }] }));
  });
});
