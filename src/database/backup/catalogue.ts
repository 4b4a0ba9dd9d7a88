// What there is to back up, asked of the database itself: a table that a migration adds comes along
// without a word here. `ours` are the names that the migrations have made; a database may hold
// tables of other programs, which are none of our business.
import type pg from 'pg';
import { quoted } from './session.ts';

export type BackupTable = {
  readonly name: string;
  /** In their order. Without those that the database computes. */
  readonly columns: readonly string[];
  /** Of which table it is a partition, and which one: `FOR VALUES FROM (…) TO (…)`. */
  readonly partition?: { readonly of: string; readonly bounds: string };
};

export type BackupSequence = {
  readonly name: string;
  /** A bigint, as text. */
  readonly lastValue: string;
  readonly isCalled: boolean;
};

/** What the migrations themselves write: a restore runs them. */
const MIGRATIONS = 'migrations';

const OUR_SCHEMA = `c.relnamespace = (select relnamespace from pg_class where oid = to_regclass('${MIGRATIONS}'))`;

type TableRow = {
  readonly name: string;
  readonly kind: string;
  readonly parent: string | null;
  readonly bounds: string | null;
  readonly columns: string[];
};

// Left out: unlogged tables, which do not survive a crash of the database either; partitions on
// their way out, which retention is dropping; and the table of migrations.
const listTablesText = `
  select c.relname::text as name, c.relkind::text as kind, p.relname::text as parent,
    pg_get_expr(c.relpartbound, c.oid) as bounds,
    array(select a.attname::text from pg_attribute a
          where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' order by a.attnum) as columns
  from pg_class c
  left join pg_inherits i on i.inhrelid = c.oid
  left join pg_class p on p.oid = i.inhparent
  where ${OUR_SCHEMA} and coalesce(p.relname, c.relname) = any($1) and c.relkind in ('r', 'p') and c.relpersistence = 'p'
    and not coalesce(i.inhdetachpending, false)
  order by c.relname`;

const listReferencesText = `
  select c.relname::text as name, r.relname::text as needs
  from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_class r on r.oid = k.confrelid
  where k.contype = 'f' and ${OUR_SCHEMA}`;

// Those that were made as such, and those that belong to a column. Without those of tables that are
// left out.
const listSequencesText = `
  select c.relname::text as name
  from pg_class c
  left join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = c.oid and d.refclassid = 'pg_class'::regclass
    and d.deptype in ('a', 'i')
  left join pg_class t on t.oid = d.refobjid
  where ${OUR_SCHEMA} and c.relkind = 'S' and coalesce(t.relname, c.relname) = any($1) and coalesce(t.relpersistence, 'p') = 'p'
  order by c.relname`;

/** Every table that holds rows, those first that others refer to. */
export const listTables = async (client: pg.Client, ours: readonly string[]): Promise<readonly BackupTable[]> => {
  const { rows } = await client.query<TableRow>(listTablesText, [ours]);
  const { rows: references } = await client.query<{ name: string; needs: string }>(listReferencesText);
  const holders = rows.filter(({ kind }) => kind === 'r');
  const below = rows.find(({ kind, parent }) => kind === 'p' && parent !== null);
  if (below) throw new Error(`the partition ${below.name} has partitions itself, which a backup cannot have yet`);
  const parents = new Map(holders.map(({ name, parent }) => [name, parent ?? name]));
  const tables = holders.map(
    ({ name, parent, bounds, columns }): BackupTable => ({
      name,
      columns,
      ...(parent !== null && { partition: { of: parent, bounds: bounds ?? '' } }),
    }),
  );
  return inOrderOfNeed(tables, (name) =>
    references
      .filter((reference) => reference.name === name || reference.name === parents.get(name))
      .flatMap(({ needs }) =>
        holders.filter((one) => one.name === needs || one.parent === needs).map((one) => one.name),
      ),
  );
};

/**
 * As given, but what another one needs comes before it. In a circle somebody comes first all the
 * same.
 */
const inOrderOfNeed = (
  tables: readonly BackupTable[],
  needsOf: (name: string) => readonly string[],
): readonly BackupTable[] => {
  const byName = new Map(tables.map((table) => [table.name, table]));
  const ordered = new Set<BackupTable>();
  const seen = new Set<string>();
  const visit = (name: string) => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const needed of needsOf(name)) visit(needed);
    const table = byName.get(name);
    if (table) ordered.add(table);
  };
  for (const { name } of tables) visit(name);
  return [...ordered];
};

/** All tables, also those that hold no rows themselves, for a lock. */
export const listRelations = async (client: pg.Client, ours: readonly string[]): Promise<readonly string[]> =>
  (
    await client.query<{ name: string }>(
      `select c.relname::text as name
       from pg_class c left join pg_inherits i on i.inhrelid = c.oid left join pg_class p on p.oid = i.inhparent
       where ${OUR_SCHEMA} and coalesce(p.relname, c.relname) = any($1) and c.relkind in ('r', 'p') order by c.relname`,
      [ours],
    )
  ).rows.map(({ name }) => name);

/**
 * Read after the rows are: sequences stand outside of transactions, and whatever number a row that
 * can be seen has was given out before.
 */
export const listSequences = async (client: pg.Client, ours: readonly string[]): Promise<readonly BackupSequence[]> => {
  const names = await listSequenceNames(client, ours);
  const sequences: BackupSequence[] = [];
  for (const name of names) {
    const { rows: values } = await client.query<{ value: string; called: boolean }>(
      `select last_value::text as value, is_called as called from ${quoted(name)}`,
    );
    const [found] = values;
    if (found) sequences.push({ name, lastValue: found.value, isCalled: found.called });
  }
  return sequences;
};

export const listSequenceNames = async (client: pg.Client, ours: readonly string[]): Promise<readonly string[]> =>
  (await client.query<{ name: string }>(listSequencesText, [ours])).rows.map(({ name }) => name);

/** null: there is no Hookwright in this database. */
export const listApplied = async (client: pg.Client): Promise<readonly string[] | null> => {
  const { rows } = await client.query<{ present: boolean }>(
    `select to_regclass('${MIGRATIONS}') is not null as present`,
  );
  if (rows[0]?.present !== true) return null;
  const { rows: applied } = await client.query<{ name: string }>(`select name from ${MIGRATIONS} order by id`);
  return applied.length === 0 ? null : applied.map(({ name }) => name);
};
