// The table of webhooks. Their secrets are sealed, each for its own row.
import { toIso } from '../../core/clock.ts';
import type { SecretBox } from '../../core/secret-box.ts';
import type { Database, Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import type { HookName, HookRevision } from '../definition.ts';
import type { WebhookSettings } from './webhook-definition.ts';

export type WebhookSecrets = { readonly secrets: readonly string[]; readonly verifyToken?: string | undefined };

export type Webhook = {
  readonly uid: string;
  readonly hookUid: string;
  readonly name: string;
  /** The random end of its URL. */
  readonly path: string;
  readonly settings: WebhookSettings;
  readonly hidden: WebhookSecrets;
  readonly created: number;
  readonly lastModified: number;
};

/** With the hook that it leads to, both as of one moment. */
export type WebhookOfHook = Webhook & { readonly hook: HookRevision & HookName };

export type WebhookStore = {
  readonly list: (hookUid: string, tx?: Transaction) => Promise<Webhook[]>;
  /** By path; those that there are. */
  readonly findByPaths: (paths: readonly string[]) => Promise<ReadonlyMap<string, WebhookOfHook>>;
  /** Sets it, whether it was there or not. */
  readonly put: (tx: Transaction, webhook: Webhook) => Promise<void>;
  readonly remove: (tx: Transaction, webhook: Webhook) => Promise<void>;
};

type WebhookRow = {
  uid: string;
  hook_uid: string;
  name: string;
  path: string;
  settings: WebhookSettings;
  secrets: Buffer | null;
  created: number;
  last_modified: number;
};

const listOfHook = statement<WebhookRow>('webhooks.list', 'select * from webhooks where hook_uid = $1 order by name');

const findByPath = statement<WebhookRow & { hook_group_id: string; hook_id: string; revision: number }>(
  'webhooks.by-path',
  `select w.*, h.hook_group_id, h.hook_id, h.revision
   from webhooks w join hooks h on h.uid = w.hook_uid where w.path = any($1::text[])`,
);

const putOne = statement(
  'webhooks.put',
  `insert into webhooks (uid, hook_uid, name, path, settings, secrets, created, last_modified)
   values ($1, $2, $3, $4, $5, $6, $7, $8)
   on conflict (uid) do update
     set settings = excluded.settings, secrets = excluded.secrets, last_modified = excluded.last_modified`,
);

const removeOne = statement('webhooks.remove', 'delete from webhooks where uid = $1');

const removeOfHook = statement('webhooks.remove-of-hook', 'delete from webhooks where hook_uid = $1');

/** For a hook that is removed. */
export const forgetWebhooks = async (tx: Transaction, hookUid: string): Promise<void> => {
  await tx.query(removeOfHook, [hookUid]);
};

export const createWebhookStore = (database: Database, secretBox: SecretBox): WebhookStore => {
  const context = (uid: string) => `webhook:${uid}`;

  const fromRow = ({ hook_uid, secrets, last_modified, ...row }: WebhookRow): Webhook => ({
    ...{ uid: row.uid, hookUid: hook_uid, name: row.name, path: row.path, settings: row.settings },
    hidden:
      secrets === null ? { secrets: [] } : (JSON.parse(secretBox.open(secrets, context(row.uid))) as WebhookSecrets),
    created: row.created,
    lastModified: last_modified,
  });

  return {
    list: async (hookUid, tx) => (await (tx ?? database).query(listOfHook, [hookUid])).map(fromRow),
    findByPaths: async (paths) => {
      const rows = await database.query(findByPath, [paths]);
      return new Map(
        rows.map((row) => {
          const { hook_uid: uid, revision, hook_group_id: hookGroupId, hook_id: hookId } = row;
          return [row.path, { ...fromRow(row), hook: { uid, revision, hookGroupId, hookId } }];
        }),
      );
    },
    put: async (tx, { uid, hookUid, name, path, settings, hidden, created, lastModified }) => {
      const isBare = hidden.secrets.length === 0 && hidden.verifyToken === undefined;
      const sealed = isBare ? null : secretBox.seal(JSON.stringify(hidden), context(uid));
      const times = [toIso(created), toIso(lastModified)];
      await tx.query(putOne, [uid, hookUid, name, path, JSON.stringify(settings), sealed, ...times]);
    },
    remove: async (tx, { uid }) => {
      await tx.query(removeOne, [uid]);
    },
  };
};
