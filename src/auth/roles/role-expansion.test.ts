import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import lib from 'taskcluster-lib-scopes';
import { roundsOf } from '../../../test/support/test-length.ts';
import { ApiError } from '../../http/api-error.ts';
import { holds, normalForm } from '../scopes.ts';
import { compileRoles } from './role-expansion.ts';
import type { RoleDefinition } from './role-index.ts';

const rolesOf = (table: Record<string, readonly string[]>): RoleDefinition[] =>
  Object.entries(table).map(([roleId, scopes]) => ({ roleId, scopes }));

// Recorded at Taskcluster's own Auth.
const RECORDED_ROLES = rolesOf({
  'probe-p:*': ['q:<..>/x', 's:<..>', 't'],
  'probe-role': ['a:*', 'a:2', 'b', 'z:1'],
});
const LITERAL_ROLES = rolesOf({ 'probe-lit': ['q:<..>'], 'probe-q:*': ['q:*<..>B', 'q:<..>*'] });
const CHAIN = rolesOf({
  'chain-a:*': ['assume:chain-b:<..>/k', 'pa:<..>'],
  'chain-b:*': ['pb:<..>', 'assume:chain-c'],
  'chain-c': ['pc'],
  'chain-b:v/k': ['exact-vk'],
});

const RECORDINGS: readonly [roles: RoleDefinition[], input: string[], output: string[]][] = [
  [RECORDED_ROLES, ['assume:probe-p:foo'], ['assume:probe-p:foo', 'q:foo/x', 's:foo', 't']],
  [RECORDED_ROLES, ['assume:probe-p:foo*'], ['assume:probe-p:foo*', 'q:foo*', 's:foo*', 't']],
  [RECORDED_ROLES, ['assume:probe-p:*'], ['assume:probe-p:*', 'q:*', 's:*', 't']],
  [RECORDED_ROLES, ['assume:probe-p:'], ['assume:probe-p:', 'q:/x', 's:', 't']],
  [RECORDED_ROLES, ['assume:probe-p'], ['assume:probe-p']],
  [RECORDED_ROLES, ['assume:prob*'], ['a:*', 'assume:prob*', 'b', 'q:*', 's:*', 't', 'z:1']],
  [RECORDED_ROLES, ['assu*'], ['a:*', 'assu*', 'b', 'q:*', 's:*', 't', 'z:1']],
  [RECORDED_ROLES, ['assume:*'], ['a:*', 'assume:*', 'b', 'q:*', 's:*', 't', 'z:1']],
  [RECORDED_ROLES, ['*'], ['*']],
  [RECORDED_ROLES, ['a', 'a*', 'ab'], ['a*', 'b', 'q:*', 's:*', 't', 'z:1']],
  [RECORDED_ROLES, ['b:', 'b:*', 'a', ''], ['', 'a', 'b:*']],
  [RECORDED_ROLES, ['assume:probe-p:x*y'], ['assume:probe-p:x*y', 'q:x*y/x', 's:x*y', 't']],
  [LITERAL_ROLES, ['assume:probe-lit'], ['assume:probe-lit', 'q:<..>']],
  [
    LITERAL_ROLES,
    ['assume:probe-q:v', 'assume:probe-q:w*'],
    ['assume:probe-q:v', 'assume:probe-q:w*', 'q:*vB', 'q:*w*', 'q:v*', 'q:w*'],
  ],
  [
    CHAIN,
    ['assume:chain-a:v'],
    ['assume:chain-a:v', 'assume:chain-b:v/k', 'assume:chain-c', 'exact-vk', 'pa:v', 'pb:v/k', 'pc'],
  ],
  [
    CHAIN,
    ['assume:chain-a:v*'],
    ['assume:chain-a:v*', 'assume:chain-b:v*', 'assume:chain-c', 'exact-vk', 'pa:v*', 'pb:v*', 'pc'],
  ],
  [CHAIN, ['assume:chain-a:'], ['assume:chain-a:', 'assume:chain-b:/k', 'assume:chain-c', 'pa:', 'pb:/k', 'pc']],
  [rolesOf({ 'q6-role**': ['x'] }), ['assume:q6-role*'], ['assume:q6-role*', 'x']],
  [rolesOf({ 'q6-role**': ['x'] }), ['assume:q6-role'], ['assume:q6-role']],
  [rolesOf({ 'q6-*-mid': ['x'] }), ['assume:q6-a-mid'], ['assume:q6-a-mid']],
  [rolesOf({ 'q6-*-mid': ['x'] }), ['assume:q6-*-mid'], ['assume:q6-*-mid', 'x']],
];

/** The rule, word for word: every scope against every role, until nothing new comes. */
const naiveExpand = (roles: readonly RoleDefinition[], scopes: readonly string[]): string[] => {
  const found = new Set(scopes);
  for (const scope of found) {
    const starred = scope.endsWith('*');
    let held: string | undefined;
    if (scope.startsWith('assume:')) held = scope.slice('assume:'.length);
    else if (starred && 'assume:'.startsWith(scope.slice(0, -1))) held = '*';
    if (held === undefined) continue;
    for (const role of roles) {
      const parameter = naiveMatch(role.roleId, held);
      if (parameter === undefined) continue;
      for (const granted of role.scopes) {
        if (!role.roleId.endsWith('*')) found.add(granted);
        else if (parameter.endsWith('*')) found.add(granted.replace(/<\.\.>.*$/, () => parameter));
        else found.add(granted.replace('<..>', () => parameter));
      }
    }
    if (found.size > 3_000) throw new Error('too many');
  }
  return lib.normalizeScopeSet([...found].sort(lib.scopeCompare));
};

const naiveMatch = (roleId: string, held: string): string | undefined => {
  const wide = held.endsWith('*') ? held.slice(0, -1) : undefined;
  if (!roleId.endsWith('*')) {
    return (wide === undefined ? held === roleId : roleId.startsWith(wide)) ? '' : undefined;
  }
  const prefix = roleId.slice(0, -1);
  if (wide === undefined) return held.startsWith(prefix) ? held.slice(prefix.length) : undefined;
  if (wide.startsWith(prefix)) return `${wide.slice(prefix.length)}*`;
  return prefix.startsWith(wide) ? '*' : undefined;
};

// Letters that make the ids begin alike and the scopes assume one another. Upwards only (a role
// assumes what sorts after it), or parameters would grow for ever.
const letter = fc.constantFrom('a', 'b', ':', '*');
const tail = fc.string({ unit: letter, maxLength: 3 });
// No role may have a scope that ends in `*<..>` (role-rules.ts): with an empty parameter the star
// would become a wildcard.
const grantTail = fc
  .tuple(tail, fc.constantFrom('', '', '<..>'), tail)
  .map((parts) => parts.join(''))
  .filter((text) => !text.endsWith('*<..>'));
const roleSet = fc.uniqueArray(
  fc.record({
    level: fc.nat(3),
    id: tail,
    grants: fc.array(fc.tuple(fc.nat(3), fc.boolean(), grantTail), { maxLength: 4 }),
  }),
  { maxLength: 10, selector: ({ level, id }) => `${level}${id}` },
);
const asRoles = roleSet.map((roles) =>
  roles.map(({ level, id, grants }) => ({
    roleId: `${level}${id}`,
    scopes: grants.map(([up, assumes, text]) =>
      assumes && level + up + 1 <= 3 ? `assume:${level + up + 1}${text}` : `s${text}`,
    ),
  })),
);
const held = fc.oneof(
  tail,
  fc.tuple(fc.nat(3), tail).map(([level, text]) => `assume:${level}${text}`),
  fc.constantFrom('assu*', 'a*', 'assume:*', 'assume*', 'assume:', 'assume'),
);
const heldScopes = fc.array(held, { maxLength: 4 });

describe('the expansion of scopes', () => {
  for (const [roles, input, output] of RECORDINGS) {
    it(`of ${JSON.stringify(input)} is what was recorded`, () => {
      assert.deepEqual(compileRoles(roles).expand(input), output);
    });
  }

  it('tells [] from the empty scope', () => {
    const { expand } = compileRoles([]);
    assert.deepEqual(expand([]), []);
    assert.deepEqual(expand(['']), ['']);
    assert.deepEqual(expand([]), []);
  });

  it('equals an oracle that tries every role with every scope', () => {
    fc.assert(
      fc.property(asRoles, heldScopes, (roles, scopes) => {
        assert.deepEqual(compileRoles(roles).expand(scopes), naiveExpand(roles, scopes));
      }),
      { numRuns: roundsOf(3_000) },
    );
  });

  it('is idempotent, monotone, in normal form, and holds what went in', () => {
    fc.assert(
      fc.property(asRoles, heldScopes, heldScopes, (roles, some, more) => {
        const { expand } = compileRoles(roles);
        const expanded = expand(some);
        assert.deepEqual(expand(expanded), expanded);
        assert.deepEqual(normalForm(expanded), expanded);
        const both = expand([...some, ...more]);
        for (const scope of [...some, ...expanded]) assert.ok(holds(both, scope), scope);
      }),
      { numRuns: roundsOf(1_000) },
    );
  });

  it('cannot be altered by who got it', () => {
    const { expand } = compileRoles(RECORDED_ROLES);
    assert.throws(() => (expand(['assume:probe-role']) as string[]).push('root'), TypeError);
  });

  it('refuses what is no scope', () => {
    assert.throws(() => compileRoles([]).expand(['a\nb']), { code: 'InputError' });
  });

  it('fails loudly and soon when roles multiply', () => {
    const roles: RoleDefinition[] = [];
    for (let i = 0; i < 64; i += 1) {
      roles.push({ roleId: `m${i}:*`, scopes: [`assume:m${i + 1}:<..>x`, `assume:m${i + 1}:<..>y`] });
    }
    const { expand } = compileRoles(roles);
    const fail = () => {
      try {
        expand(['assume:m0:a']);
      } catch (error) {
        assert.ok(error instanceof ApiError && error.code === 'InputError' && error.message.includes('multiply'));
        return error;
      }
      assert.fail('it did not fail');
    };
    assert.equal(fail(), fail(), 'the failure is cached');
    assert.deepEqual(expand(['*', 'assume:m0:a']), ['*'], 'who holds everything is not locked out');
    assert.equal(expand(['assume:m0:*']).length, 65, 'a wildcard swallows the rest of the parameter');
  });

  it('of everything under a thousand roles is allowed: it is linear in the role set', () => {
    const roles = Array.from({ length: 1_000 }, (_, i) => ({
      roleId: `r${i}`,
      scopes: Array.from({ length: 50 }, (_, j) => `s:${i}:${j}`),
    }));
    assert.equal(compileRoles(roles).expand(['assume:*']).length, 50_001);
  });
});
