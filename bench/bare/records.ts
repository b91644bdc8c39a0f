/**
 * The rows that a publish writes, by plain statements on a plain pool: each step is written when it begins and when it ends, as a
 * publish does, each in a transaction of its own. No lock, no check, no event, no claim, no guard.
 */
import type { Pool } from "pg";
import { PUBLISH_STEPS } from "../../contract/publish.ts";
import { pendingSteps } from "../../contract/progress.ts";
import type { SmallDraft } from "../support/small-drafts.ts";

export interface BareJob {
  job_id: string;
  draft: SmallDraft;
}

export interface BareRelease {
  id: string;
  published_at: string;
  overlay_count: number;
  tile_count: number;
}

export interface BareContent {
  content_key: string;
  manifest_key: string;
  digest: string;
  bytes: number;
  tile_set_digest: string;
}

/** What the gateway's POST leaves behind. */
export async function insertBareJob(pool: Pool, { job_id, draft }: BareJob): Promise<void> {
  await pool.query(
    `insert into jobs (id, tenant_id, job_type, message, steps, payload, project_id, version_id, environment, created_by, workflow_id)
     values ($1, $2, 'publish', $3, $4::jsonb, $5::jsonb, $6, $7, 'dev', $8, $9)`,
    [
      ...[job_id, draft.tenant_id, `Publish of ${draft.project} version 1 to dev is queued`],
      ...[JSON.stringify(pendingSteps(PUBLISH_STEPS)), JSON.stringify({ project: draft.project, version: 1 })],
      ...[draft.project_id, draft.version_id, draft.principal_id, `publish-${job_id}`],
    ],
  );
}

export async function writeStep(
  pool: Pool,
  job: BareJob,
  step: { name: string; percent: number; message: string },
): Promise<void> {
  await pool.query(
    `update jobs set status = 'running', step = $2, steps = $3::jsonb, progress = $4, message = $5,
       started_at = coalesce(started_at, now()), last_activity_at = now(), updated_at = now() where id = $1`,
    [job.job_id, step.name, JSON.stringify(pendingSteps(PUBLISH_STEPS)), step.percent, step.message],
  );
}

export async function reserve(pool: Pool, { draft }: BareJob, release: BareRelease): Promise<void> {
  await pool.query(
    `insert into release_reservations (tenant_id, version_id, revision, release_id, published_at) values ($1, $2, 1, $3, $4)`,
    [draft.tenant_id, draft.version_id, release.id, release.published_at],
  );
}

export async function writeDigest(pool: Pool, release: BareRelease, digest: string): Promise<void> {
  await pool.query(`update release_reservations set digest = $2 where release_id = $1`, [release.id, digest]);
}

/** Everything of the draft that goes into the release's objects. */
export async function readDraft(
  pool: Pool,
  { draft }: BareJob,
): Promise<{ config: unknown; overlays: unknown[]; tiles: { key: string; size: number; sha256: string }[] }> {
  const by = [draft.version_id];
  const config = await pool.query<{ body: unknown }>(`select body from configs where version_id = $1`, by);
  const overlays = await pool.query<Record<string, unknown>>(
    `select ref, type, label, geometry, properties from overlays where version_id = $1 order by sort_order`,
    by,
  );
  return { config: config.rows[0]?.body, overlays: overlays.rows, tiles: await readTiles(pool, { draft }) };
}

export async function readTiles(
  pool: Pool,
  { draft }: Pick<BareJob, "draft">,
): Promise<{ key: string; size: number; sha256: string }[]> {
  const tiles = await pool.query<{ key: string; size: number; sha256: string }>(
    `select key, size, sha256 from tiles where version_id = $1 order by key`,
    [draft.version_id],
  );
  return tiles.rows;
}

/** Release, version, environment and its ledger, and the job: they belong together, so they are one transaction here as well. */
export async function switchBare(
  pool: Pool,
  { job_id, draft }: BareJob,
  release: BareRelease,
  content: BareContent,
  nonce: string,
): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    await client.query(
      `insert into releases (id, tenant_id, project_id, version_id, revision, digest, tile_set_digest, bytes, overlay_count,
         tile_count, published_at, created_by) values ($1, $2, $3, $4, 1, $5, $6, $7, $8, $9, $10, $11)`,
      [
        ...[release.id, draft.tenant_id, draft.project_id, draft.version_id, content.digest, content.tile_set_digest],
        ...[content.bytes, release.overlay_count, release.tile_count, release.published_at, draft.principal_id],
      ],
    );
    await client.query(`update versions set status = 'published', published_at = $2 where id = $1`, [
      ...[draft.version_id, release.published_at],
    ]);
    await client.query(
      `insert into environments (tenant_id, project_id, environment, epoch) values ($1, $2, 'dev', 1)`,
      [draft.tenant_id, draft.project_id],
    );
    await client.query(
      `insert into environment_releases (project_id, environment, epoch, tenant_id, release_id, job_id, nonce)
       values ($1, 'dev', 1, $2, $3, $4, $5)`,
      [draft.project_id, draft.tenant_id, release.id, job_id, nonce],
    );
    await client.query(`update jobs set switched_at = now(), epoch = 1, release_id = $2 where id = $1`, [
      ...[job_id, release.id],
    ]);
    await client.query("commit");
  } finally {
    client.release();
  }
}

export async function completeBare(pool: Pool, job: BareJob, result: Record<string, unknown>): Promise<void> {
  await pool.query(
    `update jobs set status = 'completed', progress = 100, result = $2::jsonb, message = $3, completed_at = now(),
       updated_at = now() where id = $1`,
    [job.job_id, JSON.stringify(result), `Published ${String(result["release_id"])} to dev`],
  );
}
