// What the methods of the auth API do. How they are called, by whom, and with what, is in
// declaration.ts.
import { toIso } from '../../core/clock.ts';
import { ApiError } from '../../http/api-error.ts';
import { type ApiRequest, type ApiService, implementApi, type Satisfies } from '../../http/api-method.ts';
import { insufficientScopes } from '../../http/scope-check.ts';
import type { ClientWriter } from '../clients/client-writer.ts';
import type { Client, ClientRecord, ClientStore } from '../clients/clients.ts';
import type { RoleCache } from '../roles/role-cache.ts';
import type { RoleExpansion } from '../roles/role-expansion.ts';
import type { RoleWriter } from '../roles/role-writer.ts';
import type { Role, RoleStore } from '../roles/roles.ts';
import type { HawkRequest, PutClient, PutRole, ScopeSet, TestRequest } from '../schemas.ts';
import { normalForm } from '../scopes.ts';
import type { AuditHistoryReader } from './audit-history.ts';
import type { createHawkAuthentication } from './authenticate-hawk.ts';
import { AUTH_API } from './declaration.ts';
import { readPage } from './pages.ts';
import { type createTestAuthentication, GET_TEST, testAnswer } from './test-authenticate.ts';

export type AuthApiSettings = {
  readonly clients: ClientStore;
  readonly clientWriter: ClientWriter;
  readonly roleStore: RoleStore;
  readonly roleWriter: RoleWriter;
  readonly roles: RoleCache;
  readonly history: AuditHistoryReader;
  readonly authenticateHawk: ReturnType<typeof createHawkAuthentication>;
  readonly testAuthentication: ReturnType<typeof createTestAuthentication>;
  readonly satisfies: Satisfies;
};

export const createAuthApi = (settings: AuthApiSettings): ApiService => {
  const { clients, clientWriter, roleStore, roleWriter, roles, history, authenticateHawk, testAuthentication } =
    settings;

  const answerClient = async (client: ClientRecord) => ({ body: describeClient(client, await roles.current()) });
  const answerNewClient = async (client: Client) => {
    const { accessToken } = client;
    return { body: { ...describeClient(client, await roles.current()), accessToken } };
  };
  const answerRole = async (role: Role) => ({ body: describeRole(role, await roles.current()) });

  const listRoles = async ({ query }: ApiRequest<unknown>) =>
    // As in Taskcluster: without a limit all roles come at once, and a token means nothing.
    query.limit === undefined
      ? { page: await roleStore.list() }
      : readPage(query, ({ roleId }) => roleId, roleStore.listPage);

  const test = async ({ signed }: ApiRequest<unknown>, { clientScopes, requiredScopes }: ReadonlyTest) => {
    const caller = await testAuthentication(signed, clientScopes);
    const required = { AllOf: requiredScopes };
    if (!settings.satisfies(caller, required)) throw insufficientScopes(caller, required, settings.satisfies);
    return { body: testAnswer(caller) };
  };

  return implementApi(AUTH_API, {
    listClients: async ({ query }) => {
      const find = (after: string, limit: number) => clients.listPage({ prefix: query.prefix ?? '', after, limit });
      const { page, ...more } = await readPage(query, ({ clientId }: ClientRecord) => clientId, find);
      const expansion = await roles.current();
      return { body: { clients: page.map((client) => describeClient(client, expansion)), ...more } };
    },

    client: async ({ params }) => {
      const client = await clients.read(params.clientId as string);
      if (!client) throw new ApiError('ResourceNotFound', 'Client not found');
      return answerClient(client);
    },

    createClient: async (request: ApiRequest<PutClient>) => answerNewClient(await clientWriter.create(request)),
    updateClient: async (request: ApiRequest<PutClient>) => answerClient(await clientWriter.update(request)),
    resetAccessToken: async (request) => answerNewClient(await clientWriter.resetToken(request)),
    enableClient: async (request) => answerClient(await clientWriter.setDisabled(request, false)),
    disableClient: async (request) => answerClient(await clientWriter.setDisabled(request, true)),
    deleteClient: async (request) => {
      await clientWriter.remove(request);
      return { noContent: true };
    },

    listRoles: async () => {
      const expansion = await roles.current();
      return { body: (await roleStore.list()).map((role) => describeRole(role, expansion)) };
    },

    listRoles2: async (request) => {
      const { page, ...more } = await listRoles(request);
      const expansion = await roles.current();
      return { body: { roles: page.map((role) => describeRole(role, expansion)), ...more } };
    },

    listRoleIds: async (request) => {
      const { page, ...more } = await listRoles(request);
      return { body: { roleIds: page.map(({ roleId }) => roleId), ...more } };
    },

    role: async ({ params }) => {
      const role = await roleStore.find(params.roleId as string);
      if (!role) throw new ApiError('ResourceNotFound', 'Role not found');
      return answerRole(role);
    },

    createRole: async (request: ApiRequest<PutRole>) => answerRole(await roleWriter.create(request)),
    updateRole: async (request: ApiRequest<PutRole>) => answerRole(await roleWriter.update(request)),
    deleteRole: async (request) => {
      await roleWriter.remove(request);
      return { noContent: true };
    },

    getEntityHistory: async ({ params: { entityType = '', entityId = '' }, query }) => ({
      body: await history.ofEntity(entityType, entityId, query),
    }),
    listAuditHistory: async ({ params: { clientId = '' }, query }) => ({
      body: await history.byClient(clientId, query),
    }),

    expandScopes: async ({ payload }: ApiRequest<ScopeSet>) => ({
      body: { scopes: (await roles.current()).expand(payload.scopes) },
    }),
    currentScopes: async ({ caller }) => ({ body: { scopes: caller.scopes } }),

    authenticateHawk: async ({ payload }: ApiRequest<HawkRequest>) => ({ body: await authenticateHawk(payload) }),
    testAuthenticate: (request: ApiRequest<TestRequest>) => test(request, request.payload),
    testAuthenticateGet: (request) => test(request, GET_TEST),
  });
};

type ReadonlyTest = { readonly [Field in keyof TestRequest]: readonly string[] };

const describeClient = (client: ClientRecord, expansion: RoleExpansion) => ({
  clientId: client.clientId,
  description: client.description,
  expires: toIso(client.expires),
  created: toIso(client.created),
  lastModified: toIso(client.lastModified),
  lastDateUsed: toIso(client.lastDateUsed),
  lastRotated: toIso(client.lastRotated),
  deleteOnExpiration: client.deleteOnExpiration,
  scopes: client.scopes,
  expandedScopes: expandForReading(client.scopes, expansion),
  disabled: client.disabled,
});

const describeRole = ({ roleId, scopes, description, created, lastModified }: Role, expansion: RoleExpansion) => ({
  roleId,
  scopes,
  expandedScopes: expandForReading([`assume:${roleId}`], expansion),
  description,
  lastModified: toIso(lastModified),
  created: toIso(created),
});

/**
 * Roles that were changed later may expand what was made before beyond all bounds. Its holder can
 * call nothing, but it must be possible to list it, or the cause could not be found.
 */
const expandForReading = (scopes: readonly string[], { expand }: RoleExpansion): readonly string[] => {
  try {
    return expand(scopes);
  } catch (error) {
    if (error instanceof ApiError) return normalForm(scopes);
    throw error;
  }
};
