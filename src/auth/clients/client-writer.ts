// Creating and changing clients: what is asked of the caller, and what belongs to the transaction.
import type { Clock } from '../../core/clock.ts';
import { newAccessToken } from '../../core/ids.ts';
import type { Database, Transaction } from '../../database/database.ts';
import { ApiError } from '../../http/api-error.ts';
import type { ApiRequest } from '../../http/api-method.ts';
import { type AuthAuditEntry, actorIn } from '../audit.ts';
import type { RecordChange } from '../record-change.ts';
import { checkChangeable, checkDescription, checkScopesEnd, readExpires } from '../request-checks.ts';
import type { RoleCache } from '../roles/role-cache.ts';
import type { PutClient } from '../schemas.ts';
import { compareScopes, holdsAll } from '../scopes.ts';
import type { ClientExpiry } from './client-expiry.ts';
import type { Client, ClientRecord, ClientStore } from './clients.ts';
import { ROOT_CLIENT_ID } from './root-client.ts';

export type ClientWriter = {
  /**
   * Throws InputError, InsufficientScopes, RequestConflict. The same request again, soon after,
   * answers the same client and token.
   */
  readonly create: (request: ApiRequest<PutClient>) => Promise<Client>;
  /** Throws InputError, InsufficientScopes, ResourceNotFound. */
  readonly update: (request: ApiRequest<PutClient>) => Promise<ClientRecord>;
  /** The client with its new access token. The old one is worth nothing from then on. */
  readonly resetToken: (request: ApiRequest) => Promise<Client>;
  readonly setDisabled: (request: ApiRequest, disabled: boolean) => Promise<ClientRecord>;
  /** Does nothing when there is no such client. */
  readonly remove: (request: ApiRequest) => Promise<void>;
};

export type ClientWriterSettings = {
  readonly database: Database;
  readonly store: ClientStore;
  readonly roles: RoleCache;
  readonly expiry: ClientExpiry;
  readonly record: RecordChange;
  /** What was written counts at once in this process; the others are notified. */
  readonly forget: (clientId: string) => void;
  readonly clock: Clock;
};

/**
 * As Taskcluster: for so long the same request is the same call, sent again by a client that got no
 * answer.
 */
const REPLAY_MS = 15 * 60 * 1000;

export const createClientWriter = (settings: ClientWriterSettings): ClientWriter => {
  const { database, store, roles, expiry, record, forget, clock } = settings;

  const recordChange = (
    tx: Transaction,
    request: ApiRequest<unknown>,
    entry: Pick<AuthAuditEntry & { entity: 'client' }, 'action' | 'before' | 'after'>,
  ) => record(tx, { ...entry, entity: 'client', by: actorIn(request), at: clock.now() });

  const change = async <T>(clientId: string, work: (tx: Transaction) => Promise<T>): Promise<T> => {
    const result = await database.transaction(work);
    forget(clientId);
    return result;
  };

  /**
   * Throws InputError for scopes whose roles multiply beyond all bounds: such a client could never
   * call anything.
   */
  const checkExpansion = async (scopes: readonly string[]) => (await roles.current()).expand(scopes);

  const lock = async (tx: Transaction, clientId: string): Promise<ClientRecord> => {
    const client = await store.lock(tx, clientId);
    if (!client) throw noSuchClient();
    return client;
  };

  return {
    create: async (request) => {
      const { payload, authorize } = request;
      const wanted = readClient(request);
      rejectRoot(wanted.clientId); // not even when it is missing
      const scopes = payload.scopes ?? [];
      authorize({ AllOf: [`auth:create-client:${wanted.clientId}`, ...scopes] });
      await checkExpansion(scopes);
      const now = clock.now();
      const made: Client = {
        ...wanted,
        scopes: sorted(scopes),
        accessToken: newAccessToken(),
        disabled: false,
        ...{ created: now, lastModified: now, lastDateUsed: now, lastRotated: now },
      };
      const isNew = await change(wanted.clientId, async (tx) => {
        if (!(await store.add(tx, made, now))) return false;
        await expiry.arrange(tx, made);
        await recordChange(tx, request, { action: 'created', after: made });
        return true;
      });
      if (isNew) return made;
      const present = await store.find(wanted.clientId);
      if (present && isSame(present, made) && now - present.created < REPLAY_MS) return present;
      throw new ApiError('RequestConflict', 'Client already exists');
    },

    update: async (request) => {
      const { payload, caller, authorize } = request;
      const wanted = readClient(request);
      rejectRoot(wanted.clientId);
      // The error lists all that was asked for, and is the same when there is no such client: it
      // tells neither what the client has nor whether it exists.
      const authorizeFor = (present: ClientRecord | undefined) => {
        const needed = `auth:update-client:${wanted.clientId}`;
        const had = new Set(present?.scopes);
        const scopes = payload.scopes ?? [];
        const added = scopes.filter((scope) => !had.has(scope));
        if (!holdsAll(caller.scopes, [needed, ...added])) authorize({ AllOf: [needed, ...scopes] });
        if (!present) throw noSuchClient();
      };
      // Before the lock, so that callers without the right to do it make no others wait.
      authorizeFor(await store.read(wanted.clientId));
      if (payload.scopes) await checkExpansion(payload.scopes);
      return change(wanted.clientId, async (tx) => {
        await expiry.arrange(tx, wanted); // before the lock: its handler holds the timer when it locks the client
        // Again for what the client is now: scopes may have been taken from it that this would give
        // back.
        const present = await lock(tx, wanted.clientId);
        authorizeFor(present);
        const scopes = payload.scopes ? sorted(payload.scopes) : present.scopes;
        const after = { ...present, ...wanted, scopes, lastModified: clock.now() };
        await store.replace(tx, after);
        await recordChange(tx, request, { action: 'updated', before: present, after });
        return after;
      });
    },

    resetToken: async (request) => {
      const clientId = clientIdIn(request);
      // The holder of a token can do what its client can, which for root is everything.
      if (clientId === ROOT_CLIENT_ID) request.authorize('*');
      return change(clientId, async (tx) => {
        const before = await lock(tx, clientId);
        const accessToken = newAccessToken();
        const now = clock.now();
        const after = { ...before, lastModified: now, lastRotated: now };
        await store.replace(tx, after, accessToken);
        await recordChange(tx, request, { action: 'access token reset', before, after });
        return { ...after, accessToken };
      });
    },

    setDisabled: async (request, disabled) => {
      const clientId = clientIdIn(request);
      if (disabled) rejectRoot(clientId);
      return change(clientId, async (tx) => {
        const before = await lock(tx, clientId);
        if (before.disabled === disabled) return before;
        const after = { ...before, disabled, lastModified: clock.now() };
        await store.replace(tx, after);
        await recordChange(tx, request, { action: disabled ? 'client disabled' : 'client enabled', before, after });
        return after;
      });
    },

    remove: async (request) => {
      const clientId = clientIdIn(request);
      rejectRoot(clientId);
      await change(clientId, async (tx) => {
        await expiry.cancel(tx, clientId);
        const before = await store.remove(tx, clientId);
        if (before) await recordChange(tx, request, { action: 'deleted', before });
      });
    },
  };
};

const noSuchClient = () => new ApiError('ResourceNotFound', 'Client not found');

const sorted = (scopes: readonly string[]): readonly string[] => [...scopes].sort(compareScopes);

const clientIdIn = ({ params }: ApiRequest<unknown>): string => {
  const { clientId = '' } = params;
  checkChangeable(clientId);
  return clientId;
};

/** What a request says of a client, apart from its scopes. */
const readClient = (request: ApiRequest<PutClient>) => {
  const clientId = clientIdIn(request);
  const { description, scopes = [], expires, deleteOnExpiration } = request.payload;
  checkScopesEnd(scopes);
  checkDescription(description);
  return { clientId, description, expires: readExpires(expires), deleteOnExpiration };
};

/**
 * The file with root's credentials (root-client.ts) stays true, so that those who run the server
 * cannot be locked out.
 */
const rejectRoot = (clientId: string): void => {
  if (clientId !== ROOT_CLIENT_ID) return;
  throw new ApiError(
    'InputError',
    'the client `root` belongs to this server: it can be given a new access token, but not be made, changed, disabled or deleted',
  );
};

/**
 * As Taskcluster, deleteOnExpiration is not compared; unlike there, the order of scopes does not
 * matter.
 */
const isSame = (present: Client, wanted: Client): boolean =>
  !present.disabled &&
  present.description === wanted.description &&
  present.expires === wanted.expires &&
  present.scopes.length === wanted.scopes.length &&
  present.scopes.every((scope, index) => scope === wanted.scopes[index]);
