// What a role may say, alone and together with the others.
import { ApiError } from '../../http/api-error.ts';
import { isWildcard } from '../scopes.ts';
import { compileRoles } from './role-expansion.ts';
import { assumedBy, type CompiledRole, indexRoles, type RoleDefinition, widestForm } from './role-index.ts';

/**
 * Throws InputError unless the role set would be sound with `changed` in it, be it new or as an
 * update.
 */
export const checkRoleSet = (present: readonly RoleDefinition[], changed: RoleDefinition): void => {
  checkParameters(changed);
  const roles = [...present.filter(({ roleId }) => roleId !== changed.roleId), changed];
  checkCycles(roles);
  checkSize(roles, changed.roleId);
};

const checkParameters = ({ roleId, scopes }: RoleDefinition): void => {
  if (!isWildcard(roleId)) return; // `<..>` is literal text there
  for (const scope of scopes) {
    if (scope.split('<..>').length > 2) {
      throw new ApiError('InputError', `parameterized scope '${scope}' contains multiple '<..>'`);
    }
    if (scope.endsWith('*<..>')) {
      throw new ApiError(
        'InputError',
        `parameterized scope '${scope}' ends with '*<..>'; the star would become a wildcard when the parameter is empty`,
      );
    }
  }
};

/**
 * A role, or a scope that assumes roles; a scope is a node of its own so that its roles are looked
 * at once, whoever grants it.
 */
type Node = {
  readonly role: CompiledRole | undefined;
  readonly leadsTo: () => readonly Node[];
  state: 'new' | 'open' | 'done';
};

/**
 * Parameters count as "anything", so that some sets without a cycle are rejected, as Taskcluster
 * does.
 */
const checkCycles = (definitions: readonly RoleDefinition[]): void => {
  const index = indexRoles(definitions);
  const scopeNodes = new Map<string, Node>();

  const scopeNode = (held: string): Node => {
    const known = scopeNodes.get(held);
    if (known) return known;
    const leadsTo = () => {
      const reached: Node[] = [];
      index.visitMatches(held, (role) => reached.push(roleNodes.get(role) as Node));
      return reached;
    };
    const node: Node = { role: undefined, leadsTo, state: 'new' };
    scopeNodes.set(held, node);
    return node;
  };

  const roleNode = (role: CompiledRole): Node => {
    const leadsTo = () => {
      const templates = role.templates.map(({ before }) => `${before}*`);
      const held = [...role.plain, ...templates].map(assumedBy).filter((text) => text !== undefined);
      return [...new Set(held)].map(scopeNode);
    };
    return { role, leadsTo, state: 'new' };
  };

  const roleNodes = new Map(index.roles.map((role) => [role, roleNode(role)]));
  for (const node of roleNodes.values()) searchFrom(node);
};

/**
 * Depth first with a stack of its own: a chain of thousands of roles would overflow the program's.
 */
const searchFrom = (start: Node): void => {
  if (start.state !== 'new') return;
  start.state = 'open';
  const path = [{ node: start, rest: start.leadsTo().values() }];
  for (let top = path.at(-1); top; top = path.at(-1)) {
    const { value: next, done } = top.rest.next();
    if (done) {
      top.node.state = 'done';
      path.pop();
    } else if (next.state === 'open') {
      const cycle = path.slice(path.findIndex(({ node }) => node === next)).map(({ node }) => node);
      throw cycleError(cycle.flatMap(({ role }) => (role ? [role.roleId] : [])));
    } else if (next.state === 'new') {
      next.state = 'open';
      path.push({ node: next, rest: next.leadsTo().values() });
    }
  }
};

const cycleError = (roleIds: readonly string[]): ApiError => {
  const cycle = [...roleIds, roleIds[0]].map((roleId) => `'assume:${roleId}'`).join(' -> ');
  return new ApiError('InputError', `Roles may not contain dependency cycles, found: ${cycle}`);
};

/**
 * Expansion is bounded and fails loudly. A role that can only fail is rejected all the same, above
 * all one that `anonymous` leads to: it would fail every request but those of holders of `*`.
 */
const checkSize = (roles: readonly RoleDefinition[], changedId: string): void => {
  const { expand } = compileRoles(roles);
  expand([`assume:${changedId}`]);
  if (isWildcard(changedId)) expand([`assume:${changedId.slice(0, -1)}x`]);
  expand(['assume:anonymous']);
};

/**
 * What a caller must hold to give a role these scopes, besides the scopes as they are written: the
 * holder of the *text* `q:<..>` does not hold what a starred role makes of it, namely anything that
 * begins with `q:`.
 */
export const widestScopes = (roleId: string, scopes: readonly string[]): readonly string[] =>
  scopes.map((scope) => widestForm(roleId, scope));
