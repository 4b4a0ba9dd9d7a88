// The floor: what a durable trigger costs at least. A bare Fastify that verifies one Hawk signature
// with the product's own code (the package hawk takes several times as long, which would flatter
// us), and writes the bytes that a trigger leaves behind: the task, the row of the ledger, the kept
// payload. Those who wait together share one statement, as in the product, on a PostgreSQL with the
// same settings.
//
// It has no hooks, roles, scopes, schemas, templates, indexes, messages or encryption. A process of
// its own, started by load-process.ts.
import { once } from 'node:events';
import { fastify } from 'fastify';
import pg from 'pg';
import { compileRoles } from '../../src/auth/roles/role-expansion.ts';
import { createAuthenticator, type KnownClient } from '../../src/auth/signatures/authenticator.ts';
import { createReplays } from '../../src/auth/signatures/replays.ts';
import { systemClock, toIso } from '../../src/core/clock.ts';
import { newSlugId, newUuid } from '../../src/core/ids.ts';
import { silentLog } from '../../src/core/log.ts';
import { createBatch } from '../../src/database/batch.ts';
import { openDatabase } from '../../src/database/connection.ts';
import { startEmbeddedPostgres } from '../../src/database/embedded/embedded-postgres.ts';
import { statement } from '../../src/database/statement.ts';

/** The first message to this process. */
export type FloorSetup = {
  /** An empty folder, for PostgreSQL. */
  readonly data: string;
  readonly credentials: { readonly clientId: string; readonly accessToken: string };
  /** A task of the hook that is measured, as the queue has it: every other one is as large. */
  readonly taskId: string;
  readonly task: object;
};

/** The columns of the product's tables, and the one index that makes a task unique. */
const TABLES = `
  create table tasks (task_id text primary key, task_queue_id text, task_group_id text, scheduler_id text, priority smallint,
    retries_left int, created timestamptz, deadline timestamptz, expires timestamptz, due timestamptz, definition json, runs json,
    pending_order bigint);
  create table payloads (at timestamptz, hook_uid uuid, cause text, kept bytea);
  create table ledger (seq bigint generated always as identity, at timestamptz, kind text, outcome text, hook_uid uuid,
    hook_group_id text, hook_id text, hook_revision bigint, cause text, fired_by text, task_id text, arrived timestamptz,
    attempts int, client_id text, request_id text, payload_hash bytea, error json, detail json)`;

const write = statement(
  'floor.write',
  `with came as (
     select * from unnest($1::text[], $2::timestamptz[], $3::text[]) with ordinality as came(task_id, at, request_id, place)
   ), made as (
     insert into tasks select task_id, 'proj-bench/linux-medium', task_id, 'hooks-bench', 4, 2, $8::timestamptz, $8, $8, $8, definition, $7::json, place
     from rows from (unnest($1::text[]), json_array_elements($4::json)) with ordinality as made(task_id, definition, place)
   ), kept as (
     insert into payloads
     select at, $9::uuid, task_id, substring($5::bytea from ((place - 1) * $6::int + 1)::int for $6::int) from came
   )
   insert into ledger (at, kind, outcome, hook_uid, hook_group_id, hook_id, hook_revision, cause, fired_by, task_id, arrived,
     attempts, client_id, request_id)
   select at, 'fire', 'created', $9::uuid, 'bench', 'decision', 1, task_id, 'triggerHook', task_id, at, 1, $10::text, request_id
   from came`,
);

/** As the product keeps payloads: sealed, behind what is known of the event. */
const SEAL_BYTES = 30;

type Trigger = { readonly taskId: string; readonly at: number; readonly body: Buffer };

const serve = async ({ data, credentials, taskId: known, task }: FloorSetup): Promise<string> => {
  const clock = systemClock;
  const log = silentLog;
  const { connection } = await startEmbeddedPostgres({ dataFolder: data, log, clock });
  const setup = new pg.Client(connection);
  await setup.connect();
  await setup.query(TABLES);
  await setup.end();
  const database = openDatabase({ connection, address: 'the floor', poolSize: 10, clock, log });

  const pieces = JSON.stringify(task).split(known);
  const runs = (now: string) =>
    JSON.stringify([{ runId: 0, state: 'pending', reasonCreated: 'scheduled', scheduled: now }]);
  const headOf = ({ taskId, at }: Trigger) =>
    JSON.stringify({
      context: { firedBy: 'triggerHook', taskId, now: toIso(at), clientId: credentials.clientId },
      bytes: 200,
    });
  const keep = (trigger: Trigger) =>
    Buffer.concat([Buffer.alloc(SEAL_BYTES), Buffer.from(headOf(trigger)), trigger.body]);
  const hookUid = newUuid();

  const store = createBatch<Trigger, void>({
    maxItems: 200,
    concurrency: 2,
    run: async (triggers) => {
      const now = toIso(clock.now());
      const kept = triggers.map(keep); // all of one length, as the requests of the bench are
      await database.query(write, [
        triggers.map(({ taskId }) => taskId),
        triggers.map(({ at }) => toIso(at)),
        triggers.map(() => newUuid()),
        `[${triggers.map(({ taskId }) => pieces.join(taskId)).join(',')}]`,
        Buffer.concat(kept),
        kept[0]?.length ?? 0,
        ...[runs(now), now, hookUid, credentials.clientId],
      ]);
      return triggers.map(() => undefined);
    },
  });

  const client: KnownClient = {
    ...credentials,
    ...{ scopes: ['*'], expires: Number.POSITIVE_INFINITY, disabled: false, lastDateUsed: clock.now() },
  };
  const roles = compileRoles([]);
  const { authenticate } = createAuthenticator({
    clock,
    rootUrl: undefined,
    findClient: (clientId) => (clientId === client.clientId ? client : undefined),
    roles: () => roles,
    replays: createReplays(clock),
  });

  const server = fastify();
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  server.post('/api/hooks/v1/hooks/:hookGroupId/:hookId/trigger', async ({ raw, headers, body }) => {
    const { host, authorization, 'content-type': contentType } = headers;
    const bytes = body as Buffer;
    await authenticate({ method: 'POST', url: raw.url ?? '', host, authorization, contentType, body: bytes });
    JSON.parse(bytes.toString());
    const taskId = newSlugId();
    await store({ taskId, at: clock.now(), body: bytes });
    return { taskId, status: { taskId } };
  });
  return server.listen({ host: '127.0.0.1', port: 0 });
};

process.once('disconnect', () => process.exit());
const [setup] = (await once(process, 'message')) as [FloorSetup];
process.send?.({ url: await serve(setup) });
