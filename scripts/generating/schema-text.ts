// The schema of a database as text, asked of the catalogue: what a migration changes is then a
// diff. Like pg_dump's, but short, and the same on all versions of PostgreSQL.
import type pg from 'pg';

const HEADER = `-- The schema after all migrations, for reading and reviewing. Written by: npm run schema
-- Nothing runs this file; the schema is made by src/database/migrations.
`;

// One row a statement. `ours` leaves out what a constraint or a column makes by itself. PostgreSQL
// 18 has constraints for "not null" too, which the columns say already.
const STATEMENTS = `
  with ours as (
    select c.oid, c.relname, c.relkind, c.reloptions, c.relpersistence from pg_class c
    where c.relnamespace = 'public'::regnamespace and not c.relispartition),
  columns as (
    select a.attrelid as oid, string_agg(concat_ws(' ', '  ' || quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
      case when a.attcollation not in (0, t.typcollation) then 'collate ' || quote_ident(o.collname) end,
      case when a.attnotnull then 'not null' end,
      case when a.attgenerated = 's' then 'generated always as (' || pg_get_expr(d.adbin, d.adrelid) || ') stored'
           when a.attidentity <> '' then 'generated ' || case a.attidentity when 'a' then 'always' else 'by default' end || ' as identity'
           when d.adbin is not null then 'default ' || pg_get_expr(d.adbin, d.adrelid) end), E',\\n' order by a.attnum) as text
    from pg_attribute a join pg_type t on t.oid = a.atttypid left join pg_collation o on o.oid = a.attcollation
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attnum > 0 and not a.attisdropped group by a.attrelid),
  constraints as (
    select conrelid as oid, string_agg('  constraint ' || quote_ident(conname) || ' ' || pg_get_constraintdef(oid), E',\\n'
      order by contype <> 'p', conname collate "C") as text
    from pg_constraint where contype <> 'n' group by conrelid)
  select relname::text as name, 1 as rank, relname::text as about,
    'create ' || case relpersistence when 'u' then 'unlogged ' else '' end || 'table ' || quote_ident(relname) || E' (\\n'
      || concat_ws(E',\\n', columns.text, constraints.text) || E'\\n)'
      || coalesce(' partition by ' || pg_get_partkeydef(oid), '') || coalesce(' with (' || array_to_string(reloptions, ', ') || ')', '') as text
  from ours left join columns using (oid) left join constraints using (oid) where relkind in ('r', 'p')
  union all
  select t.relname, 2, i.relname, pg_get_indexdef(i.oid)
  from pg_index x join ours t on t.oid = x.indrelid join pg_class i on i.oid = x.indexrelid
  where not exists (select from pg_constraint k where k.conindid = x.indexrelid)
  union all
  select t.relname, 3, g.tgname, pg_get_triggerdef(g.oid) from pg_trigger g join ours t on t.oid = g.tgrelid where not g.tgisinternal
  union all
  select s.relname, 0, s.relname, 'create sequence ' || quote_ident(s.relname) || ' as ' || format_type(q.seqtypid, null)
    || ' start ' || q.seqstart || ' increment ' || q.seqincrement || ' cache ' || q.seqcache || case when q.seqcycle then ' cycle' else '' end
  from ours s join pg_sequence q on q.seqrelid = s.oid
  where not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = s.oid and d.deptype in ('a', 'i'))
  union all
  select p.proname, 4, pg_get_function_identity_arguments(p.oid), trim(E'\\n' from pg_get_functiondef(p.oid))
  from pg_proc p where p.pronamespace = 'public'::regnamespace and p.prokind in ('f', 'p')
  union all
  select v.relname, 5, v.relname, 'create view ' || quote_ident(v.relname) || E' as\\n' || trim(trailing ';' from pg_get_viewdef(v.oid))
  from ours v where relkind in ('v', 'm')`;

export const readSchema = async (client: pg.Client): Promise<string> => {
  const { rows } = await client.query<{ text: string }>(
    `select text from (${STATEMENTS}) as s order by name collate "C", rank, about collate "C"`,
  );
  return [HEADER, ...rows.map(({ text }) => `${text};\n`)].join('\n');
};
