// Fills every table that there is with random rows, guided by the catalogue alone: types, checks,
// keys.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import pg from 'pg';
import { quoted } from '../../src/database/backup/session.ts';
import type { ServerConnection } from '../support/test-server.ts';
import { ask, tablesOf } from './world.ts';

type Column = { readonly name: string; readonly type: string; readonly isNullable: boolean; readonly values: string[] };

/**
 * What texts may go wrong with: escapes of COPY, its marks of null and end, quotes, letters of
 * several bytes. NUL does not exist there.
 */
const text = fc.oneof(
  fc.constantFrom(
    '',
    '\\N',
    '\\.',
    '\\',
    '\t',
    '\n',
    '\r\n',
    '"',
    "'",
    ',',
    '{}',
    'null',
    '🪝',
    'é\u0301',
    '\u2028',
    '\ufeff',
  ),
  fc.string({ unit: 'binary', maxLength: 12 }).map((letters) => letters.replaceAll('\0', '')),
);

/** As json keeps it: its order, its spaces, its \u0000. */
const json = fc.oneof(
  fc.json({ maxDepth: 2 }),
  fc.constantFrom('{"a":"\\u0000"}', '{ "b" : 1, "a" : 2, "b" : 3 }', '"\\ud800"', '1E400', '"\\\\n\\t"'),
  text.map((letters) => JSON.stringify({ [letters]: letters })),
);

const moment = fc
  .tuple(fc.constantFrom('2026-11-03', '2026-10-31', '2024-02-29'), fc.integer({ min: 0, max: 86_399_999_999 }))
  .map(([day, us]) => {
    const at = (part: number, width: number) => String(Math.floor(part)).padStart(width, '0');
    return `${day} ${at(us / 3.6e9, 2)}:${at((us / 6e7) % 60, 2)}:${at((us / 1e6) % 60, 2)}.${at(us % 1e6, 6)}+00`;
  });

/** Ids have 39 digits; a numeric may have more, and places after the point. */
const numeric = fc.oneof(
  fc.bigInt({ min: -(2n ** 140n), max: 2n ** 140n }).map(String),
  fc.constantFrom('0', '0.10', '-1e-20', 'NaN'),
);

const BY_TYPE: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  text,
  json,
  'text[]': fc.array(fc.option(text), { maxLength: 3 }),
  bytea: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  bigint: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  integer: fc.integer(),
  smallint: fc.integer({ min: -32_768, max: 32_767 }),
  numeric,
  'numeric[]': fc.array(fc.option(numeric), { maxLength: 3 }),
  'double precision': fc.double(),
  boolean: fc.boolean(),
  uuid: fc.uuid(),
  'timestamp with time zone': moment,
  xid8: fc.bigInt({ min: 3n, max: 2n ** 64n - 1n }).map(String),
};

/** A check `column in (…)`, as PostgreSQL writes it. */
const ENUMERATION = `(?:\\(|^)\\(?"?%"? = ANY \\(ARRAY\\[([^\\]]*)\\]`;

const columnsOf = async (connection: ServerConnection, table: string): Promise<Column[]> => {
  const rows = await ask<Omit<Column, 'values'>>(
    connection,
    `select attname as name, format_type(atttypid, null) as type, not attnotnull as "isNullable"
     from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = '' order by attnum`,
    [quoted(table)],
  );
  const checks = await ask<{ text: string }>(
    connection,
    `select pg_get_constraintdef(oid) as text from pg_constraint where conrelid = $1::regclass and contype = 'c'`,
    [quoted(table)],
  );
  return rows.map((column) => ({
    ...column,
    values: checks.flatMap(({ text: check }) => {
      const [, list = ''] = new RegExp(ENUMERATION.replace('%', column.name)).exec(check) ?? [];
      return [...list.matchAll(/'([^']*)'::/g)].map(([, value = '']) => value);
    }),
  }));
};

const arbitraryOf = ({ type, isNullable, values }: Column, table: string): fc.Arbitrary<unknown> => {
  const some = values.length > 0 ? fc.constantFrom(...values) : BY_TYPE[type];
  assert.ok(some, `a column of ${table} is ${type}: tell test/backup/fill.ts what that can hold`);
  return isNullable ? fc.option(some) : some;
};

/**
 * Violations of checks, of keys and of references, and JSON that an index cannot read: another
 * try.
 */
const TRY_AGAIN = ['23514', '23505', '23503', '22P02', '22P05'];
const TRIES = 60;

/** `count` rows in each table, where as many different ones are possible. */
export const fillAllTables = async (connection: ServerConnection, { seed, count }: { seed: number; count: number }) => {
  const client = new pg.Client(connection);
  await client.connect();
  try {
    for (const { name } of await tablesOf(connection)) {
      const columns = await columnsOf(connection, name);
      const row = fc.tuple(...columns.map((column) => arbitraryOf(column, name)));
      const insert = `insert into ${quoted(name)} (${columns.map((column) => quoted(column.name)).join(', ')})
        overriding system value values (${columns.map((_column, at) => `$${at + 1}`).join(', ')})`;
      let filled = 0;
      for (const values of fc.sample(row, { seed, numRuns: count * TRIES })) {
        if (filled === count) break;
        try {
          await client.query(insert, values);
          filled += 1;
        } catch (error) {
          if (!TRY_AGAIN.includes((error as { code: string }).code)) throw error;
        }
      }
      assert.ok(filled > 0, `no row was found that the checks of ${name} let in`);
    }
  } finally {
    await client.end();
  }
};
