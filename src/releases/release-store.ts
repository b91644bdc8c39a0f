/** Releases, their reservations, and what is live where. */
import { query, queryOne, iso, type Db } from "../db.ts";

export interface Reservation {
  release_id: string;
  /** ISO 8601, millisecond precision. */
  published_at: string;
}

/**
 * The release of (version, revision): whoever asks first fixes id and time, everyone after gets the same. A version that is
 * published keeps the release it has.
 */
export async function reserveRelease(
  tx: Db,
  options: { tenant_id: string; version_id: string; revision: number; candidate: Reservation },
): Promise<Reservation> {
  const reserved = await queryOne(
    tx,
    `
    insert into release_reservations (tenant_id, version_id, revision, release_id, published_at)
    values ($1, $2, $3, $4, $5)
    on conflict (version_id, revision) do nothing
    returning release_id
    `,
    [
      options.tenant_id,
      options.version_id,
      options.revision,
      options.candidate.release_id,
      options.candidate.published_at,
    ],
  );
  if (reserved) return options.candidate;
  const row = await queryOne<Reservation>(
    tx,
    `select release_id, published_at from release_reservations where version_id = $1 and revision = $2`,
    [options.version_id, options.revision],
  );
  if (!row) throw new Error("a reservation vanished");
  return { release_id: row.release_id, published_at: iso(row.published_at) };
}

/** Fixes the digest of a reserved release, and answers the one that it has: the first that was asked for. */
export async function fixDigest(db: Db, releaseId: string, digest: string): Promise<string> {
  const row = await queryOne<{ digest: string }>(
    db,
    `update release_reservations set digest = coalesce(digest, $2) where release_id = $1 returning digest`,
    [releaseId, digest],
  );
  if (!row) throw new Error(`release ${releaseId} is not reserved`);
  return row.digest;
}

export interface ReleaseRow {
  id: string;
  tenant_id: string;
  project_id: string;
  version_id: string;
  revision: number;
  digest: string;
  tile_set_digest: string;
  bytes: number;
  overlay_count: number;
  tile_count: number;
  published_at: string;
}

const RELEASE_COLUMNS = `
  id, tenant_id, project_id, version_id, revision, digest, tile_set_digest, bytes, overlay_count, tile_count, published_at`;

/** The release of a version, or null while it has none. */
export async function findReleaseOfVersion(db: Db, versionId: string): Promise<ReleaseRow | null> {
  const row = await queryOne<ReleaseRow>(db, `select ${RELEASE_COLUMNS} from releases where version_id = $1`, [
    versionId,
  ]);
  return row && { ...row, published_at: iso(row.published_at) };
}

export async function findRelease(db: Db, releaseId: string): Promise<ReleaseRow | null> {
  const row = await queryOne<ReleaseRow>(db, `select ${RELEASE_COLUMNS} from releases where id = $1`, [releaseId]);
  return row && { ...row, published_at: iso(row.published_at) };
}

/** Inserts the version's release, or answers the one it has. */
export async function insertRelease(tx: Db, row: ReleaseRow & { created_by: string | null }): Promise<ReleaseRow> {
  const inserted = await queryOne(
    tx,
    `
    insert into releases (${RELEASE_COLUMNS}, created_by)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    on conflict (version_id) do nothing
    returning id
    `,
    [
      row.id,
      row.tenant_id,
      row.project_id,
      row.version_id,
      row.revision,
      row.digest,
      row.tile_set_digest,
      row.bytes,
      row.overlay_count,
      row.tile_count,
      row.published_at,
      row.created_by,
    ],
  );
  const found = inserted ? row : await findReleaseOfVersion(tx, row.version_id);
  if (!found) throw new Error("a release vanished");
  return found;
}

/** Locks the version's row: edits wait until the transaction ends. `no key`: a publish that is requested refers to the row meanwhile. */
export async function lockVersion(
  tx: Db,
  versionId: string,
): Promise<{ revision: number; status: "draft" | "published" }> {
  const row = await queryOne<{ revision: number; status: "draft" | "published" }>(
    tx,
    `select revision, status from versions where id = $1 for no key update`,
    [versionId],
  );
  if (!row) throw new Error(`no version ${versionId}`);
  return row;
}

export async function markVersionPublished(tx: Db, versionId: string, publishedAt: string): Promise<void> {
  await query(
    tx,
    `update versions set status = 'published', published_at = $2, updated_at = now() where id = $1 and status = 'draft'`,
    [versionId, publishedAt],
  );
}

/** Allocates the environment's next epoch. Only the switch may call it, under the job row's lock and after its checks. */
export async function nextEpoch(
  tx: Db,
  key: { tenant_id: string; project_id: string; environment: string },
): Promise<number> {
  const row = await queryOne<{ epoch: number }>(
    tx,
    `
    insert into environments (tenant_id, project_id, environment, epoch)
    values ($1, $2, $3, 1)
    on conflict (project_id, environment) do update set epoch = environments.epoch + 1
    returning epoch
    `,
    [key.tenant_id, key.project_id, key.environment],
  );
  if (!row) throw new Error("no epoch was allocated");
  return row.epoch;
}

export interface LiveRow {
  project_id: string;
  environment: string;
  epoch: number;
  tenant_id: string;
  release_id: string;
  job_id: string;
  /** Tells two writers of equal bytes apart: ETags are content hashes, so A → B → A would match twice. */
  nonce: string;
}

/** Appends to the ledger of what was live where. Fails when the job has switched before: once per job for life. */
export async function insertLive(tx: Db, row: LiveRow): Promise<void> {
  await query(
    tx,
    `
    insert into environment_releases (project_id, environment, epoch, tenant_id, release_id, job_id, nonce)
    values ($1, $2, $3, $4, $5, $6, $7)
    `,
    [row.project_id, row.environment, row.epoch, row.tenant_id, row.release_id, row.job_id, row.nonce],
  );
}

/** What epoch `epoch` of an environment made live, with what the pointer's header says of it. */
export async function findLive(
  db: Db,
  key: { project_id: string; environment: string; epoch: number },
): Promise<(LiveRow & { project: string; version: number; digest: string; published_at: string }) | null> {
  const row = await queryOne<LiveRow & { project: string; version: number; digest: string; published_at: string }>(
    db,
    `
    select e.project_id, e.environment, e.epoch, e.tenant_id, e.release_id, e.job_id, e.nonce, p.slug as project,
      v.number as version, r.digest, r.published_at
    from environment_releases e
    join releases r on r.id = e.release_id
    join projects p on p.id = e.project_id
    join versions v on v.id = r.version_id
    where e.project_id = $1 and e.environment = $2 and e.epoch = $3
    `,
    [key.project_id, key.environment, key.epoch],
  );
  return row && { ...row, published_at: iso(row.published_at) };
}

/** Every environment that has ever switched, with its present epoch. */
export async function listEnvironments(
  db: Db,
): Promise<{ project_id: string; project: string; environment: string; epoch: number }[]> {
  return query(
    db,
    `
    select e.project_id, p.slug as project, e.environment, e.epoch
    from environments e join projects p on p.id = e.project_id
    order by e.project_id, e.environment
    `,
  );
}

/** Keeps a clean-up away from prefixes of the public store that this job is about to rely on. Call under `lockPlaces`. Answers how many are new. */
export async function claimPrefixes(
  tx: Db,
  options: { tenant_id: string; project_id: string; job_id: string; prefixes: string[] },
): Promise<number> {
  const claimed = await query(
    tx,
    `
    insert into object_claims (tenant_id, project_id, job_id, prefix)
    select $1, $2, $3, prefix from unnest($4::text[]) as prefix
    on conflict do nothing
    returning prefix
    `,
    [options.tenant_id, options.project_id, options.job_id, options.prefixes],
  );
  return claimed.length;
}
