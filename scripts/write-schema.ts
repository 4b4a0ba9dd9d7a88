// Writes src/database/schema.sql from a database that all migrations were run in:  npm run schema
import { writeFileSync } from 'node:fs';
import pg from 'pg';
import { silentLog } from '../src/core/log.ts';
import { migrate } from '../src/database/migrate.ts';
import {
  administer,
  connectionTo,
  dropDatabase,
  newDatabaseName,
  startTestServer,
} from '../test/support/test-server.ts';
import { readSchema } from './generating/schema-text.ts';

await using server = await startTestServer(process.env.DATABASE_URL);
const name = newDatabaseName('schema');
await administer(server.connection, `create database ${name} template template0 encoding 'UTF8'`);
const connection = connectionTo(server.connection, name);
await migrate(connection, silentLog);
const client = new pg.Client(connection);
await client.connect();
writeFileSync(new URL('../src/database/schema.sql', import.meta.url), await readSchema(client));
await client.end();
await dropDatabase(server.connection, name);
