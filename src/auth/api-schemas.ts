// What the auth API takes and gives, under the names by which generic clients download it (spec/standalone-auth-queue.md, section 5).
import { Type } from 'typebox';
import type { NamedSchema } from '../http/api-method.ts';

/** How many scopes a request may hold: checking them against a caller's costs time for each, before anything is known of him. */
const MOST_SCOPES = 10_000;

const scope = Type.String({
  pattern: '^[\\x20-\\x7e]*$',
  description: 'A scope: printable ASCII. A final `*` is a wildcard.',
});
const scopes = Type.Array(scope, { description: 'Sorted, but it may hold more scopes than it needs to.' });
const requestedScopes = Type.Array(scope, { uniqueItems: true, maxItems: MOST_SCOPES });
const expandedScopes = Type.Array(scope, { description: 'With all that the roles among them grant, in normal form.' });
const roleId = Type.String({ pattern: '^[\\x20-\\x7e]+$' });
const dateTime = Type.String({ format: 'date-time' });
const continuationToken = Type.String({
  description: 'Opaque. Send it back to get what follows; absent on the last page.',
});

const closed = { additionalProperties: false } as const;

const role = Type.Object(
  { roleId, scopes, expandedScopes, description: Type.String(), lastModified: dateTime, created: dateTime },
  closed,
);

const putRole = Type.Object({ scopes: requestedScopes, description: Type.String({ maxLength: 10_240 }) }, closed);
export type PutRole = Type.Static<typeof putRole>;

const scopeSet = Type.Object({ scopes: requestedScopes }, closed);
export type ScopeSet = Type.Static<typeof scopeSet>;

const named = <Name extends string>(name: Name, schema: object): NamedSchema => ({ name, schema });

export const SCHEMAS = {
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
  scopeSet: named('scopeset', scopeSet),
  expandedScopeSet: named('expanded-scopeset', Type.Object({ scopes: expandedScopes }, closed)),
};
