// What the auth API takes and gives, under the names by which generic clients download it.
import { Type } from 'typebox';
import type { NamedSchema } from '../http/api-method.ts';

/** How many scopes a request may hold: each is compared with the caller's. */
const MOST_SCOPES = 10_000;
/** Longer than any server lets a request line be. */
const LONGEST_RESOURCE = 65_536;

const scope = Type.String({
  pattern: '^[\\x20-\\x7e]*$',
  description: 'A scope: printable ASCII. A final `*` is a wildcard.',
});
const scopes = Type.Array(scope, { description: 'Sorted, but it may hold more scopes than it needs to.' });
const requestedScopes = Type.Array(scope, { uniqueItems: true, maxItems: MOST_SCOPES });
const expandedScopes = Type.Array(scope, { description: 'With all that the roles among them grant, in normal form.' });
const description = Type.String({ maxLength: 10_240 });
const clientId = Type.String({ pattern: '^[A-Za-z0-9!@/:.+|_-]+$' });
const roleId = Type.String({ pattern: '^[\\x20-\\x7e]+$' });
/** Looking at the format of a longer text would take memory in proportion to it. */
const dateTime = Type.String({ format: 'date-time', maxLength: 100 });
const continuationToken = Type.String({
  description: 'Opaque. Send it back to get what follows; absent on the last page.',
});

const closed = { additionalProperties: false } as const;

const clientFields = {
  clientId,
  description: Type.String(),
  expires: dateTime,
  created: dateTime,
  lastModified: dateTime,
  lastDateUsed: Type.String({ format: 'date-time', description: 'Up to six hours old.' }),
  lastRotated: Type.String({ format: 'date-time', description: 'When the access token was made.' }),
  deleteOnExpiration: Type.Boolean(),
  scopes,
  expandedScopes,
  disabled: Type.Boolean(),
};
const client = Type.Object(clientFields, closed);
const accessToken = Type.String({
  pattern: '^[a-zA-Z0-9_-]{22,66}$',
  description: 'Told here, and never again.',
});

const putClient = Type.Object(
  {
    expires: dateTime,
    description,
    scopes: Type.Optional(requestedScopes),
    deleteOnExpiration: Type.Boolean({ default: false, description: 'Delete the client as soon as it expires.' }),
  },
  closed,
);
/** As validated: defaults are filled in. */
export type PutClient = Type.Static<typeof putClient>;

const role = Type.Object(
  { roleId, scopes, expandedScopes, description: Type.String(), lastModified: dateTime, created: dateTime },
  closed,
);

const putRole = Type.Object({ scopes: requestedScopes, description }, closed);
export type PutRole = Type.Static<typeof putRole>;

const scopeSet = Type.Object({ scopes: requestedScopes }, closed);
export type ScopeSet = Type.Static<typeof scopeSet>;

const VERBS = [
  ...['get', 'post', 'put', 'head', 'delete', 'options', 'trace', 'copy', 'lock', 'mkcol', 'move', 'purge', 'propfind'],
  ...['proppatch', 'unlock', 'report', 'mkactivity', 'checkout', 'merge', 'm-search', 'notify', 'subscribe'],
  ...['unsubscribe', 'patch', 'search', 'connect'],
];

const hawkRequest = Type.Object(
  {
    method: Type.String({ enum: VERBS, description: 'The HTTP method, in small letters.' }),
    resource: Type.String({ maxLength: LONGEST_RESOURCE, description: 'Path and query, exactly as they were sent.' }),
    host: Type.String({ format: 'hostname', description: 'The Host header without its port.' }),
    port: Type.Integer({ minimum: 0, maximum: 65_535 }),
    authorization: Type.Optional(Type.String({ description: 'The Authorization header, if there was one.' })),
    sourceIp: Type.Optional(Type.Union([Type.String({ format: 'ipv4' }), Type.String({ format: 'ipv6' })])),
  },
  closed,
);
export type HawkRequest = Type.Static<typeof hawkRequest>;

const hawkAnswer = Type.Union([
  Type.Object(
    {
      status: Type.Literal('auth-success'),
      scheme: Type.Literal('hawk'),
      clientId: Type.String(),
      scopes: expandedScopes,
      expires: dateTime,
      hash: Type.Optional(
        Type.String({ description: 'The payload hash that was signed. Compare it with that of the payload you got.' }),
      ),
    },
    closed,
  ),
  Type.Object(
    { status: Type.Literal('no-auth'), scheme: Type.Literal('none'), scopes: expandedScopes, expires: dateTime },
    closed,
  ),
  Type.Object({ status: Type.Literal('auth-failed'), message: Type.String() }, closed),
]);
export type HawkAnswer = Type.Static<typeof hawkAnswer>;

const noScopes = { default: [] as string[], uniqueItems: true, maxItems: MOST_SCOPES };
const testRequest = Type.Object(
  { clientScopes: Type.Array(scope, noScopes), requiredScopes: Type.Array(scope, noScopes) },
  closed,
);
/** As validated: defaults are filled in. */
export type TestRequest = Type.Static<typeof testRequest>;

const auditHistory = Type.Object(
  {
    auditHistory: Type.Array(
      Type.Object(
        {
          clientId: Type.String({ description: 'Who did it.' }),
          actionType: Type.String({ description: 'What: `created`, `updated`, `deleted`, and the like.' }),
          created: Type.String({ format: 'date-time', description: 'When.' }),
          entityId: Type.String({ description: 'To which client, role or hook (`group/hook`).' }),
          entityType: Type.String({ description: '`client`, `role` or `hook`.' }),
        },
        closed,
      ),
    ),
    continuationToken: Type.Optional(continuationToken),
  },
  closed,
);
export type AuditHistory = Type.Static<typeof auditHistory>;

const named = <Name extends string>(name: Name, schema: object): NamedSchema => ({ name, schema });

export const SCHEMAS = {
  listClients: named(
    'list-clients-response',
    Type.Object({ clients: Type.Array(client), continuationToken: Type.Optional(continuationToken) }, closed),
  ),
  client: named('get-client-response', client),
  putClient: named('create-client-request', putClient),
  newClient: named('create-client-response', Type.Object({ ...clientFields, accessToken }, closed)),
  putRole: named('create-role-request', putRole),
  role: named('get-role-response', role),
  listRoles: named('list-roles-response', Type.Array(role)),
  listRoles2: named(
    'list-roles2-response',
    Type.Object({ roles: Type.Array(role), continuationToken: Type.Optional(continuationToken) }, closed),
  ),
  listRoleIds: named(
    'list-role-ids-response',
    Type.Object({ roleIds: Type.Array(roleId), continuationToken: Type.Optional(continuationToken) }, closed),
  ),
  auditHistory: named('get-entity-history-response', auditHistory),
  scopeSet: named('scopeset', scopeSet),
  hawkRequest: named('authenticate-hawk-request', hawkRequest),
  hawkAnswer: named('authenticate-hawk-response', hawkAnswer),
  testRequest: named('test-authenticate-request', testRequest),
  testAnswer: named(
    'test-authenticate-response',
    Type.Object({ clientId: Type.String(), scopes: Type.Array(scope) }, closed),
  ),
};
