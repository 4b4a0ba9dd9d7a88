// What the audit tells of a client, a role or a hook, and of what a client did; newest first. The
// audit of hooks is the task hooks' table, and is only read here.
import { toIso } from '../../core/clock.ts';
import type { Database } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import { type Cursor, readCursor, writeCursor } from '../../ledger/cursor.ts';
import type { AuditHistory } from '../schemas.ts';
import { LONGEST_PAGE } from './pages.ts';

export type AuditHistoryReader = {
  readonly ofEntity: (entityType: string, entityId: string, page: HistoryPage) => Promise<AuditHistory>;
  readonly byClient: (clientId: string, page: HistoryPage) => Promise<AuditHistory>;
};

type HistoryPage = { readonly limit?: string; readonly continuationToken?: string };

/** `seq` orders the rows of a moment, of both tables. */
type Row = {
  readonly at: number;
  readonly seq: number;
  readonly client_id: string;
  readonly action: string;
  readonly entity_type: string;
  readonly entity_id: string;
};

const OF_AUTH = 'at, id * 2 as seq, client_id, action, entity_type, entity_id';
const OF_HOOKS = `at, id * 2 + 1 as seq, client_id, action, 'hook' as entity_type, hook_group_id || '/' || hook_id as entity_id`;

const findOfEntity = statement<Row>(
  'audit-history.of-entity',
  `select ${OF_AUTH} from auth_audit where entity_type = $1 and entity_id = $2 and id < ($3::bigint + 1) / 2 order by id desc limit $4`,
);

const findOfHook = statement<Row>(
  'audit-history.of-hook',
  `select ${OF_HOOKS} from audit where hook_group_id = $1 and hook_id = $2 and id < $3::bigint / 2 order by id desc limit $4`,
);

// Each half ends by itself, so that neither is read further than the page.
const findByClient = statement<Row>(
  'audit-history.by-client',
  `select * from (
     (select ${OF_AUTH} from auth_audit
      where client_id = $1 and at <= $2 and (at, id * 2) < ($2, $3) order by at desc, id desc limit $4)
     union all
     (select ${OF_HOOKS} from audit
      where client_id = $1 and at <= $2 and (at, id * 2 + 1) < ($2, $3) order by at desc, id desc limit $4)) as found
   order by at desc, seq desc limit $4`,
);

const NEWEST: Cursor = { at: Date.UTC(9999, 11, 31), seq: Number.MAX_SAFE_INTEGER };

export const createAuditHistoryReader = (database: Database): AuditHistoryReader => {
  const readPage = async (
    { limit: wanted = `${LONGEST_PAGE}`, continuationToken }: HistoryPage,
    find: (before: Cursor, most: number) => Promise<readonly Row[]>,
  ): Promise<AuditHistory> => {
    const limit = Math.min(Number(wanted), LONGEST_PAGE);
    const rows = await find(continuationToken ? readCursor(continuationToken) : NEWEST, limit + 1);
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return {
      auditHistory: page.map(describeRow),
      ...(rows.length > limit && last && { continuationToken: writeCursor(last) }),
    };
  };

  return {
    ofEntity: (entityType, entityId, page) =>
      readPage(page, ({ seq }, most) => {
        if (entityType !== 'hook') return database.query(findOfEntity, [entityType, entityId, seq, most]);
        const [hookGroupId = '', ...rest] = entityId.split('/'); // a group's id holds no slash
        return database.query(findOfHook, [hookGroupId, rest.join('/'), seq, most]);
      }),
    byClient: (clientId, page) =>
      readPage(page, ({ at, seq }, most) => database.query(findByClient, [clientId, toIso(at), seq, most])),
  };
};

/** As Taskcluster calls them. */
const ACTIONS: Readonly<Record<string, string>> = {
  changed: 'updated',
  removed: 'deleted',
  'token made': 'trigger token created',
  'token reset': 'trigger token reset',
};

const describeRow = ({ at, client_id, action, entity_type, entity_id }: Row): AuditHistory['auditHistory'][number] => ({
  clientId: client_id,
  actionType: ACTIONS[action] ?? action,
  created: toIso(at),
  entityId: entity_id,
  entityType: entity_type,
});
