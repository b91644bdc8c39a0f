/** Config and layers of a version. */
import { query, queryOne, type Db } from "../db.ts";
import type { Label } from "./overlay-store.ts";

/** Free JSON; docs/project-folder.md names the keys that viewers know. */
export type MapConfig = Record<string, unknown>;

export interface Layer {
  /** Unique in a version. */
  ref: string;
  label: Label;
  style: Record<string, unknown> | null;
  /** Is it shown at first? */
  visible: boolean;
}

/** The version's config, or null if none was put. */
export async function findConfig(db: Db, version_id: string): Promise<MapConfig | null> {
  const row = await queryOne<{ body: MapConfig }>(db, `select body from configs where version_id = $1`, [version_id]);
  return row?.body ?? null;
}

/** In their order. */
export async function listLayers(db: Db, version_id: string): Promise<Layer[]> {
  return query<Layer>(db, `select ref, label, style, visible from layers where version_id = $1 order by sort_order`, [
    version_id,
  ]);
}

/** False if it was the same already. Call inside `editDraft`. */
export async function replaceConfig(
  tx: Db,
  owner: { version_id: string; tenant_id: string },
  body: MapConfig,
): Promise<boolean> {
  const row = await queryOne(
    tx,
    `
    insert into configs (version_id, tenant_id, body) values ($1, $2, $3::jsonb)
    on conflict (version_id) do update set body = excluded.body, updated_at = now()
      where configs.body is distinct from excluded.body
    returning version_id
    `,
    [owner.version_id, owner.tenant_id, JSON.stringify(body)],
  );
  return row !== null;
}

/** Call inside `editDraft`. */
export async function replaceLayers(
  tx: Db,
  owner: { version_id: string; tenant_id: string },
  layers: readonly Layer[],
): Promise<void> {
  await query(tx, `delete from layers where version_id = $1`, [owner.version_id]);
  await query(
    tx,
    `
    insert into layers (id, version_id, tenant_id, sort_order, ref, label, style, visible)
    select gen_random_uuid(), $1, $2, row.ordinality::int, l.ref, l.label, nullif(l.style, 'null'::jsonb), l.visible
    from jsonb_array_elements($3::jsonb) with ordinality as row(body, ordinality),
      jsonb_to_record(row.body) as l(ref text, label jsonb, style jsonb, visible boolean)
    `,
    [owner.version_id, owner.tenant_id, JSON.stringify(layers)],
  );
}
