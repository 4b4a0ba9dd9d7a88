// The auth API of standalone mode: roles and scopes (spec/standalone-auth-queue.md, section 5).
import { type Clock, toIso } from '../core/clock.ts';
import { ApiError } from '../http/api-error.ts';
import type { ApiAnswer, ApiMethod, ApiService } from '../http/api-method.ts';
import { type PutRole, SCHEMAS, type ScopeSet } from './api-schemas.ts';
import type { RoleCache } from './role-cache.ts';
import type { RoleExpansion } from './role-expansion.ts';
import { createRoleWriter } from './role-writer.ts';
import type { Role, RoleStore } from './roles.ts';

export type AuthApiSettings = { readonly clock: Clock; readonly roleStore: RoleStore; readonly roles: RoleCache };

const ROLE_ID = { roleId: /^[\x20-\x7e]+$/ };
const PAGING = { continuationToken: /^[\x20-\x7e]*$/, limit: /^[1-9][0-9]*$/ };
const LONGEST_PAGE = 1_000;

export const createAuthApi = ({ clock, roleStore, roles }: AuthApiSettings): ApiService => ({
  service: 'auth',
  title: 'Auth Service',
  description: 'Who may do what: roles, and the scopes that they stand for.',
  methods: [...roleMethods({ clock, roleStore, roles }), ...scopeMethods(roles)],
});

const roleMethods = ({ clock, roleStore, roles }: AuthApiSettings): ApiService['methods'] => {
  const writer = createRoleWriter({ store: roleStore, cache: roles, clock });
  const answerRole = async (role: Role): Promise<ApiAnswer> => ({ body: describeRole(role, await roles.current()) });

  const listPage = async (query: Readonly<Record<string, string>>) => {
    // As in the reference: without a limit all roles come at once, and a token means nothing.
    if (query.limit === undefined) return { page: await roleStore.list() };
    const limit = Math.min(Number(query.limit), LONGEST_PAGE);
    const found = await roleStore.listPage(readToken(query.continuationToken), limit + 1);
    const page = found.slice(0, limit);
    const last = page.at(-1);
    return found.length > limit && last ? { page, continuationToken: tokenAfter(last.roleId) } : { page };
  };

  const methods = [
    {
      name: 'listRoles',
      title: 'List Roles (no pagination)',
      description: 'All roles, as a bare array. Prefer `listRoles2`.',
      verb: 'GET',
      route: '/roles/',
      scopes: 'auth:list-roles',
      output: SCHEMAS.listRoles,
      handle: async () => {
        const expansion = await roles.current();
        return { body: (await roleStore.list()).map((role) => describeRole(role, expansion)) };
      },
    } satisfies ApiMethod,
    {
      name: 'listRoles2',
      title: 'List Roles',
      description: 'Roles in the order of their ids; a page of them when there is a `limit`, else all.',
      verb: 'GET',
      route: '/roles2/',
      query: PAGING,
      scopes: 'auth:list-roles',
      output: SCHEMAS.listRoles2,
      handle: async ({ query }) => {
        const { page, ...more } = await listPage(query);
        const expansion = await roles.current();
        return { body: { roles: page.map((role) => describeRole(role, expansion)), ...more } };
      },
    } satisfies ApiMethod,
    {
      name: 'listRoleIds',
      title: 'List Role IDs',
      description: 'The ids of roles, in order; a page of them when there is a `limit`, else all.',
      verb: 'GET',
      route: '/roleids/',
      query: PAGING,
      scopes: 'auth:list-roles',
      output: SCHEMAS.listRoleIds,
      handle: async ({ query }) => {
        const { page, ...more } = await listPage(query);
        return { body: { roleIds: page.map(({ roleId }) => roleId), ...more } };
      },
    } satisfies ApiMethod,
    {
      name: 'role',
      title: 'Get Role',
      description: 'One role, with all that it stands for.',
      verb: 'GET',
      route: '/roles/<roleId>',
      params: ROLE_ID,
      scopes: 'auth:get-role:<roleId>',
      output: SCHEMAS.role,
      handle: async ({ params }) => {
        const role = await roleStore.find(params.roleId as string);
        if (!role) throw new ApiError('ResourceNotFound', 'Role not found');
        return answerRole(role);
      },
    } satisfies ApiMethod,
    {
      name: 'createRole',
      title: 'Create Role',
      description:
        'Makes a role: whoever holds `assume:<roleId>` then holds its scopes. You must hold each of them. ' +
        'The same request again answers the same; another one for the same id is a conflict.',
      verb: 'PUT',
      route: '/roles/<roleId>',
      params: ROLE_ID,
      authorization: 'deferred',
      scopes: { AllOf: ['auth:create-role:<roleId>', '<scope>'] },
      input: SCHEMAS.putRole,
      output: SCHEMAS.role,
      handle: async (request) => answerRole(await writer.create(request)),
    } satisfies ApiMethod<PutRole>,
    {
      name: 'updateRole',
      title: 'Update Role',
      description:
        'Replaces scopes and description of a role. You must hold each scope that the role did not have before.',
      verb: 'POST',
      route: '/roles/<roleId>',
      params: ROLE_ID,
      authorization: 'deferred',
      scopes: { AllOf: ['auth:update-role:<roleId>', '<addedScope>'] },
      input: SCHEMAS.putRole,
      output: SCHEMAS.role,
      handle: async (request) => answerRole(await writer.update(request)),
    } satisfies ApiMethod<PutRole>,
    {
      name: 'deleteRole',
      title: 'Delete Role',
      description: 'Deletes a role, also one that others refer to. Succeeds when there is none.',
      verb: 'DELETE',
      route: '/roles/<roleId>',
      params: ROLE_ID,
      scopes: 'auth:delete-role:<roleId>',
      handle: async ({ params }) => {
        await writer.remove(params.roleId as string);
        return { noContent: true };
      },
    } satisfies ApiMethod,
  ];
  return methods;
};

const scopeMethods = (roles: RoleCache): ApiService['methods'] => {
  const methods = [
    {
      name: 'expandScopes',
      title: 'Expand Scopes',
      description: 'The scopes and all that the roles among them grant, in normal form.',
      verb: 'POST',
      route: '/scopes/expand',
      scopes: 'auth:expand-scopes',
      input: SCHEMAS.scopeSet,
      output: SCHEMAS.expandedScopeSet,
      handle: async ({ payload }) => ({ body: { scopes: (await roles.current()).expand(payload.scopes) } }),
    } satisfies ApiMethod<ScopeSet>,
    {
      name: 'currentScopes',
      title: 'Get Current Scopes',
      description: 'The scopes that this very request has, expanded, with those that everybody has.',
      verb: 'GET',
      route: '/scopes/current',
      scopes: 'auth:current-scopes',
      output: SCHEMAS.expandedScopeSet,
      handle: async ({ caller }) => ({ body: { scopes: caller.scopes } }),
    } satisfies ApiMethod,
  ];
  return methods;
};

const describeRole = ({ roleId, scopes, description, created, lastModified }: Role, { expand }: RoleExpansion) => ({
  roleId,
  scopes,
  expandedScopes: expand([`assume:${roleId}`]),
  description,
  lastModified: toIso(lastModified),
  created: toIso(created),
});

/** A page continues after an id, not at a number: roles that come or go meanwhile move nothing. */
const tokenAfter = (roleId: string): string => Buffer.from(roleId, 'latin1').toString('base64url');

const readToken = (token = ''): string => {
  const roleId = Buffer.from(token, 'base64url').toString('latin1');
  if (tokenAfter(roleId) !== token || (roleId !== '' && !ROLE_ID.roleId.test(roleId))) {
    throw new ApiError('InputError', 'Invalid continuationToken');
  }
  return roleId;
};
