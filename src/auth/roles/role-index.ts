// Finds the roles that an `assume:` scope stands for, without looking at the others.
import { isWildcard } from '../scopes.ts';

export type RoleDefinition = { readonly roleId: string; readonly scopes: readonly string[] };

/**
 * A scope of a starred role that passes the parameter on: `q:<..>/x` is before `q:` and after `/x`.
 */
export type Template = { readonly before: string; readonly after: string };

export type CompiledRole = {
  readonly roleId: string;
  /**
   * The id without its star. undefined: the id has none, and `<..>` in its scopes is literal text.
   */
  readonly prefix: string | undefined;
  readonly plain: readonly string[];
  readonly templates: readonly Template[];
};

export type RoleIndex = {
  readonly roles: readonly CompiledRole[];
  /**
   * Calls `visit` for each role that holding `assume:<held>` gives. The parameter is what the
   * role's star matched, undefined for a role without a star; one that ends in `*` stands for
   * everything that begins so.
   */
  readonly visitMatches: (held: string, visit: (role: CompiledRole, parameter: string | undefined) => void) => void;
};

const ASSUME = 'assume:';
const PARAMETER = '<..>';

/**
 * What a scope assumes: the text after `assume:`; `*` for a wildcard wide enough to cover all of
 * `assume:`.
 */
export const assumedBy = (scope: string): string | undefined => {
  if (scope.startsWith(ASSUME)) return scope.slice(ASSUME.length);
  if (isWildcard(scope) && ASSUME.startsWith(scope.slice(0, -1))) return '*';
  return undefined;
};

/** The scope that a template becomes. A parameter that ends in a star cuts off what follows it. */
export const fillTemplate = ({ before, after }: Template, parameter: string): string =>
  isWildcard(parameter) ? before + parameter : before + parameter + after;

/**
 * A starred role's scope with its parameter taken as "anything", or the scope itself when it has
 * none.
 */
export const widestForm = (roleId: string, scope: string): string => {
  const at = isWildcard(roleId) ? scope.indexOf(PARAMETER) : -1;
  return at === -1 ? scope : `${scope.slice(0, at)}*`;
};

export const indexRoles = (definitions: readonly RoleDefinition[]): RoleIndex => {
  const roles = definitions.map(compileRole);
  const plain = roles.filter((role) => role.prefix === undefined).sort(by((role) => role.roleId));
  const plainIds = plain.map((role) => role.roleId);
  const exact = new Map(plain.map((role) => [role.roleId, role]));
  const starred = roles.filter((role) => role.prefix !== undefined).sort(by(prefixOf));
  const prefixes = starred.map(prefixOf);
  const parents = longestProperPrefixes(prefixes);

  /** The starred roles whose prefix is a prefix of `text` (or equals it), longest first. */
  const visitPrefixesOf = (text: string, visit: (role: CompiledRole, prefix: string) => void) => {
    // Whatever sorts between a prefix of the text and the text itself begins with that prefix. So
    // all prefixes of the text are among the last one that sorts no later, and its ancestors.
    let at = firstNotBelow(prefixes, text);
    if (prefixes[at] !== text) at -= 1;
    for (; at >= 0; at = parents[at] as number) {
      const prefix = prefixes[at] as string;
      if (text.startsWith(prefix)) visit(starred[at] as CompiledRole, prefix);
    }
  };

  return {
    roles,
    visitMatches: (held, visit) => {
      if (!isWildcard(held)) {
        const role = exact.get(held);
        if (role) visit(role, undefined);
        visitPrefixesOf(held, (match, prefix) => visit(match, held.slice(prefix.length)));
        return;
      }
      const wide = held.slice(0, -1);
      for (let i = firstNotBelow(plainIds, wide); plainIds[i]?.startsWith(wide); i += 1) {
        visit(plain[i] as CompiledRole, undefined);
      }
      for (let i = firstNotBelow(prefixes, wide); prefixes[i]?.startsWith(wide); i += 1) {
        visit(starred[i] as CompiledRole, '*');
      }
      visitPrefixesOf(wide, (match, prefix) => {
        if (prefix !== wide) visit(match, `${wide.slice(prefix.length)}*`);
      });
    },
  };
};

const compileRole = ({ roleId, scopes }: RoleDefinition): CompiledRole => {
  // One star is stripped: `role**` has the prefix `role*`.
  if (!isWildcard(roleId)) return { roleId, prefix: undefined, plain: scopes, templates: [] };
  const plain: string[] = [];
  const templates: Template[] = [];
  for (const scope of scopes) {
    const at = scope.indexOf(PARAMETER);
    if (at === -1) plain.push(scope);
    else templates.push({ before: scope.slice(0, at), after: scope.slice(at + PARAMETER.length) });
  }
  return { roleId, prefix: roleId.slice(0, -1), plain, templates };
};

const prefixOf = (role: CompiledRole): string => role.prefix ?? role.roleId;

const by = (key: (role: CompiledRole) => string) => (left: CompiledRole, right: CompiledRole) => {
  const [a, b] = [key(left), key(right)];
  return a < b ? -1 : a > b ? 1 : 0;
};

/** The first index whose text does not sort before `text`. */
const firstNotBelow = (sorted: readonly string[], text: string): number => {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as string) < text) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** For each text of a sorted list the index of the longest other one that it begins with, or -1. */
const longestProperPrefixes = (sorted: readonly string[]): readonly number[] => {
  const open: number[] = [];
  return sorted.map((text, index) => {
    while (open.length > 0 && !text.startsWith(sorted[open.at(-1) as number] as string)) open.pop();
    const parent = open.at(-1) ?? -1;
    open.push(index);
    return parent;
  });
};
