// Everything in the servers' own database: broker, standalone queue, and the client root.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type RootCredentials, readJson } from '../../support/server.ts';
import { ROLE, ROLE_SCOPES } from '../load/hooks.ts';
import { publishOverHttp } from '../load/publishers.ts';
import { type Backend, query, type StartBackend } from './backend.ts';

export const startStandaloneBackend: StartBackend = async (_t, { postgres }): Promise<Backend> => {
  const env = {
    DATABASE_URL: postgres.url,
    HOOKWRIGHT_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
  };
  let credentials: RootCredentials | undefined;
  return {
    members: ['web,scheduler,listeners', 'web,listeners', 'web,scheduler'].map((parts) => ({ parts, env })),
    credentials: () => {
      if (!credentials) throw new Error('nobody has credentials before the first start');
      return credentials;
    },
    publish: publishOverHttp,
    knowsMessageIds: false,
    prepare: async ({ all }, api) => {
      credentials = await readJson<RootCredentials>(join(all[0]?.dataFolder ?? '', 'root-credentials.json'));
      const path = `/api/auth/v1/roles/${encodeURIComponent(ROLE)}`;
      const role = await api.insist({ method: 'PUT', path, body: { scopes: ROLE_SCOPES, description: '' } });
      if (role.status !== 200) throw new Error(`making the role was answered ${role.status} ${role.text}`);
    },
    tasks: async () => {
      const sql = 'select task_id, definition::text as definition from tasks';
      const rows = await query<{ task_id: string; definition: string }>(postgres.connection, sql).catch(() => []); // it may be down
      return rows.map(({ task_id, definition }) => ({
        taskId: task_id,
        definition: JSON.parse(definition),
        scopes: undefined,
      }));
    },
    faults: [],
    isQuiet: async () => {
      const [row] = await query<{ count: number }>(
        postgres.connection,
        'select (select count(*) from outbox)::int + (select count(*) from broker_deliveries)::int as count',
      );
      return row?.count === 0;
    },
    tells: false,
    violations: () => [],
  };
};
