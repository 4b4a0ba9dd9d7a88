import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkScopesEnd } from '../request-checks.ts';
import type { RoleDefinition } from './role-index.ts';
import { checkRoleSet, widestScopes } from './role-rules.ts';

const role = (roleId: string, ...scopes: string[]): RoleDefinition => ({ roleId, scopes });

const refusal = (present: RoleDefinition[], changed: RoleDefinition): string => {
  try {
    checkRoleSet(present, changed);
  } catch (error) {
    assert.equal((error as { code?: unknown }).code, 'InputError');
    return (error as Error).message;
  }
  return 'accepted';
};

const CYCLE = 'Roles may not contain dependency cycles, found: ';

describe('a role', () => {
  it('may not grant itself', () => {
    assert.equal(refusal([], role('a', 'assume:a')), `${CYCLE}'assume:a' -> 'assume:a'`);
    assert.equal(refusal([], role('a*', 'assume:a<..>')), `${CYCLE}'assume:a*' -> 'assume:a*'`);
  });

  for (const wildcard of ['*', 'assume:*', 'a*', 'assume:probe-all*']) {
    it(`may not grant \`${wildcard}\`, which covers the role itself`, () => {
      const text = refusal([], role('probe-allstar', wildcard));
      assert.equal(text, `${CYCLE}'assume:probe-allstar' -> 'assume:probe-allstar'`);
    });
  }

  it('may not close a cycle over others', () => {
    const present = [role('a', 'assume:b'), role('unrelated', 'x')];
    const text = refusal(present, role('b', 'x', 'assume:a'));
    assert.equal(text, `${CYCLE}'assume:a' -> 'assume:b' -> 'assume:a'`);
  });

  it('is judged with its parameter taken as anything', () => {
    assert.match(refusal([], role('r*', 'assume:r x<..>')), /cycles/);
    assert.equal(refusal([role('s:*', 'x')], role('r:*', 'assume:s:<..>')), 'accepted');
    assert.match(refusal([role('s:*', 'assume:r:q')], role('r:*', 'assume:s:<..>')), /cycles/);
    assert.equal(refusal([], role('lit', 'assume:l<..>')), 'accepted', 'without a star, <..> is text');
  });

  it('is judged as it will be, not as it was', () => {
    assert.equal(refusal([role('a', 'assume:b'), role('b', 'assume:a')], role('b', 'x')), 'accepted');
  });

  it('passes its parameter on once a scope, and not right after a star', () => {
    assert.equal(refusal([], role('r*', 'a<..><..>')), "parameterized scope 'a<..><..>' contains multiple '<..>'");
    assert.match(refusal([], role('r*', 'a*<..>')), /^parameterized scope 'a\*<\.\.>' ends with '\*<\.\.>'/);
    assert.equal(refusal([], role('r*', 'q:*<..>B', 'q:<..>*')), 'accepted');
    assert.equal(refusal([], role('r', 'a<..><..>', 'a*<..>')), 'accepted');
  });

  it('may not end a scope with two stars', () => {
    assert.throws(() => checkScopesEnd(['a', 'b**']), { code: 'InputError' });
    checkScopesEnd(['a*', 'b**c']);
  });

  it('may not multiply beyond what can be expanded, nor make `anonymous` do so', () => {
    const chain = Array.from({ length: 30 }, (_, i) =>
      role(`m${i}:*`, `assume:m${i + 1}:<..>x`, `assume:m${i + 1}:<..>y`),
    );
    assert.match(refusal(chain.slice(1), chain[0] as RoleDefinition), /multiply/);
    const [first, ...rest] = [role('anonymous', 'assume:m0:a'), ...chain.slice(0, 10), ...chain.slice(11)];
    assert.match(refusal([first as RoleDefinition, ...rest], chain[10] as RoleDefinition), /multiply/);
  });

  it('is checked without recursion: a chain of 20,000 is no cycle and no crash', () => {
    const chain = Array.from({ length: 20_000 }, (_, i) => role(`c${i}`, `assume:c${i + 1}`));
    assert.equal(refusal(chain, role('c20000', 'x')), 'accepted');
    assert.match(refusal(chain, role('c20000', 'assume:c19999')), /cycles/);
  });

  it('is checked in time also when every role grants a wildcard over many', () => {
    const many = Array.from({ length: 2_000 }, (_, i) => role(`g:${i}`, 'x'));
    const wide = Array.from({ length: 2_000 }, (_, i) => role(`w:${i}`, 'assume:g:*'));
    assert.equal(refusal([...many, ...wide], role('last', 'assume:w:*')), 'accepted');
  });

  it('needs of who writes it what its star can make of `<..>`, not the text only', () => {
    assert.deepEqual(widestScopes('r:*', ['q:<..>/x', 'a']), ['q:*', 'a']);
    assert.deepEqual(widestScopes('r', ['q:<..>/x', 'a']), ['q:<..>/x', 'a']);
  });
});
