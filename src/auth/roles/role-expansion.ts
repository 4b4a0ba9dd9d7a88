// What a set of scopes stands for once every role in it is taken into account.
import { LRUCache } from 'lru-cache';
import { ApiError } from '../../http/api-error.ts';
import { covers, isScope, isWildcard, normalForm } from '../scopes.ts';
import { assumedBy, fillTemplate, indexRoles, type RoleDefinition } from './role-index.ts';

export type RoleExpansion = {
  /**
   * The scopes and all that their roles grant, to the fixed point, in normal form and frozen.
   * Throws ApiError InputError for what is no scope, and when the roles multiply beyond all bounds.
   *
   * @example expand(['assume:probe-p:foo']) // ['assume:probe-p:foo', 'q:foo/x', 's:foo', 't']
   */
  readonly expand: (scopes: readonly string[]) => readonly string[];
};

/**
 * n roles that each pass their parameter on twice to the next reach 2^n scopes. What is linear in
 * the role set is always allowed; these are the budgets for what is not (together at most some
 * 50 ms).
 */
const BUDGET = { scopes: 20_000, characters: 4_000_000, grants: 400_000 };

/** Characters, roughly: keys and results of the cache together. */
const CACHE_WEIGHT = 8_000_000;
const LONGEST_CACHED_KEY = 20_000;
/**
 * Wildcards already followed that a new `assume:` scope is compared with before its roles are
 * looked up.
 */
const MOST_WIDE = 16;

const EVERYTHING = normalForm(['*']);

/** Compiles a role set. Roles do not change in it: a change makes a new one. */
export const compileRoles = (definitions: readonly RoleDefinition[]): RoleExpansion => {
  const index = indexRoles(definitions);
  const budget = budgetFor(definitions);
  const cache = new LRUCache<string, readonly string[] | ApiError>({ maxSize: CACHE_WEIGHT });

  const expandAnew = (scopes: readonly string[]): readonly string[] => {
    const found = new Set<string>();
    const pending: string[] = [];
    let characters = 0;
    let grants = 0;
    const add = (scope: string) => {
      grants += 1;
      if (!found.has(scope)) {
        found.add(scope);
        pending.push(scope);
        characters += scope.length;
      }
      if (grants > budget.grants || found.size > budget.scopes || characters > budget.characters) throw tooLarge();
    };
    for (const scope of scopes) {
      if (!isScope(scope)) throw new ApiError('InputError', 'scopes must be strings of printable ASCII characters');
      // Everything is everything, whatever the roles say. It also means that no role set, however
      // bad, can lock out `*`.
      if (scope === '*') return EVERYTHING;
    }
    for (const scope of scopes) add(scope);

    const wide: string[] = [];
    for (let scope = pending.pop(); scope !== undefined; scope = pending.pop()) {
      if (scope === '*') return EVERYTHING;
      const held = assumedBy(scope);
      // A wildcard gives all that the scopes under it give, or something that covers it: those need
      // no look of their own.
      if (held === undefined || wide.some((pattern) => covers(pattern, held))) continue;
      index.visitMatches(held, (role, parameter) => {
        for (const plain of role.plain) add(plain);
        if (parameter === undefined) return;
        for (const template of role.templates) add(fillTemplate(template, parameter));
      });
      if (isWildcard(held) && wide.length < MOST_WIDE) wide.push(held);
    }
    return normalForm(found);
  };

  return {
    expand: (scopes) => {
      // No scope holds a newline. The count tells [] from [''].
      const key = `${scopes.length}\n${scopes.join('\n')}`;
      const cached = cache.get(key);
      if (cached instanceof ApiError) throw cached;
      if (cached) return cached;
      try {
        const expanded = expandAnew(scopes);
        if (key.length <= LONGEST_CACHED_KEY) cache.set(key, expanded, { size: key.length + weigh(expanded) });
        return expanded;
      } catch (error) {
        // Failing is the expensive case, so it is cached as well.
        if (error instanceof ApiError && key.length <= LONGEST_CACHED_KEY) {
          cache.set(key, error, { size: key.length + 1_000 });
        }
        throw error;
      }
    },
  };
};

const budgetFor = (definitions: readonly RoleDefinition[]): typeof BUDGET => {
  let scopes = 0;
  let characters = 0;
  for (const role of definitions) {
    scopes += role.scopes.length;
    for (const scope of role.scopes) characters += scope.length;
  }
  return {
    scopes: BUDGET.scopes + scopes,
    characters: BUDGET.characters + characters,
    grants: BUDGET.grants + 4 * scopes,
  };
};

const weigh = (scopes: readonly string[]): number => {
  let weight = 100;
  for (const scope of scopes) weight += 16 + scope.length;
  return weight;
};

const tooLarge = (): ApiError =>
  new ApiError(
    'InputError',
    'These scopes expand to more than can be handled. Roles whose ids end in `*` pass their parameter on to one another and ' +
      'multiply: look for starred roles with several `assume:...<..>` scopes, and merge them.',
  );
