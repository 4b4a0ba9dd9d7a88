// The clients: who may sign requests, with which scopes. Their access tokens are sealed; only verification opens them.

import { toIso } from '../core/clock.ts';
import type { SecretBox } from '../core/secret-box.ts';
import type { Database, Queryable, Transaction } from '../database/database.ts';
import { statement } from '../database/statement.ts';
import { announce } from './changes.ts';

/** Times are milliseconds since the epoch. */
export type Client = {
  readonly clientId: string;
  readonly description: string;
  readonly accessToken: string;
  readonly scopes: readonly string[];
  readonly expires: number;
  readonly disabled: boolean;
  readonly deleteOnExpiration: boolean;
  readonly created: number;
  readonly lastModified: number;
  readonly lastDateUsed: number;
  readonly lastRotated: number;
};

export type NewClient = Pick<
  Client,
  'clientId' | 'description' | 'accessToken' | 'scopes' | 'expires' | 'deleteOnExpiration'
>;

export type ClientStore = {
  readonly find: (clientId: string, on?: Queryable) => Promise<Client | undefined>;
  /** Adds a client and tells the other processes. False: there is one of that name, which stays as it is. */
  readonly add: (tx: Transaction, client: NewClient, now: number) => Promise<boolean>;
  /** Moves lastDateUsed forwards. Nobody is told: nothing is decided by it. */
  readonly touch: (clientId: string, now: number) => Promise<void>;
};

/** No longer than an index entry can be. The reference has no such bound; its database has. */
export const LONGEST_CLIENT_ID = 2_000;

type ClientRow = {
  readonly client_id: string;
  readonly description: string;
  readonly access_token: Buffer;
  readonly scopes: string[];
  readonly expires: number;
  readonly disabled: boolean;
  readonly delete_on_expiration: boolean;
  readonly created: number;
  readonly last_modified: number;
  readonly last_date_used: number;
  readonly last_rotated: number;
};

const findClient = statement<ClientRow>('clients.find', 'select * from clients where client_id = $1');

const addClient = statement<{ client_id: string }>(
  'clients.add',
  `insert into clients (client_id, description, access_token, scopes, expires, disabled, delete_on_expiration,
     created, last_modified, last_date_used, last_rotated)
   values ($1, $2, $3, $4, $5, false, $6, $7, $7, $7, $7)
   on conflict (client_id) do nothing
   returning client_id`,
);

const touchClient = statement(
  'clients.touch',
  'update clients set last_date_used = $2 where client_id = $1 and last_date_used < $2',
);

export const createClientStore = (database: Database, secretBox: SecretBox): ClientStore => ({
  find: async (clientId, on = database) => {
    if (clientId.length > LONGEST_CLIENT_ID) return undefined;
    const [row] = await on.query(findClient, [clientId]);
    return row && fromRow(row, secretBox);
  },
  add: async (tx, client, now) => {
    const { clientId, description, scopes, expires, deleteOnExpiration } = client;
    const sealed = secretBox.seal(client.accessToken, contextOf(clientId));
    const values = [clientId, description, sealed, scopes, toIso(expires), deleteOnExpiration, toIso(now)];
    const added = await tx.query(addClient, values);
    if (added.length === 0) return false;
    await announce(tx, { kind: 'client', clientId });
    return true;
  },
  touch: async (clientId, now) => {
    await database.query(touchClient, [clientId, toIso(now)]);
  },
});

/** Binds a sealed token to its row: the token of one client cannot be copied to another. */
const contextOf = (clientId: string): string => `client:${clientId}`;

const fromRow = (row: ClientRow, secretBox: SecretBox): Client => ({
  clientId: row.client_id,
  description: row.description,
  accessToken: openToken(row, secretBox),
  scopes: row.scopes,
  expires: row.expires,
  disabled: row.disabled,
  deleteOnExpiration: row.delete_on_expiration,
  created: row.created,
  lastModified: row.last_modified,
  lastDateUsed: row.last_date_used,
  lastRotated: row.last_rotated,
});

const openToken = ({ client_id, access_token }: ClientRow, secretBox: SecretBox): string => {
  try {
    return secretBox.open(access_token, contextOf(client_id));
  } catch (error) {
    throw new Error(`the access token of client "${client_id}" was altered, or sealed with another encryption key`, {
      cause: error,
    });
  }
};
