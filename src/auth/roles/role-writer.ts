// Creating, updating and deleting roles: what is asked of the caller, and what of the role set.
import type { Clock } from '../../core/clock.ts';
import { ApiError } from '../../http/api-error.ts';
import type { ApiRequest } from '../../http/api-method.ts';
import { actorIn } from '../audit.ts';
import type { RecordChange } from '../record-change.ts';
import { checkDescription, checkScopesEnd } from '../request-checks.ts';
import type { PutRole } from '../schemas.ts';
import { compareScopes, holds, holdsAll, normalForm } from '../scopes.ts';
import type { RoleCache } from './role-cache.ts';
import { compileRoles } from './role-expansion.ts';
import type { RoleDefinition } from './role-index.ts';
import { checkRoleSet, widestScopes } from './role-rules.ts';
import type { Role, RoleSetChange, RoleStore } from './roles.ts';

export type RoleWriter = {
  /**
   * Throws InputError, InsufficientScopes, RequestConflict. The same request again answers the same
   * role.
   */
  readonly create: (request: ApiRequest<PutRole>) => Promise<Role>;
  /** Throws InputError, InsufficientScopes, ResourceNotFound. */
  readonly update: (request: ApiRequest<PutRole>) => Promise<Role>;
  readonly remove: (request: ApiRequest) => Promise<void>;
};

export type RoleWriterSettings = {
  readonly store: RoleStore;
  readonly cache: RoleCache;
  readonly record: RecordChange;
  readonly clock: Clock;
};

/**
 * No longer than an entry of PostgreSQL's index can be (2,704 bytes). The id of a hook's role takes
 * up to 2,009.
 */
const LONGEST_ROLE_ID = 2_500;

export const createRoleWriter = ({ store, cache, record, clock }: RoleWriterSettings): RoleWriter => {
  /** What was written counts at once in this process; the others are notified. */
  const change = async <T>(work: (set: RoleSetChange) => Promise<T>): Promise<T> => {
    const { result, revision } = await store.change(work);
    if (revision !== undefined) cache.changed(revision);
    return result;
  };

  return {
    create: async (request) => {
      const { params, payload, authorize } = request;
      const wanted = readRole(params.roleId, payload);
      authorize({ AllOf: [`auth:create-role:${wanted.roleId}`, ...payload.scopes] });
      const widest = unwritten(wanted);
      if (widest.length > 0) authorize({ AllOf: widest });
      const now = clock.now();
      return change(async (set) => {
        const present = set.roles.find(({ roleId }) => roleId === wanted.roleId);
        if (present && isSame(present, wanted)) {
          cache.changed(); // another process may have just made it, and the answer says what it stands for
          return present;
        }
        if (present) throw new ApiError('RequestConflict', `Role with roleId '${wanted.roleId}' already exists`);
        checkRoleSet(set.roles, wanted);
        const role = { ...wanted, created: now, lastModified: now };
        await set.put(role);
        await record(set.tx, { entity: 'role', action: 'created', after: role, by: actorIn(request), at: now });
        return role;
      });
    },

    update: async (request) => {
      const wanted = readRole(request.params.roleId, request.payload);
      const require = (present: Role | undefined): Role => {
        if (!present) throw new ApiError('ResourceNotFound', `Role with roleId '${wanted.roleId}' not found`);
        return present;
      };
      // Before the lock, so that callers without the right to do it make no others wait.
      const seen = await store.find(wanted.roleId);
      authorizeUpdate(request, seen, wanted, (await cache.current()).expand);
      require(seen);
      const now = clock.now();
      return change(async (set) => {
        // Again for what the role is now: scopes may have been taken from it that this would give
        // back.
        const found = set.roles.find(({ roleId }) => roleId === wanted.roleId);
        authorizeUpdate(request, found, wanted, compileRoles(set.roles).expand);
        const present = require(found);
        checkRoleSet(set.roles, wanted);
        const role = { ...wanted, created: present.created, lastModified: now };
        await set.put(role);
        const entry = { before: present, after: role, by: actorIn(request), at: now };
        await record(set.tx, { entity: 'role', action: 'updated', ...entry });
        return role;
      });
    },

    remove: (request) =>
      change(async (set) => {
        const before = set.roles.find(({ roleId }) => roleId === request.params.roleId);
        if (!before) return;
        await set.remove(before.roleId);
        const entry = { before, by: actorIn(request), at: clock.now() };
        await record(set.tx, { entity: 'role', action: 'deleted', ...entry });
      }),
  };
};

type WantedRole = RoleDefinition & { readonly description: string };
type Expand = (scopes: readonly string[]) => readonly string[];

/** Throws InputError for what is wrong with the request alone. */
const readRole = (roleId = '', { scopes, description }: PutRole): WantedRole => {
  if (roleId.length > LONGEST_ROLE_ID) {
    throw new ApiError('InputError', `a roleId must not be longer than ${LONGEST_ROLE_ID} characters`);
  }
  checkScopesEnd(scopes);
  checkDescription(description);
  return { roleId, description, scopes: [...scopes].sort(compareScopes) };
};

/**
 * Nobody gives what they do not hold; what the role has already, however it has it, is not given.
 * The error lists all that was asked for, and is the same when there is no such role: it tells
 * neither what the role has nor whether it exists.
 */
const authorizeUpdate = (
  { caller, authorize }: ApiRequest<PutRole>,
  present: RoleDefinition | undefined,
  wanted: WantedRole,
  expand: Expand,
): void => {
  const needed = `auth:update-role:${wanted.roleId}`;
  const widest = unwritten(wanted);
  if (holds(caller.scopes, needed)) {
    const { roleId, scopes } = present ?? { roleId: wanted.roleId, scopes: [] };
    const [had, hadAtWidest] = [expand(scopes), expand(widestScopes(roleId, scopes))];
    const added = wanted.scopes.filter((scope) => !holds(had, scope));
    const addedWidest = widest.filter((scope) => !holds(hadAtWidest, scope));
    if (holdsAll(caller.scopes, [...added, ...addedWidest])) return;
  }
  authorize({ AllOf: [needed, ...wanted.scopes, ...widest] });
};

/**
 * Taskcluster asks for the scopes as they are written, `<..>` included. Somebody who was given the
 * *text* `q:<..>` (by a role without a star, say) could then write a role `r:*` that turns it into
 * anything under `q:`. So: that, too, must be held.
 */
const unwritten = ({ roleId, scopes }: RoleDefinition): readonly string[] => {
  const written = new Set(scopes);
  return normalForm(widestScopes(roleId, scopes).filter((scope) => !written.has(scope)));
};

const isSame = (present: Role, wanted: WantedRole): boolean =>
  present.description === wanted.description &&
  present.scopes.length === wanted.scopes.length &&
  present.scopes.every((scope, index) => scope === wanted.scopes[index]);
