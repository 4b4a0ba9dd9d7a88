// What a restore refuses, it refuses before anything has changed.
import assert from 'node:assert/strict';
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import type { BackupTable } from '../../src/database/backup/catalogue.ts';
import { createFrameWriter, type Frame, readFrames } from '../../src/database/backup/frames.ts';
import type { BackupHeader } from '../../src/database/backup/header.ts';
import { openDatabase } from '../../src/database/connection.ts';
import { migrate } from '../../src/database/migrate.ts';
import { freshConnection } from '../support/database.ts';
import { administer, type ServerConnection } from '../support/test-server.ts';
import { ask, backUp, contentOf, emptyConnection, inPieces, restoreInto } from './world.ts';

const MIGRATIONS = fileURLToPath(new URL('../../src/database/migrations', import.meta.url));

const oneRole = (name: string): string =>
  `insert into roles values ('${name}', '{}', '', '2026-11-01 00:00+00', '2026-11-01 00:00+00')`;

/** All that a refused restore could have left, the tables included. */
const everythingIn = async (connection: ServerConnection) => ({
  content: await contentOf(connection),
  objects: await ask(
    connection,
    `select relname, relfilenode from pg_class where relnamespace = 'public'::regnamespace order by 1`,
  ),
});

const framesOf = async (file: Buffer): Promise<Frame[]> => {
  const frames: Frame[] = [];
  for await (const frame of readFrames(inPieces(file), 'the file')) frames.push(frame);
  return frames;
};

/** With checksums that are right. */
const writtenAgain = (frames: readonly Frame[]): Buffer => {
  const writer = createFrameWriter();
  const bytes = [writer.begin()];
  for (const { kind, content } of frames) {
    bytes.push(kind === 'E' ? writer.end(JSON.parse(content.toString()) as object) : writer.frame(kind, content));
  }
  return Buffer.concat(bytes);
};

describe('a restore refuses', () => {
  it('a file that is damaged, also where the damage shows only at its end', async (t) => {
    const source = await freshConnection(t);
    await administer(source, oneRole('from the backup'));
    const file = await backUp(source);
    const target = await emptyConnection(t);
    const before = await everythingIn(target);
    const wrongEnd = Buffer.from(file);
    wrongEnd[file.length - 20] = 65;
    for (const damaged of [
      file.subarray(0, -1),
      file.subarray(0, file.length / 2),
      wrongEnd,
      Buffer.concat([file, Buffer.from('x')]),
    ]) {
      await assert.rejects(restoreInto(target, damaged), { code: 'HW_BACKUP_DAMAGED' });
      assert.deepEqual(await everythingIn(target), before);
    }
  });

  it('a file that contradicts itself, with all checksums right', async (t) => {
    const source = await freshConnection(t);
    await administer(source, oneRole('from the backup'));
    const target = await emptyConnection(t);
    await administer(target, 'create table of_others (n integer)', 'insert into of_others values (1)');
    const before = await everythingIn(target);
    const whole = await framesOf(await backUp(source));
    const [header, ...rest] = whole as [Frame, ...Frame[]];
    const lastTable = rest.findLastIndex(({ kind }) => kind === 'T');
    const json = (kind: 'H' | 'T' | 'D' | 'E', value: unknown) => ({
      kind,
      content: Buffer.from(JSON.stringify(value)),
    });
    const parsed = JSON.parse(header.content.toString()) as BackupHeader;
    const withTable = (table: BackupTable) => json('H', { ...parsed, tables: [...parsed.tables, table] });
    const bounds = `FOR VALUES FROM ('2026-01-01') TO ('2026-02-01'); drop table roles`;
    const forgeries: Record<string, readonly Frame[]> = {
      'another number of rows': [...whole.slice(0, -1), json('E', { rows: { roles: 2 } })],
      'a table that is missing': whole.toSpliced(1 + lastTable, 1),
      'a table that is there twice': whole.toSpliced(1, 0, rest[0] as Frame),
      'rows of no table': whole.toSpliced(1, 0, json('D', 1)),
      'a table that no migration made': [withTable({ name: 'of_others', columns: ['n'] }), ...rest],
      'bounds that are more than bounds': [
        withTable({ name: 'ledger_2026_01', columns: [], partition: { of: 'ledger', bounds } }),
        ...rest,
      ],
      'a sequence that no migration made': [
        json('H', { ...parsed, sequences: [{ name: 'x', lastValue: '1', isCalled: true }] }),
        ...rest,
      ],
      'another beginning': rest,
    };
    for (const [name, frames] of Object.entries(forgeries)) {
      await assert.rejects(restoreInto(target, writtenAgain(frames)), { code: 'HW_BACKUP_DAMAGED' }, name);
      assert.deepEqual(await everythingIn(target), before, name);
    }
    await restoreInto(target, writtenAgain(whole));
  });

  it('a database that holds data, and says what', async (t) => {
    const source = await freshConnection(t);
    const target = await freshConnection(t);
    await administer(target, oneRole('mine'));
    const before = await everythingIn(target);
    await assert.rejects(restoreInto(target, await backUp(source)), {
      code: 'HW_RESTORE_NOT_EMPTY',
      message: /in the target already \(roles 1\).*--replace/,
    });
    assert.deepEqual(await everythingIn(target), before);
  });

  it('a database that a server uses, also with the order to replace', async (t) => {
    const file = await backUp(await freshConnection(t));
    const target = await freshConnection(t);
    await using database = openDatabase({
      ...{ connection: target, address: '', poolSize: 2 },
      clock: systemClock,
      log: silentLog,
    });
    await using _listening = await database.listen('anything', { onNotification: () => {} });
    await assert.rejects(restoreInto(target, file, { replace: true }), {
      code: 'HW_DATABASE_IN_USE',
      message: /in use by a process on /,
    });
  });

  it('a database whose tables somebody holds', async (t) => {
    const file = await backUp(await freshConnection(t));
    const target = await freshConnection(t);
    const holder = new pg.Client(target);
    await holder.connect();
    try {
      await holder.query('begin');
      await holder.query('select * from roles');
      await assert.rejects(restoreInto(target, file, { replace: true }), { code: 'HW_DATABASE_IN_USE' });
    } finally {
      await holder.end();
    }
  });

  it('a backup of a newer version, and a database of one', async (t) => {
    const newer = await mkdtemp(join(tmpdir(), 'hookwright-migrations-'));
    t.after(() => rm(newer, { recursive: true }));
    for (const name of await readdir(MIGRATIONS)) await cp(join(MIGRATIONS, name), join(newer, name));
    await writeFile(
      join(newer, '0999_later.sql'),
      '-- Up Migration\ncreate table later (n integer);\n-- Down Migration\ndrop table later;',
    );
    const source = await emptyConnection(t);
    await migrate(source, silentLog, newer);
    await assert.rejects(backUp(source), { code: 'HW_SCHEMA_TOO_NEW' });
    const file = await backUp(source, { migrations: newer });
    const target = await freshConnection(t);
    await assert.rejects(restoreInto(target, file), {
      code: 'HW_BACKUP_TOO_NEW',
      message: /"0999_later" of Hookwright 0\.0\.0-test/,
    });
    const before = await everythingIn(source);
    await assert.rejects(restoreInto(source, await backUp(target), { replace: true }), { code: 'HW_SCHEMA_TOO_NEW' });
    assert.deepEqual(await everythingIn(source), before);
  });

  it('what fails at the very end, and the database is as it was, its sequences included', async (t) => {
    const source = await freshConnection(t);
    await administer(source, oneRole('from the backup'), `select setval('ledger_seq', 5000)`);
    const target = await freshConnection(t);
    await administer(target, oneRole('mine'), `select setval('ledger_seq', 77)`);
    const before = await everythingIn(target);
    const beforeCommit = () => Promise.reject(new Error('the disk is full'));
    await assert.rejects(restoreInto(target, await backUp(source), { replace: true, beforeCommit }), {
      code: 'HW_RESTORE_FAILED',
      message: /undone: the disk is full/,
    });
    assert.deepEqual(await everythingIn(target), before);
  });

  it('a database where another program has tables of the same names', async (t) => {
    const file = await backUp(await freshConnection(t));
    const target = await emptyConnection(t);
    await administer(target, 'create table hooks (captain text)', `insert into hooks values ('James')`);
    await assert.rejects(restoreInto(target, file, { replace: true }), {
      code: 'HW_MIGRATION_FAILED',
      message: /already exists/,
    });
    assert.deepEqual(await ask(target, 'select * from hooks'), [{ captain: 'James' }]);
  });
});

describe('a server that starts while a backup is restored', () => {
  it('waits, and then finds what was restored', async (t) => {
    const source = await freshConnection(t);
    await administer(source, oneRole('restored'));
    const target = await emptyConnection(t);
    let starting: Promise<unknown> = Promise.resolve();
    let isReady = false;
    await restoreInto(target, await backUp(source), {
      beforeCommit: async () => {
        starting = migrate(target, silentLog).then(() => {
          isReady = true;
        });
        // As soon as it waits for somebody, it can be nobody but us.
        for (;;) {
          const [row] = await ask<{ waits: boolean }>(
            target,
            `select count(*) > 0 as waits from pg_locks where locktype = 'advisory' and not granted
               and database = (select oid from pg_database where datname = current_database())`,
          );
          if (row?.waits) break;
        }
        assert.equal(isReady, false);
      },
    });
    await starting;
    assert.deepEqual(await ask(target, 'select role_id from roles'), [{ role_id: 'restored' }]);
  });
});

describe('a backup refuses', () => {
  it('a database that has nothing of Hookwright', async (t) => {
    await assert.rejects(backUp(await emptyConnection(t)), { code: 'HW_NOTHING_TO_BACK_UP' });
  });
});
