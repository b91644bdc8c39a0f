/** The schema as text, in one canonical spelling: PostgreSQL's own words for everything, tables and constraints sorted. */
import { query, type Db } from "../../src/db.ts";

interface Table {
  name: string;
  /** Storage parameters, e.g. `fillfactor=50`; empty for none. */
  options: string;
  columns: string[];
  constraints: string[];
  indexes: string[];
}

/** Tables, then whatever else the schema `public` holds. The migrator's own table is left out. */
export async function dumpSchema(db: Db): Promise<string> {
  const tables = await query<Table>(
    db,
    `select c.relname as name, array_to_string(c.reloptions, ', ') as options,
       array(
         select concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
           case when a.attcollation <> t.typcollation then 'collate ' || quote_ident(l.collname) end,
           case when a.attnotnull then 'not null' end,
           case when d.oid is not null then 'default ' || pg_get_expr(d.adbin, d.adrelid) end)
         from pg_attribute a
         join pg_type t on t.oid = a.atttypid
         left join pg_collation l on l.oid = a.attcollation
         left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         order by a.attnum
       ) as columns,
       array(
         select 'constraint ' || quote_ident(conname) || ' ' || pg_get_constraintdef(oid)
         from pg_constraint
         where conrelid = c.oid and contype <> 'n'
         order by array_position('{p,u,c,f}', contype), conname
       ) as constraints,
       array(
         select pg_get_indexdef(i.indexrelid)
         from pg_index i
         where i.indrelid = c.oid and not exists (select from pg_constraint where conindid = i.indexrelid and conrelid = c.oid)
         order by 1
       ) as indexes
     from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname <> 'migrations'
     order by c.relname`,
  );
  return [...tables.map(asStatement), ...(await otherObjects(db))].join("\n\n") + "\n";
}

function asStatement({ name, options, columns, constraints, indexes }: Table): string {
  const body = [...columns, ...constraints].map((line) => `  ${line}`).join(",\n");
  return [
    `create table ${name} (\n${body}\n)${options ? ` with (${options})` : ""};`,
    ...indexes.map((index) => `${index};`),
  ].join("\n");
}

/** Functions and triggers in full; of views, sequences and types there are none so far: one line each is enough to notice them. */
async function otherObjects(db: Db): Promise<string[]> {
  const found = await query<{ line: string }>(
    db,
    `select coalesce(definition || ';', '-- ' || kind || ' ' || name) as line from (
       select case relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' else 'relation' end as kind,
         relname::text as name, null as definition
       from pg_class
       where relnamespace = 'public'::regnamespace and relkind not in ('r', 'p', 'i', 'I', 'c') and relname <> 'migrations_id_seq'
       union all
       select 'function', oid::regprocedure::text, trim(pg_get_functiondef(oid), E'\\n') from pg_proc where pronamespace = 'public'::regnamespace
       union all
       select 'trigger', tgname || ' on ' || tgrelid::regclass, pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
       union all
       select 'type', typname, null from pg_type where typnamespace = 'public'::regnamespace and typtype in ('d', 'e')
     ) objects
     order by kind, name`,
  );
  return found.map(({ line }) => line);
}
