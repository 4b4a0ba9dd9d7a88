// What the servers under test stand on: everything in their own database, or a RabbitMQ and a
// Taskcluster deployment.
import pg from 'pg';
import type { Cleanup } from '../../support/database.ts';
import type { Api, Credentials } from '../load/api.ts';
import type { Publish } from '../load/publishers.ts';
import type { Events, Task } from '../oracle/events.ts';
import type { Fault } from '../system/faults.ts';
import type { Members } from '../system/members.ts';
import type { Postgres } from '../system/postgres.ts';

export type Backend = {
  /** Of each member: its parts and its environment. */
  readonly members: readonly { readonly parts: string; readonly env: NodeJS.ProcessEnv }[];
  readonly credentials: () => Credentials;
  readonly publish: (api: Api) => Publish;
  readonly knowsMessageIds: boolean;
  /** What the hooks need before they can make tasks. */
  readonly prepare: (members: Members, api: Api) => Promise<void>;
  readonly tasks: () => Promise<readonly Task[]>;
  /** What can be struck beside the members and PostgreSQL. */
  readonly faults: readonly Fault[];
  /** Whether no message is on its way any more. */
  readonly isQuiet: () => Promise<boolean>;
  /** Whether what the service says of its hooks can be heard. */
  readonly tells: boolean;
  /** What the other side saw that may never be. */
  readonly violations: () => readonly string[];
};

export type BackendSettings = { readonly postgres: Postgres; readonly events: Events };
export type StartBackend = (t: Cleanup, settings: BackendSettings) => Promise<Backend>;

/** On a connection of its own: the one before may have been broken. */
export const query = async <R extends pg.QueryResultRow>(connection: pg.ClientConfig, sql: string): Promise<R[]> => {
  const client = new pg.Client(connection);
  client.on('error', () => {}); // the query rejects
  await client.connect();
  try {
    return (await client.query<R>(sql)).rows;
  } finally {
    await client.end();
  }
};
