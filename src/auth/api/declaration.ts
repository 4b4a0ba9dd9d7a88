// The auth API as data: method, route, scopes, schemas. The server, the references, typed clients
// and the documentation come from it.
import type { ApiDeclaration, MethodDeclaration } from '../../http/api-method.ts';
import { AUTH_EXCHANGES } from '../exchanges.ts';
import { SCHEMAS } from '../schemas.ts';
import { CLIENT_ID } from '../signatures/certificate.ts';

const CLIENT = { clientId: CLIENT_ID };
const ROLE = { roleId: /^[\x20-\x7e]+$/ };
const ENTITY_ID = /^[\x20-\x7e]+$/;
const PAGING = { continuationToken: /^[\x20-\x7e]*$/, limit: /^[1-9][0-9]*$/ };

/** 10,000 scopes of a hundred characters. */
const SCOPES_BYTES = 1024 * 1024;

const client = { category: 'Clients', params: CLIENT } as const;
const role = { category: 'Roles', params: ROLE } as const;
const scopesAndAuth = { category: 'Scopes and Auth' } as const;
/** The scopes depend on the request or on what is stored: the handler asks for them. */
const deferred = { authorization: 'deferred' } as const;

const METHODS = [
  {
    name: 'listClients',
    title: 'List Clients',
    description:
      'Clients in the order of their ids, at most 1000 a page. With a `prefix` only those whose ids begin with it.',
    category: 'Clients',
    verb: 'GET',
    route: '/clients/',
    query: { prefix: CLIENT_ID, ...PAGING },
    scopes: 'auth:list-clients',
    output: SCHEMAS.listClients,
  },
  {
    ...client,
    name: 'client',
    title: 'Get Client',
    description: 'One client, with all that its scopes stand for. Never its access token.',
    verb: 'GET',
    route: '/clients/<clientId>',
    scopes: 'auth:get-client:<clientId>',
    output: SCHEMAS.client,
  },
  {
    ...client,
    ...deferred,
    name: 'createClient',
    title: 'Create Client',
    description:
      'Makes a client and answers its access token, which is not told again. You must hold each scope that you give. The same request ' +
      'within 15 minutes answers the same client with the same token; another one for the same id is a conflict.',
    verb: 'PUT',
    route: '/clients/<clientId>',
    scopes: { AllOf: ['auth:create-client:<clientId>', '<scope>'] },
    input: SCHEMAS.putClient,
    largestBody: SCOPES_BYTES,
    output: SCHEMAS.newClient,
  },
  {
    ...client,
    name: 'resetAccessToken',
    title: 'Reset `accessToken`',
    description:
      'Gives a client a new access token, which is not told again. The old one, and all temporary credentials made with it, are worth ' +
      'nothing from then on. A disabled client stays disabled. For the client `root` you must hold `*`.',
    verb: 'POST',
    route: '/clients/<clientId>/reset',
    scopes: 'auth:reset-access-token:<clientId>',
    output: SCHEMAS.newClient,
  },
  {
    ...client,
    ...deferred,
    name: 'updateClient',
    title: 'Update Client',
    description:
      'Replaces description, expiry and `deleteOnExpiration` of a client, and its scopes if there are any in the request. You must hold ' +
      'each scope that the client did not have before.',
    verb: 'POST',
    route: '/clients/<clientId>',
    scopes: { AllOf: ['auth:update-client:<clientId>', '<addedScope>'] },
    input: SCHEMAS.putClient,
    largestBody: SCOPES_BYTES,
    output: SCHEMAS.client,
  },
  {
    ...client,
    name: 'enableClient',
    title: 'Enable Client',
    description: 'Lets a client that was disabled sign requests again.',
    verb: 'POST',
    route: '/clients/<clientId>/enable',
    scopes: 'auth:enable-client:<clientId>',
    output: SCHEMAS.client,
  },
  {
    ...client,
    name: 'disableClient',
    title: 'Disable Client',
    description: 'Refuses whatever a client, or temporary credentials made by it, signs; until it is enabled again.',
    verb: 'POST',
    route: '/clients/<clientId>/disable',
    scopes: 'auth:disable-client:<clientId>',
    output: SCHEMAS.client,
  },
  {
    ...client,
    name: 'deleteClient',
    title: 'Delete Client',
    description: 'Deletes a client. Succeeds when there is none.',
    verb: 'DELETE',
    route: '/clients/<clientId>',
    scopes: 'auth:delete-client:<clientId>',
  },
  {
    name: 'listRoles',
    title: 'List Roles (no pagination)',
    description: 'All roles, as a bare array. Prefer `listRoles2`.',
    category: 'Roles',
    verb: 'GET',
    route: '/roles/',
    scopes: 'auth:list-roles',
    output: SCHEMAS.listRoles,
  },
  {
    name: 'listRoles2',
    title: 'List Roles',
    description: 'Roles in the order of their ids; a page of them when there is a `limit`, else all.',
    category: 'Roles',
    verb: 'GET',
    route: '/roles2/',
    query: PAGING,
    scopes: 'auth:list-roles',
    output: SCHEMAS.listRoles2,
  },
  {
    name: 'listRoleIds',
    title: 'List Role IDs',
    description: 'The ids of roles, in order; a page of them when there is a `limit`, else all.',
    category: 'Roles',
    verb: 'GET',
    route: '/roleids/',
    query: PAGING,
    scopes: 'auth:list-roles',
    output: SCHEMAS.listRoleIds,
  },
  {
    ...role,
    name: 'role',
    title: 'Get Role',
    description: 'One role, with all that it stands for.',
    verb: 'GET',
    route: '/roles/<roleId>',
    scopes: 'auth:get-role:<roleId>',
    output: SCHEMAS.role,
  },
  {
    ...role,
    ...deferred,
    name: 'createRole',
    title: 'Create Role',
    description:
      'Makes a role: whoever holds `assume:<roleId>` then holds its scopes. You must hold each of them. The same request again answers ' +
      'the same; another one for the same id is a conflict.',
    verb: 'PUT',
    route: '/roles/<roleId>',
    scopes: { AllOf: ['auth:create-role:<roleId>', '<scope>'] },
    input: SCHEMAS.putRole,
    largestBody: SCOPES_BYTES,
    output: SCHEMAS.role,
  },
  {
    ...role,
    ...deferred,
    name: 'updateRole',
    title: 'Update Role',
    description:
      'Replaces scopes and description of a role. You must hold each scope that the role did not have before.',
    verb: 'POST',
    route: '/roles/<roleId>',
    scopes: { AllOf: ['auth:update-role:<roleId>', '<addedScope>'] },
    input: SCHEMAS.putRole,
    largestBody: SCOPES_BYTES,
    output: SCHEMAS.role,
  },
  {
    ...role,
    name: 'deleteRole',
    title: 'Delete Role',
    description: 'Deletes a role, also one that others refer to. Succeeds when there is none.',
    verb: 'DELETE',
    route: '/roles/<roleId>',
    scopes: 'auth:delete-role:<roleId>',
  },
  {
    name: 'getEntityHistory',
    title: 'Get Entity History',
    description:
      'Who created, changed or deleted a client, a role or a hook (`<group>/<hook>`), newest first, at most 1000 a page; also one that ' +
      'is there no more. Hookwright has no secrets and worker pools, and answers nothing for them.',
    category: 'Audit',
    verb: 'GET',
    route: '/audit/<entityType>/<entityId>',
    params: { entityType: /^(client|role|hook|secret|worker_pool)$/, entityId: ENTITY_ID },
    query: PAGING,
    scopes: 'auth:audit-history:<entityType>',
    output: SCHEMAS.auditHistory,
  },
  {
    name: 'listAuditHistory',
    title: 'List Audit History',
    description: 'What a client did to clients, roles and hooks, newest first, at most 1000 a page.',
    category: 'Audit',
    verb: 'GET',
    route: '/clients/<clientId>/audit',
    params: CLIENT,
    query: PAGING,
    scopes: 'auth:client-audit-history:<clientId>',
    output: SCHEMAS.auditHistory,
  },
  {
    ...scopesAndAuth,
    name: 'expandScopes',
    title: 'Expand Scopes',
    description: 'The scopes and all that the roles among them grant, in normal form.',
    verb: 'POST',
    route: '/scopes/expand',
    scopes: 'auth:expand-scopes',
    input: SCHEMAS.scopeSet,
    largestBody: SCOPES_BYTES,
    output: SCHEMAS.scopeSet,
  },
  {
    ...scopesAndAuth,
    name: 'currentScopes',
    title: 'Get Current Scopes',
    description: 'The scopes that this very request has, expanded, with those that everybody has.',
    verb: 'GET',
    route: '/scopes/current',
    scopes: 'auth:current-scopes',
    output: SCHEMAS.scopeSet,
  },
  {
    ...scopesAndAuth,
    name: 'authenticateHawk',
    title: 'Authenticate Hawk Request',
    description:
      'For services: tells who signed a request that they received, and with which scopes. It may be asked again about the same request.',
    verb: 'POST',
    route: '/authenticate-hawk',
    input: SCHEMAS.hawkRequest,
    output: SCHEMAS.hawkAnswer,
  },
  {
    ...scopesAndAuth,
    name: 'testAuthenticate',
    title: 'Test Authentication',
    description:
      'For those who write a client: authenticates the request as if there were one client, `tester`, with the access token `no-secret` and ' +
      'the scopes `clientScopes`, and asks it for `requiredScopes`.',
    verb: 'POST',
    route: '/test-authenticate',
    input: SCHEMAS.testRequest,
    output: SCHEMAS.testAnswer,
  },
  {
    ...scopesAndAuth,
    name: 'testAuthenticateGet',
    title: 'Test Authentication (GET)',
    description:
      'As `testAuthenticate`, for signed URLs: `tester` has `test:*` and `auth:create-client:test:*`, and needs `test:authenticate-get`.',
    verb: 'GET',
    route: '/test-authenticate-get/',
    output: SCHEMAS.testAnswer,
  },
] as const satisfies readonly MethodDeclaration[];

type Declared = (typeof METHODS)[number];

/** Without `ping` and its like, which every service has (http/). */
export const AUTH_API: ApiDeclaration<MethodDeclaration & { readonly name: Declared['name'] }> = {
  service: 'auth',
  title: 'Auth Service',
  description: 'Who may do what: clients, roles, and the scopes that they stand for.',
  methods: METHODS,
  exchanges: AUTH_EXCHANGES,
};
