// Clients that belong to a part of this server: made when they are first needed. No person knows
// their tokens.
import type { Clock } from '../../core/clock.ts';
import { newAccessToken } from '../../core/ids.ts';
import type { Database } from '../../database/database.ts';
import type { ClientStore } from './clients.ts';

export type InternalClient = {
  /** Begins with `static/`, which keeps the API from changing it. */
  readonly clientId: `static/${string}`;
  readonly description: string;
  readonly scopes: readonly string[];
};

export type InternalClientSettings = {
  readonly database: Database;
  readonly clients: Pick<ClientStore, 'find' | 'add'>;
  readonly clock: Clock;
};

/** Expires as the static clients of Taskcluster do: about 1,000 years on. */
const FAR_MS = 1_000 * 365.25 * 24 * 60 * 60 * 1000;

/**
 * Its access token. Two processes that make it at once get the same one: that of the first to
 * commit.
 */
export const ensureInternalClient = async (
  { database, clients, clock }: InternalClientSettings,
  client: InternalClient,
): Promise<string> => {
  const present = await clients.find(client.clientId);
  if (present) return present.accessToken;
  const now = clock.now();
  const accessToken = newAccessToken();
  const made = { ...client, accessToken, expires: now + FAR_MS, deleteOnExpiration: false };
  if (await database.transaction((tx) => clients.add(tx, made, now))) return accessToken;
  const theirs = await clients.find(client.clientId);
  if (!theirs) throw new Error(`the client ${client.clientId} was removed while it was made`);
  return theirs.accessToken;
};
