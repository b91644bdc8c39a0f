/** Records of artifacts. */
import { iso, query, queryOne, type Db } from "../db.ts";

export interface Artifact {
  id: string;
  tenant_id: string;
  /** Slug of the tenant. */
  tenant: string;
  /** `upload`: brought by somebody; `result`, `errors`: made by the job. */
  kind: "upload" | "result" | "errors";
  job_id: string | null;
  project_id: string | null;
  /** File name as people see it, in any script. */
  name: string;
  media_type: string;
  /** Bytes. */
  size: number;
  /** Lower-case hex. */
  sha256: string;
  created_by: string | null;
  /** ISO 8601. */
  created_at: string;
  /** ISO 8601; null for as long as what refers to it. */
  expires_at: string | null;
}

type NewArtifact = Omit<Artifact, "tenant" | "created_at">;

const COLUMNS = `
  a.id, a.tenant_id, t.slug as tenant, a.kind, a.job_id, a.project_id, a.name, a.media_type, a.size::float8 as size, a.sha256,
  a.created_by, a.created_at, a.expires_at`;

const withTimes = (row: Artifact): Artifact => ({
  ...row,
  created_at: iso(row.created_at),
  expires_at: iso(row.expires_at),
});

/** In the place of the record with the same id: a job that works again makes the same artifact again. */
export async function putArtifact(db: Db, artifact: NewArtifact): Promise<void> {
  await query(
    db,
    `
    insert into artifacts (id, tenant_id, kind, job_id, project_id, name, media_type, size, sha256, created_by, expires_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    on conflict (id) do update set name = excluded.name, media_type = excluded.media_type, size = excluded.size,
      sha256 = excluded.sha256, created_at = now(), expires_at = excluded.expires_at
    `,
    [
      artifact.id,
      artifact.tenant_id,
      artifact.kind,
      artifact.job_id,
      artifact.project_id,
      artifact.name,
      artifact.media_type,
      artifact.size,
      artifact.sha256,
      artifact.created_by,
      artifact.expires_at,
    ],
  );
}

/** Records of what earlier attempts of the same job have made of the same kind and name; but what a draft's tiles are cut from stays. */
export async function replaceEarlier(
  tx: Db,
  by: Pick<Artifact, "id" | "kind" | "name"> & { job_id: string },
): Promise<void> {
  await query(
    tx,
    `
    delete from artifacts a where job_id = $1 and kind = $2 and name = $3 and id <> $4
      and not exists (select 1 from source_pictures s where s.artifact_id = a.id)
    `,
    [by.job_id, by.kind, by.name, by.id],
  );
}

/**
 * SQL: a schedule of artifact `a`'s tenant names it, and keeps it for as long as it lives: its next run may come long after an upload's days
 * are over. Told by the text, whatever the type's payload looks like: no other value looks like the id. Asked only of what has expired.
 */
export const HELD_BY_SCHEDULE = `
  exists (select 1 from schedules held where held.tenant_id = a.tenant_id and held.deleted_at is null
    and strpos(lower(held.payload::text), a.id::text) > 0)`;

const STAYS = `(a.expires_at is null or a.expires_at > now() or ${HELD_BY_SCHEDULE})`;

/** Null for an unknown one, another tenant's, and one that has expired. */
export async function findArtifact(db: Db, key: { tenant_id: string; id: string }): Promise<Artifact | null> {
  const row = await queryOne<Artifact>(
    db,
    `
    select ${COLUMNS} from artifacts a join tenants t on t.id = a.tenant_id
    where a.id = $1 and a.tenant_id = $2 and ${STAYS}
    `,
    [key.id, key.tenant_id],
  );
  return row && withTimes(row);
}

/** A job uses it: it stays for `days` from now on at least, if it has not gone yet. */
export async function keepInUse(
  db: Db,
  key: { tenant_id: string; id: string; days: number },
): Promise<Artifact | null> {
  const found = await findArtifact(db, key);
  if (!found?.expires_at) return found;
  const [row] = await query<{ expires_at: string }>(
    db,
    `
    update artifacts a set expires_at = greatest(expires_at, now() + make_interval(days => $3::int))
    where id = $1 and tenant_id = $2 and ${STAYS}
    returning expires_at
    `,
    [key.id, key.tenant_id, key.days],
  );
  return row ? { ...found, expires_at: iso(row.expires_at) } : null;
}

/**
 * A job that may take so many seconds names them: they stay for as long, those that have not gone yet. Answers which those are. Locked in
 * order of their ids, as by every other who names several.
 */
export async function keepNamed(
  tx: Db,
  key: { tenant_id: string; ids: readonly string[]; seconds: number },
): Promise<Set<string>> {
  const rows = await query<{ id: string }>(
    tx,
    `
    with named as (
      select a.id from artifacts a
      where a.tenant_id = $1 and a.id = any($2::uuid[]) and ${STAYS}
      order by a.id for no key update
    ), longer as (
      update artifacts a set expires_at = now() + make_interval(secs => $3)
      where a.id in (select id from named) and a.expires_at < now() + make_interval(secs => $3)
    )
    select id from named
    `,
    [key.tenant_id, key.ids, key.seconds],
  );
  return new Set(rows.map(({ id }) => id));
}

/** Of any tenant, for who holds a signed link to it. Null for an unknown one and one that has expired. */
export async function findAnyArtifact(db: Db, id: string): Promise<Artifact | null> {
  const row = await queryOne<Artifact>(
    db,
    `
    select ${COLUMNS} from artifacts a join tenants t on t.id = a.tenant_id
    where a.id = $1 and ${STAYS}
    `,
    [id],
  );
  return row && withTimes(row);
}
