// A cache of clients, good for as long as the database tells us of every change to them.
import { LRUCache } from 'lru-cache';

export type ClientCache<Client> = {
  /**
   * At once when it is cached. Clients that do not exist are not cached: anybody can make up
   * names.
   */
  readonly get: (clientId: string) => Client | undefined | Promise<Client | undefined>;
  readonly forget: (clientId: string) => void;
  readonly forgetAll: () => void;
  /** While false every `get` asks the database, and nothing is cached. */
  readonly trust: (trusted: boolean) => void;
};

const CLIENTS_KEPT = 10_000;

/** @param load must see what was committed before it is called. */
export const createClientCache = <Client extends object | string>(
  load: (clientId: string) => Promise<Client | undefined>,
  kept = CLIENTS_KEPT,
): ClientCache<Client> => {
  const cached = new LRUCache<string, Client>({ max: kept });
  const loading = new Map<string, Promise<Client | undefined>>();
  let trusted = true;

  const loadShared = (clientId: string): Promise<Client | undefined> => {
    const started: Promise<Client | undefined> = load(clientId)
      .then((client) => {
        // Only if it was not forgotten meanwhile: what was read may be from before the change.
        if (client !== undefined && loading.get(clientId) === started) cached.set(clientId, client);
        return client;
      })
      .finally(() => {
        if (loading.get(clientId) === started) loading.delete(clientId);
      });
    loading.set(clientId, started);
    return started;
  };

  const forgetAll = () => {
    cached.clear();
    loading.clear();
  };

  return {
    get: (clientId) => {
      if (!trusted) return load(clientId);
      return cached.get(clientId) ?? loading.get(clientId) ?? loadShared(clientId);
    },
    forget: (clientId) => {
      cached.delete(clientId);
      loading.delete(clientId); // who asks from now on must not get what was read before
    },
    forgetAll,
    trust: (now) => {
      trusted = now;
      forgetAll();
    },
  };
};
