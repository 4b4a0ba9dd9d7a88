// Every method of the real client's Auth reference that standalone mode has: one good call with
// exactly the scopes that taskcluster-client's reference names, and the same call without
// credentials and with scopes that are nearly right.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { AUTH_API } from '../../src/auth/api/declaration.ts';
import type { MethodDeclaration } from '../../src/http/api-method.ts';
import { type Clients, clientsOf, rootClients } from '../support/client.ts';
import { type Server, serveQuickly } from '../support/server.ts';
import { lastFirst } from '../support/wait.ts';

/**
 * Those that taskcluster-client has and that are served here.
 */
const NEEDED = [
  ...['ping', 'listClients', 'client', 'createClient', 'updateClient', 'deleteClient', 'enableClient', 'disableClient'],
  ...['resetAccessToken', 'listRoles', 'listRoles2', 'listRoleIds', 'role', 'createRole', 'updateRole', 'deleteRole'],
  ...[
    'getEntityHistory',
    'listAuditHistory',
    'expandScopes',
    'currentScopes',
    'authenticateHawk',
    'testAuthenticate',
    'testAuthenticateGet',
  ],
];

type EachScope = { readonly for: string; readonly in: string; readonly each: string };
type Entry = {
  readonly name: string;
  readonly method: string;
  readonly route: string;
  readonly args: readonly string[];
  readonly query: readonly string[];
  readonly category: string;
  readonly scopes?: string | { readonly AllOf: readonly (string | EachScope)[] };
  readonly input?: string;
  readonly output?: string;
};

// Named by a variable so that the compiler does not look for types that are not there.
const packageFile: string = 'taskcluster-client/src/apis.js';
const entries: readonly Entry[] = (await import(packageFile)).default.Auth.reference.entries;
const entryOf = (name: string): Entry => {
  const entry = entries.find((candidate) => candidate.name === name);
  assert.ok(entry, `the real client has no method ${name}`);
  return entry;
};

const EXPIRES = '2090-01-01T00:00:00.000Z';
const newClient = { expires: EXPIRES, description: 'd', scopes: ['given:1', 'given:2'], deleteOnExpiration: false };
const newRole = { description: 'd', scopes: ['given:1', 'given:2'] };

/**
 * How to call a method well: its arguments, what must be there before, which scopes are given, and
 * what comes back.
 */
type Call = {
  readonly args?: readonly unknown[];
  readonly prepare?: (root: Clients['auth']) => Promise<unknown>;
  readonly given?: readonly string[];
  // biome-ignore lint/suspicious/noExplicitAny: what an answer is, the call says.
  readonly check: (answer: any) => void;
};

const client = (name: string) => (root: Clients['auth']) =>
  root.createClient(name, { ...newClient, scopes: ['old:1'] });
const role = (name: string) => (root: Clients['auth']) => root.createRole(name, { ...newRole, scopes: ['old:1'] });
const isClient = (clientId: string) => (answer: Record<string, unknown>) => {
  const fields =
    'clientId description expires created lastModified lastDateUsed lastRotated deleteOnExpiration scopes expandedScopes disabled';
  assert.deepEqual(Object.keys(answer), fields.split(' '));
  assert.equal(answer.clientId, clientId);
};
const isNewClient =
  (clientId: string) =>
  ({ accessToken, ...answer }: Record<string, unknown>) => {
    assert.match(String(accessToken), /^[A-Za-z0-9_-]{44}$/);
    isClient(clientId)(answer);
  };
const isRole = (roleId: string) => (answer: Record<string, unknown>) => assert.equal(answer.roleId, roleId);
type Audited = { clientId: string; actionType: string; entityType: string; entityId: string };
const isHistory = (history: readonly Audited[], ...expected: string[]) =>
  assert.deepEqual(
    history.map((one) => `${one.actionType} ${one.entityType} ${one.entityId} by ${one.clientId}`),
    expected,
  );
const isNothing = (answer: unknown) => assert.equal(answer, undefined);

const CALLS: Readonly<Record<string, Call>> = {
  ping: { check: ({ alive }) => assert.equal(alive, true) },
  listClients: { args: [{ prefix: 'root' }], check: ({ clients }) => isClient('root')(clients[0]) },
  client: { args: ['c/get'], prepare: client('c/get'), check: isClient('c/get') },
  createClient: { args: ['c/new', newClient], given: newClient.scopes, check: isNewClient('c/new') },
  updateClient: {
    args: ['c/update', { ...newClient, scopes: ['given:1', 'old:1'] }],
    prepare: client('c/update'),
    given: ['given:1'],
    check: isClient('c/update'),
  },
  deleteClient: { args: ['c/delete'], prepare: client('c/delete'), check: isNothing },
  enableClient: { args: ['c/enable'], prepare: client('c/enable'), check: isClient('c/enable') },
  disableClient: {
    args: ['c/disable'],
    prepare: client('c/disable'),
    check: (answer) => assert.equal(answer.disabled, true),
  },
  resetAccessToken: { args: ['c/reset'], prepare: client('c/reset'), check: isNewClient('c/reset') },
  listRoles: { prepare: role('r/list'), check: (roles) => assert.ok(Array.isArray(roles) && roles.length > 0) },
  listRoles2: { args: [{ limit: 1 }], check: ({ roles }) => assert.equal(roles.length, 1) },
  listRoleIds: { args: [{ limit: 1 }], check: ({ roleIds }) => assert.equal(typeof roleIds[0], 'string') },
  role: { args: ['r/get *'], prepare: role('r/get *'), check: isRole('r/get *') },
  createRole: { args: ['r/new', newRole], given: newRole.scopes, check: isRole('r/new') },
  updateRole: {
    args: ['r/update', { ...newRole, scopes: ['given:1', 'old:1'] }],
    prepare: role('r/update'),
    given: ['given:1'],
    check: isRole('r/update'),
  },
  deleteRole: { args: ['r/delete'], prepare: role('r/delete'), check: isNothing },
  getEntityHistory: {
    args: ['client', 'c/history'],
    prepare: client('c/history'),
    check: ({ auditHistory }) => isHistory(auditHistory, 'created client c/history by root'),
  },
  listAuditHistory: {
    args: ['root', { limit: 1 }],
    prepare: role('r/history'),
    // Whoever asks with exactly these scopes is made by root after the role.
    check: ({ auditHistory }) => assert.equal(auditHistory[0].clientId, 'root'),
  },
  expandScopes: {
    args: [{ scopes: ['c', 'b*', 'b'] }],
    check: (answer) => assert.deepEqual(answer.scopes, ['b*', 'c']),
  },
  currentScopes: {
    check: ({ scopes }) => assert.deepEqual(scopes, ['assume:anonymous', 'auth:current-scopes']),
  },
  authenticateHawk: {
    args: [{ method: 'get', resource: '/', host: 'localhost', port: 80 }],
    check: (answer) => assert.equal(answer.status, 'no-auth'),
  },
  testAuthenticate: {
    args: [{ clientScopes: [], requiredScopes: [] }],
    check: (answer) => assert.deepEqual(answer, { clientId: 'auth-failed:no-auth', scopes: ['assume:anonymous'] }),
  },
  testAuthenticateGet: {
    check: (answer) =>
      assert.deepEqual(answer, {
        clientId: 'tester',
        scopes: ['assume:anonymous', 'auth:create-client:test:*', 'test:*'],
      }),
  },
};

/** The scopes that the client's reference names for a call, filled in. */
const scopesFor = ({ scopes, args }: Entry, { args: values = [], given = [] }: Call): string[] => {
  if (scopes === undefined) return [];
  const fill = (scope: string) => scope.replace(/<(\w+)>/g, (_, name) => String(values[args.indexOf(name)]));
  if (typeof scopes === 'string') return [fill(scopes)];
  return scopes.AllOf.flatMap((part) => (typeof part === 'string' ? [fill(part)] : given));
};

/** Each a scope that looks much like it and is not it. */
const nearly = (scope: string): string[] => [
  scope.slice(0, -1),
  `${scope}x`,
  `${scope}/*`,
  `${scope}:*`,
  `${scope.slice(0, -1)}?`,
  scope.toUpperCase(),
  `x${scope}`,
  ` ${scope}`,
  `assume:${scope}`,
];

const cleanup = lastFirst({ after });
let server: Server;
let root: Clients['auth'];
before(async () => {
  server = await serveQuickly(cleanup);
  root = rootClients(server.credentials).auth;
});

/** A client of its own for each question. */
let made = 0;
const authWith = async (scopes: readonly string[]): Promise<Clients['auth']> => {
  made += 1;
  const clientId = `caller/${made}`;
  const { accessToken } = await root.createClient(clientId, { expires: EXPIRES, description: '', scopes });
  return clientsOf(server.url, { clientId, accessToken }).auth;
};

it('is told as data: verb, route, arguments and schemas of the real reference', () => {
  const declared = AUTH_API.methods as readonly MethodDeclaration[];
  assert.deepEqual(declared.map(({ name }) => name).sort(), NEEDED.filter((name) => name !== 'ping').sort());
  const file = (schema: { name: string } | undefined) => schema && `v1/${schema.name}.json#`;
  for (const { name, verb, route, query, category, input, output, title } of declared) {
    const entry = entryOf(name) as Entry & { readonly title: string };
    assert.deepEqual(
      { verb, route, category, title, query: Object.keys(query ?? {}), input: file(input), output: file(output) },
      {
        verb: entry.method.toUpperCase(),
        route: entry.route,
        category: entry.category,
        title: entry.title,
        query: entry.query,
        input: entry.input,
        output: entry.output,
      },
      name,
    );
  }
});

for (const name of NEEDED) {
  describe(name, () => {
    const call = CALLS[name] as Call;
    const entry = entryOf(name);
    const required = call && scopesFor(entry, call);
    const on = (auth: Clients['auth']) => auth[name](...(call.args ?? []));
    before(async () => {
      await call.prepare?.(root);
    });

    if (entry.scopes === undefined) {
      it('answers whoever asks', async () => {
        if (name === 'testAuthenticateGet') {
          await assert.rejects(on(clientsOf(server.url).auth), { statusCode: 403 });
          return call.check(await on(clientsOf(server.url, { clientId: 'tester', accessToken: 'no-secret' }).auth));
        }
        call.check(await on(clientsOf(server.url).auth));
      });
      return;
    }

    it('is refused without credentials, and says only what it would take', async () => {
      await assert.rejects(
        on(clientsOf(server.url).auth),
        (error: { statusCode: number; code: string; message: string }) => {
          assert.deepEqual([error.statusCode, error.code], [403, 'InsufficientScopes']);
          for (const scope of required) assert.ok(error.message.includes(scope), scope);
          return !/missing|Client ID/.test(error.message);
        },
      );
    });

    it('is refused to whoever lacks one of its scopes, though they may have what looks like it', async () => {
      for (const lacking of required) {
        const others = required.filter((scope) => scope !== lacking);
        const auth = await authWith([...others, ...nearly(lacking)]);
        await assert.rejects(on(auth), { statusCode: 403, code: 'InsufficientScopes' }, lacking);
      }
    });

    it('answers whoever has just its scopes', async () => {
      call.check(await on(await authWith(required)));
    });
  });
}
