// Auth in standalone mode: who calls, what they may do, and the API that changes it.
import type { Broker } from '../broker/broker.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Metrics } from '../core/metrics.ts';
import type { SecretBox } from '../core/secret-box.ts';
import type { Database } from '../database/database.ts';
import { ApiError } from '../http/api-error.ts';
import type { ApiService, Authenticate, Caller, Satisfies, SignedRequest } from '../http/api-method.ts';
import type { Timers } from '../timers/create-timers.ts';
import { createAuthApi } from './api/api.ts';
import { createAuditHistoryReader } from './api/audit-history.ts';
import { createHawkAuthentication } from './api/authenticate-hawk.ts';
import { createTestAuthentication } from './api/test-authenticate.ts';
import { AUTH_CHANGED, readChange } from './changes.ts';
import { createClientCache } from './clients/client-cache.ts';
import {
  CLIENT_EXPIRY_TIMER,
  type ClientExpiry,
  createClientExpiry,
  createClientExpiryHandler,
} from './clients/client-expiry.ts';
import { createClientWriter } from './clients/client-writer.ts';
import { type Client, type ClientStore, createClientStore } from './clients/clients.ts';
import { createRecordChange } from './record-change.ts';
import { createRoleCache } from './roles/role-cache.ts';
import { createRoleWriter } from './roles/role-writer.ts';
import { createRoleStore, type RoleStore } from './roles/roles.ts';
import { satisfies } from './scopes.ts';
import type { Address } from './signatures/address.ts';
import { type Authentication, createAuthenticator, type KnownClient } from './signatures/authenticator.ts';
import { createReplays } from './signatures/replays.ts';

export type StandaloneAuthSettings = {
  readonly database: Database;
  readonly secretBox: SecretBox;
  readonly clock: Clock;
  readonly log: Log;
  /**
   * Host and port that callers sign, when they reach us by another name than their Host header
   * says.
   */
  readonly rootUrl: Address | undefined;
  readonly metrics?: Metrics;
  /**
   * Deletes clients that are to be deleted when they expire. Without it they stay, and can do
   * nothing.
   */
  readonly timers?: Timers;
  /** Publishes each change of a client or a role. */
  readonly broker?: Pick<Broker, 'publish'>;
};

export type StandaloneAuth = AsyncDisposable & {
  readonly authenticate: Authenticate;
  /** As `authenticate`, with what `authenticateHawk` answers besides. undefined: nobody signed. */
  readonly verify: (request: SignedRequest) => Promise<Authentication | undefined>;
  /**
   * To be called when the answer was a 5xx: lets the caller send the very same request again
   * (signatures/authenticator.ts).
   */
  readonly forgive: (request: SignedRequest) => void;
  readonly satisfies: Satisfies;
  /**
   * The scopes and all that their roles grant. Without what everybody has, unless it is asked for.
   */
  readonly expand: (scopes: readonly string[]) => Promise<readonly string[]>;
  /**
   * A caller with exactly these scopes and what everybody has: what a request restricted to
   * `authorizedScopes` would be.
   *
   * @example await auth.callerWith('hooks', ['assume:hook-id:g/h'])
   */
  readonly callerWith: (clientId: string, authorizedScopes: readonly string[]) => Promise<Caller>;
  readonly api: ApiService;
  /**
   * Calls `changed` when this client may have changed, whichever process changed it; not when it is
   * only used.
   */
  readonly onClientChanged: (clientId: string, changed: () => void) => void;
  readonly clients: ClientStore;
  readonly roles: RoleStore;
};

/** As Taskcluster: how old lastDateUsed may become while a client is in use. */
const REFRESH_USE_MS = 6 * 60 * 60 * 1000;

export const createStandaloneAuth = async (settings: StandaloneAuthSettings): Promise<StandaloneAuth> => {
  const { database, secretBox, clock, log, rootUrl, metrics, timers, broker } = settings;
  const clients = createClientStore(database, secretBox);
  const roleStore = createRoleStore(database);
  const clientCache = createClientCache<Client>((clientId) => clients.find(clientId));
  const roles = createRoleCache(roleStore);
  const observers: { readonly clientId: string; readonly changed: () => void }[] = [];
  /** Without an id: any client may have changed. */
  const notifyObservers = (clientId?: string) => {
    for (const observer of observers) {
      if (clientId === undefined || observer.clientId === clientId) observer.changed();
    }
  };

  // From here on each change is heard; nothing was cached before.
  const listening = await database.listen(AUTH_CHANGED, {
    onNotification: (payload) => {
      const change = readChange(payload);
      if (change?.kind === 'client') {
        clientCache.forget(change.clientId);
        notifyObservers(change.clientId);
      } else if (change?.kind === 'roles') roles.changed(change.revision);
      else {
        clientCache.forgetAll();
        roles.changed();
        notifyObservers();
      }
    },
    onInterruption: (state) => {
      if (state === 'lost') log.warn('changes of clients and roles not heard, database asked with each request');
      clientCache.trust(state === 'restored');
      roles.trust(state === 'restored');
      if (state === 'restored') notifyObservers();
    },
  });

  const used = trackUse(clients, clock, log);
  const authenticator = createAuthenticator({
    clock,
    rootUrl,
    findClient: clientCache.get,
    roles: roles.current,
    replays: createReplays(clock),
    onUsed: used.note,
  });
  const record = createRecordChange(broker);
  timers?.handle(CLIENT_EXPIRY_TIMER, createClientExpiryHandler(clients, record, clock));
  const expiry = timers ? createClientExpiry(timers) : NO_EXPIRY;
  const forget = clientCache.forget;
  const api = createAuthApi({
    clients,
    clientWriter: createClientWriter({ database, store: clients, roles, expiry, record, forget, clock }),
    roleStore,
    roleWriter: createRoleWriter({ store: roleStore, cache: roles, record, clock }),
    roles,
    history: createAuditHistoryReader(database),
    authenticateHawk: createHawkAuthentication({ verifyForwarded: authenticator.verifyForwarded, roles, clock }),
    testAuthentication: createTestAuthentication({ clock, rootUrl }),
    satisfies,
  });
  const expand = async (scopes: readonly string[]) => (await roles.current()).expand(scopes);

  return {
    authenticate: counted(authenticator.authenticate, metrics),
    verify: authenticator.verify,
    forgive: authenticator.forgive,
    satisfies,
    expand,
    callerWith: async (clientId, authorizedScopes) => ({
      clientId,
      scopes: await expand([...authorizedScopes, 'assume:anonymous']),
    }),
    api,
    onClientChanged: (clientId, changed) => observers.push({ clientId, changed }),
    clients,
    roles: roleStore,
    [Symbol.asyncDispose]: async () => {
      await listening[Symbol.asyncDispose]();
      await used.finish();
    },
  };
};

const NO_EXPIRY: ClientExpiry = { arrange: async () => {}, cancel: async () => {} };

/** Keeps lastDateUsed roughly true. Requests neither wait for it nor fail by it. */
const trackUse = (clients: ClientStore, clock: Clock, log: Log) => {
  const noted = new WeakMap<KnownClient, number>();
  const writing = new Set<Promise<void>>();
  return {
    note: (client: KnownClient) => {
      const now = clock.now();
      if (now - (noted.get(client) ?? client.lastDateUsed) < REFRESH_USE_MS) return;
      noted.set(client, now);
      const written: Promise<void> = clients
        .touch(client.clientId, now)
        .catch((error: unknown) => log.warn({ err: error }, 'last use of a client not written'))
        .finally(() => writing.delete(written));
      writing.add(written);
    },
    finish: async () => {
      await Promise.all(writing);
    },
  };
};

const counted = (authenticate: Authenticate, metrics: Metrics | undefined): Authenticate => {
  if (!metrics) return authenticate;
  const help = 'Requests by what became of their signature';
  const requests = metrics.counter('hookwright_authentications_total', help, ['outcome']);
  return async (request) => {
    try {
      const caller = await authenticate(request);
      requests.inc({ outcome: caller.clientId === undefined ? 'unsigned' : 'good' });
      return caller;
    } catch (error) {
      requests.inc({ outcome: error instanceof ApiError ? 'failed' : 'error' });
      throw error;
    }
  };
};
