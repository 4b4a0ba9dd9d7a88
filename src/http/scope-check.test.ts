import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ScopeExpression } from './api-method.ts';
import { fillInScopes, insufficientScopes, missingScopes } from './scope-check.ts';

const satisfied = (expression: ScopeExpression, scopes: ReadonlySet<string>): boolean => {
  if (typeof expression === 'string') return scopes.has(expression);
  if ('AllOf' in expression) return expression.AllOf.every((part) => satisfied(part, scopes));
  return expression.AnyOf.some((part) => satisfied(part, scopes));
};
const scopesIn = (expression: ScopeExpression): string[] => {
  if (typeof expression === 'string') return [expression];
  return ('AllOf' in expression ? expression.AllOf : expression.AnyOf).flatMap(scopesIn);
};
const scope = fc.constantFrom<string>('a', 'b', 'c', 'd', 'e');
const { expression } = fc.letrec<{ expression: ScopeExpression }>((tie) => ({
  expression: fc.oneof(
    { depthSize: 'small' },
    scope,
    fc.array(tie('expression'), { maxLength: 4 }).map((AllOf) => ({ AllOf })),
    // An empty AnyOf is a mistake of the declaration: nobody could satisfy it.
    fc.array(tie('expression'), { minLength: 1, maxLength: 4 }).map((AnyOf) => ({ AnyOf })),
  ),
}));

describe('what a caller lacks', () => {
  it('is nothing exactly when he satisfies the expression', () => {
    fc.assert(
      fc.property(expression, fc.uniqueArray(scope), (required, held) => {
        const scopes = new Set<string>(held);
        const missing = missingScopes(required, (one) => scopes.has(one));
        assert.equal(missing === undefined, satisfied(required, scopes));
      }),
    );
  });

  it('names none that he has, and is enough', () => {
    fc.assert(
      fc.property(expression, fc.uniqueArray(scope), (required, held) => {
        const scopes = new Set<string>(held);
        const missing = missingScopes(required, (one) => scopes.has(one));
        if (missing === undefined) return;
        for (const one of scopesIn(missing)) assert.ok(!scopes.has(one));
        assert.ok(satisfied(required, new Set([...held, ...scopesIn(missing)])));
      }),
    );
  });

  it('has no lists of one', () => {
    assert.equal(
      missingScopes({ AllOf: ['a', { AnyOf: [{ AllOf: ['b', 'c'] }] }] }, (one) => one !== 'c'),
      'c',
    );
  });
});

describe('a scope of a declaration', () => {
  it('has its names replaced, wherever it stands', () => {
    const declared = { AllOf: ['x:<g>/<h>', { AnyOf: ['y:<h>', 'z'] }] };
    assert.deepEqual(fillInScopes(declared, { g: 'G', h: 'a/$&<g>' }), {
      AllOf: ['x:G/a/$&<g>', { AnyOf: ['y:a/$&<g>', 'z'] }],
    });
  });

  it('with an unknown name is an error of ours', () => {
    assert.throws(() => fillInScopes('x:<nope>', {}), /"x:<nope>" needs <nope>/);
  });
});

describe('the refusal', () => {
  const satisfies = (caller: { scopes: readonly string[] }, required: ScopeExpression) =>
    satisfied(required, new Set(caller.scopes));
  const required = { AllOf: ['a', 'b'] };

  it('tells a known client what is missing and what is required', () => {
    const { code, message } = insufficientScopes({ clientId: 'me', scopes: ['a'] }, required, satisfies);
    assert.equal(code, 'InsufficientScopes');
    assert.match(message, /^Client ID me does not have .* missing the following scopes:\n\n```\nb\n```\n\n/);
    assert.ok(message.includes(JSON.stringify(required, null, 2)));
  });

  it('without a caller says only what is required', () => {
    const { message } = insufficientScopes({ clientId: undefined, scopes: ['a'] }, required, satisfies);
    assert.match(message, /^This request requires Taskcluster credentials/);
    assert.ok(message.includes(JSON.stringify(required, null, 2)) && !message.includes('missing'));
  });
});
