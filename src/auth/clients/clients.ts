// The clients: who may sign requests, with which scopes. Their access tokens are sealed; only
// verification opens them.

import { toIso } from '../../core/clock.ts';
import type { SecretBox } from '../../core/secret-box.ts';
import type { Database, Queryable, Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import { announce } from '../changes.ts';
import { LONGEST_CLIENT_ID } from '../request-checks.ts';

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

/**
 * A client without what is sealed: all that can be told of it, and all that it takes to change it.
 */
export type ClientRecord = Omit<Client, 'accessToken'>;

export type NewClient = Pick<
  Client,
  'clientId' | 'description' | 'accessToken' | 'scopes' | 'expires' | 'deleteOnExpiration'
>;

export type ClientStore = {
  readonly find: (clientId: string, on?: Queryable) => Promise<Client | undefined>;
  readonly read: (clientId: string) => Promise<ClientRecord | undefined>;
  /**
   * At most `limit` clients whose ids begin with `prefix`, in order of their ids, from the first
   * one after `after`.
   */
  readonly listPage: (page: {
    readonly prefix: string;
    readonly after: string;
    readonly limit: number;
  }) => Promise<readonly ClientRecord[]>;
  /**
   * Adds a client and tells the other processes. False: there is one of that name, which stays as
   * it is.
   */
  readonly add: (tx: Transaction, client: NewClient, now: number) => Promise<boolean>;
  /** The client, which nobody else changes until the transaction ends. */
  readonly lock: (tx: Transaction, clientId: string) => Promise<ClientRecord | undefined>;
  /**
   * Writes what may change of a client, with a new access token if one is given, and tells the
   * other processes.
   */
  readonly replace: (tx: Transaction, client: ClientRecord, accessToken?: string) => Promise<void>;
  /**
   * Removes a client and tells the other processes. Answers what it was; undefined: there was none.
   */
  readonly remove: (tx: Transaction, clientId: string) => Promise<ClientRecord | undefined>;
  /** Moves lastDateUsed forwards. No process is notified: nothing is decided by it. */
  readonly touch: (clientId: string, now: number) => Promise<void>;
};

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

// `~` sorts after every character that an id may hold.
const listClients = statement<ClientRow>(
  'clients.list',
  `select * from clients
   where client_id >= $1::text and client_id < $1::text || '~' and client_id > $2
   order by client_id limit $3`,
);

const findClient = statement<ClientRow>('clients.find', 'select * from clients where client_id = $1');
const lockClient = statement<ClientRow>('clients.lock', 'select * from clients where client_id = $1 for update');

const addClient = statement<{ client_id: string }>(
  'clients.add',
  `insert into clients (client_id, description, access_token, scopes, expires, disabled, delete_on_expiration,
     created, last_modified, last_date_used, last_rotated)
   values ($1, $2, $3, $4, $5, false, $6, $7, $7, $7, $7)
   on conflict (client_id) do nothing
   returning client_id`,
);

const replaceClient = statement(
  'clients.replace',
  `update clients
   set description = $2, access_token = coalesce($3, access_token), scopes = $4, expires = $5, disabled = $6, delete_on_expiration = $7,
     last_modified = $8, last_rotated = $9
   where client_id = $1`,
);

const removeClient = statement<ClientRow>('clients.remove', 'delete from clients where client_id = $1 returning *');

const touchClient = statement(
  'clients.touch',
  'update clients set last_date_used = $2 where client_id = $1 and last_date_used < $2',
);

export const createClientStore = (database: Database, secretBox: SecretBox): ClientStore => {
  const findRow = async (on: Queryable, clientId: string): Promise<ClientRow | undefined> =>
    clientId.length > LONGEST_CLIENT_ID ? undefined : (await on.query(findClient, [clientId]))[0];
  const seal = (clientId: string, accessToken: string) => secretBox.seal(accessToken, contextOf(clientId));

  return {
    find: async (clientId, on = database) => {
      const row = await findRow(on, clientId);
      return row && { ...recordOf(row), accessToken: openToken(row, secretBox) };
    },
    read: async (clientId) => {
      const row = await findRow(database, clientId);
      return row && recordOf(row);
    },
    listPage: async ({ prefix, after, limit }) =>
      (await database.query(listClients, [prefix, after, limit])).map(recordOf),
    add: async (tx, client, now) => {
      const { clientId, description, accessToken, scopes, expires, deleteOnExpiration } = client;
      const sealed = seal(clientId, accessToken);
      const values = [clientId, description, sealed, scopes, toIso(expires), deleteOnExpiration, toIso(now)];
      const added = await tx.query(addClient, values);
      if (added.length === 0) return false;
      await announce(tx, { kind: 'client', clientId });
      return true;
    },
    lock: async (tx, clientId) => {
      const [row] = await tx.query(lockClient, [clientId]);
      return row && recordOf(row);
    },
    replace: async (tx, client, accessToken) => {
      const { clientId, description, scopes, disabled, deleteOnExpiration } = client;
      const [expires, modified, rotated] = [client.expires, client.lastModified, client.lastRotated].map(toIso);
      const sealed = accessToken === undefined ? null : seal(clientId, accessToken);
      const changed = [description, sealed, scopes, expires, disabled, deleteOnExpiration, modified, rotated];
      await tx.query(replaceClient, [clientId, ...changed]);
      await announce(tx, { kind: 'client', clientId });
    },
    remove: async (tx, clientId) => {
      const [row] = await tx.query(removeClient, [clientId]);
      if (row) await announce(tx, { kind: 'client', clientId });
      return row && recordOf(row);
    },
    touch: async (clientId, now) => {
      await database.query(touchClient, [clientId, toIso(now)]);
    },
  };
};

/** Binds a sealed token to its row: the token of one client cannot be copied to another. */
const contextOf = (clientId: string): string => `client:${clientId}`;

const recordOf = (row: ClientRow): ClientRecord => ({
  clientId: row.client_id,
  description: row.description,
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
