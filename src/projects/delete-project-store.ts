/** All rows that belong to a project, across the tables of drafts, jobs and uploads. */
import { query, queryOne, type Db } from "../db.ts";

/**
 * Locks the project with its jobs and versions until the transaction ends, in the order in which publishes and edits lock them; null
 * if there is no such project. Afterwards nothing that refers to it can be written.
 */
export async function lockWholeProject(
  tx: Db,
  ref: { tenant_id: string; project: string },
): Promise<{ id: string; tenant: string } | null> {
  const params = [ref.tenant_id, ref.project];
  const found = `select id from projects where tenant_id = $1 and slug = $2`;
  await query(tx, `select 1 from jobs where project_id = (${found}) order by id for update`, params);
  const row = await queryOne<{ id: string; tenant: string }>(
    tx,
    `
    select p.id, t.slug as tenant from projects p join tenants t on t.id = p.tenant_id
    where p.tenant_id = $1 and p.slug = $2 for update of p
    `,
    params,
  );
  if (row) await query(tx, `select 1 from versions where project_id = $1 order by id for update`, [row.id]);
  return row;
}

/** The oldest job of the project that has not ended, or null. */
export async function findOpenJob(tx: Db, projectId: string): Promise<{ id: string; environment: string } | null> {
  return queryOne<{ id: string; environment: string }>(
    tx,
    `select id, environment from jobs where project_id = $1 and status in ('queued', 'running') order by id limit 1`,
    [projectId],
  );
}

export async function countReleases(tx: Db, projectId: string): Promise<number> {
  const sql = `select count(*)::int as count from releases where project_id = $1`;
  return (await queryOne<{ count: number }>(tx, sql, [projectId]))?.count ?? 0;
}

/** Ids of what people brought and jobs made for the project. */
export async function listArtifacts(tx: Db, projectId: string): Promise<string[]> {
  const rows = await query<{ id: string }>(tx, `select id from artifacts where project_id = $1`, [projectId]);
  return rows.map(({ id }) => id);
}

/** Of a project without releases and without open jobs; references are checked when all of it is gone. */
export async function deleteRows(tx: Db, projectId: string): Promise<void> {
  await query(
    tx,
    `
    with version as (
      delete from versions where project_id = $1 returning id
    ), job as (
      delete from jobs where project_id = $1 returning id
    ), draft as (
      delete from configs where version_id in (select id from version)
    ), layer as (
      delete from layers where version_id in (select id from version)
    ), overlay as (
      delete from overlays where version_id in (select id from version)
    ), tile_set as (
      delete from tile_sets where version_id in (select id from version)
    ), tile as (
      delete from tiles where version_id in (select id from version)
    ), picture as (
      delete from source_pictures where version_id in (select id from version)
    ), artifact as (
      delete from artifacts where project_id = $1 or job_id in (select id from job)
    ), permit as (
      delete from job_permits where job_id in (select id from job)
    ), member as (
      delete from group_members where group_id in (select id from job)
    ), reservation as (
      delete from release_reservations where version_id in (select id from version)
    ), event as (
      delete from job_events where job_id in (select id from job)
    ), step_result as (
      delete from job_step_results where job_id in (select id from job)
    ), key as (
      delete from idempotency_keys where job_id in (select id from job)
    ), claim as (
      delete from object_claims where project_id = $1
    ), verified as (
      delete from verified_tile_sets where project_id = $1
    )
    delete from projects where id = $1
    `,
    [projectId],
  );
}
