// Scopes and what they satisfy. Own code, because the package taskcluster-lib-scopes, which the
// tests compare it with, looks at each held scope: an expansion may hold thousands, and every
// request is checked against one.
import type { Caller, ScopeExpression } from '../http/api-method.ts';

const STAR = 0x2a;

/** Printable ASCII only; may be empty. */
export const isScope = (value: unknown): value is string => typeof value === 'string' && /^[\x20-\x7e]*$/.test(value);

/** Only a final star is a wildcard. */
export const isWildcard = (scope: string): boolean => scope.charCodeAt(scope.length - 1) === STAR;

/**
 * Whether who holds `pattern` holds `scope`. Stricter than Taskcluster in one case: `a**`
 * (everything that begins with `a*`) satisfies `a*` there, because it is compared as text, though
 * `a*` means far more. Restricted credentials may hold such a scope.
 */
export const covers = (pattern: string, scope: string): boolean => {
  if (pattern === scope) return true;
  if (!isWildcard(pattern)) return false;
  return withoutStar(scope).startsWith(withoutStar(pattern));
};

/** Without the final star, in byte order; the starred one first on a tie. */
export const compareScopes = (left: string, right: string): number => {
  const [a, b] = [withoutStar(left), withoutStar(right)];
  if (a !== b) return a < b ? -1 : 1;
  return Number(isWildcard(right)) - Number(isWildcard(left));
};

const withoutStar = (scope: string): string => (isWildcard(scope) ? scope.slice(0, -1) : scope);

/**
 * Of lists that normalForm made, which are sorted and without redundancy, and frozen: their keys,
 * which permit a binary search.
 */
const keysOf = new WeakMap<readonly string[], readonly string[]>();

/**
 * Sorting keys instead of comparing with a function is several times faster on thousands of scopes.
 * NUL stands in no scope and sorts before everything, so that `a` (key `a\0`) comes right after
 * `a*` (key `a`).
 */
const keyOf = (scope: string): string => (isWildcard(scope) ? scope.slice(0, -1) : `${scope}\0`);

/**
 * Sorted, unique, and none satisfied by another. Takes scopes only (isScope).
 *
 * @example normalForm(['b', 'a*', 'ab']) // ['a*', 'b']
 */
export const normalForm = (scopes: Iterable<string>): readonly string[] => {
  const keys = Array.from(scopes, keyOf).sort();
  const kept: string[] = [];
  let prefix: string | undefined;
  let last: string | undefined;
  for (const key of keys) {
    if (key === last || (prefix !== undefined && key.startsWith(prefix))) continue;
    last = key;
    if (key.charCodeAt(key.length - 1) === 0) {
      kept.push(key.slice(0, -1));
    } else {
      prefix = key;
      kept.push(`${key}*`);
    }
  }
  keysOf.set(kept, unsliced(kept.map(keyOf)));
  return Object.freeze(kept);
};

/** Texts of their own: what is a slice of another one takes several times as long to compare. */
const unsliced = (texts: readonly string[]): readonly string[] => JSON.parse(JSON.stringify(texts)) as string[];

/** Whether one of the held scopes satisfies the required one. */
export const holds = (held: readonly string[], required: string): boolean => {
  const keys = keysOf.get(held);
  if (!keys) return held.some((scope) => covers(scope, required));
  // In normal form, whatever stands between `P*` and a scope that it covers would be covered by
  // `P*` too, hence is absent: only the last that sorts no later than the required one can cover
  // it. The required one itself comes right after.
  const text = withoutStar(required);
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as string) <= text) low = middle + 1;
    else high = middle;
  }
  if (held[low] === required) return true;
  return low > 0 && isWildcard(held[low - 1] as string) && text.startsWith(keys[low - 1] as string);
};

export const holdsAll = (held: readonly string[], required: readonly string[]): boolean =>
  required.every((scope) => holds(held, scope));

/**
 * Whether the caller satisfies a scope expression: an empty AllOf is satisfied, an empty AnyOf is
 * not.
 */
export const satisfies = (caller: Caller, expression: ScopeExpression): boolean => {
  if (typeof expression === 'string') return holds(caller.scopes, expression);
  if ('AllOf' in expression) return expression.AllOf.every((part) => satisfies(caller, part));
  return expression.AnyOf.some((part) => satisfies(caller, part));
};
