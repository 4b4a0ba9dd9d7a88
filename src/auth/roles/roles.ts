// The roles, as a set: each change is checked against all the others, so changes happen one after
// another.
import { toIso } from '../../core/clock.ts';
import type { Database, Queryable, Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import { announce } from '../changes.ts';

/** Times are milliseconds since the epoch. */
export type Role = {
  readonly roleId: string;
  /** Sorted; may hold more than they need to. */
  readonly scopes: readonly string[];
  readonly description: string;
  readonly created: number;
  readonly lastModified: number;
};

/** The role set while nobody else can change it. */
export type RoleSetChange = {
  /** For what belongs to the same transaction. */
  readonly tx: Transaction;
  readonly roles: readonly Role[];
  readonly put: (role: Role) => Promise<void>;
  readonly remove: (roleId: string) => Promise<void>;
};

export type RoleStore = {
  readonly find: (roleId: string) => Promise<Role | undefined>;
  /** In order of their ids. */
  readonly list: () => Promise<readonly Role[]>;
  /** At most `limit`, from the first id after `after`. */
  readonly listPage: (after: string, limit: number) => Promise<readonly Role[]>;
  /** Grows with every change of the role set; 0 when there never was one. */
  readonly revision: () => Promise<number>;
  /**
   * Runs `work` with the role set locked. Returns what it returned, and the revision when it
   * changed something.
   */
  readonly change: <T>(
    work: (set: RoleSetChange) => Promise<T>,
  ) => Promise<{ result: T; revision: number | undefined }>;
};

type RoleRow = {
  readonly role_id: string;
  readonly scopes: string[];
  readonly description: string;
  readonly created: number;
  readonly last_modified: number;
};

const findRole = statement<RoleRow>('roles.find', 'select * from roles where role_id = $1');
const listRoles = statement<RoleRow>('roles.list', 'select * from roles order by role_id');
const listPageOfRoles = statement<RoleRow>(
  'roles.list-page',
  'select * from roles where role_id > $1 order by role_id limit $2',
);

const putRole = statement(
  'roles.put',
  `insert into roles (role_id, scopes, description, created, last_modified) values ($1, $2, $3, $4, $5)
   on conflict (role_id) do update
     set scopes = excluded.scopes, description = excluded.description, last_modified = excluded.last_modified`,
);

const removeRole = statement('roles.remove', 'delete from roles where role_id = $1');

const REVISION = 'auth.roles-revision';
const findRevision = statement<{ revision: number }>(
  'roles.revision',
  `select (value #>> '{}')::bigint as revision from settings where name = '${REVISION}'`,
);

// Counts and locks in one: who changed the revision first makes the others wait until it has
// committed.
const nextRevision = statement<{ revision: number }>(
  'roles.next-revision',
  `insert into settings (name, value) values ('${REVISION}', '1')
   on conflict (name) do update set value = to_json((settings.value #>> '{}')::bigint + 1)
   returning (value #>> '{}')::bigint as revision`,
);

export const createRoleStore = (database: Database): RoleStore => {
  const list = async (on: Queryable) => (await on.query(listRoles)).map(fromRow);

  const change = <T>(work: (set: RoleSetChange) => Promise<T>) =>
    database.transaction(async (tx) => {
      const [next] = await tx.query(nextRevision);
      if (!next) throw new Error('the revision of the role set was not counted');
      let changed = false;
      const result = await work({
        tx,
        roles: await list(tx),
        put: async (role) => {
          changed = true;
          await put(tx, role);
        },
        remove: async (roleId) => {
          changed = true;
          await tx.query(removeRole, [roleId]);
        },
      });
      if (changed) await announce(tx, { kind: 'roles', revision: next.revision });
      return { result, revision: changed ? next.revision : undefined };
    });

  return {
    find: async (roleId) => {
      const [row] = await database.query(findRole, [roleId]);
      return row && fromRow(row);
    },
    list: () => list(database),
    listPage: async (after, limit) => (await database.query(listPageOfRoles, [after, limit])).map(fromRow),
    revision: async () => (await database.query(findRevision))[0]?.revision ?? 0,
    change,
  };
};

const put = async (tx: Transaction, { roleId, scopes, description, created, lastModified }: Role): Promise<void> => {
  await tx.query(putRole, [roleId, scopes, description, toIso(created), toIso(lastModified)]);
};

const fromRow = (row: RoleRow): Role => ({
  roleId: row.role_id,
  scopes: row.scopes,
  description: row.description,
  created: row.created,
  lastModified: row.last_modified,
});
