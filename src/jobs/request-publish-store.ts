/** What the request for a publish looks up first. */
import { queryOne, type Db } from "../db.ts";

/** The version that is live in an environment now, or null. */
export async function findLiveVersion(
  db: Db,
  key: { project_id: string; environment: string },
): Promise<string | null> {
  const row = await queryOne<{ version_id: string }>(
    db,
    `
    select r.version_id
    from environments e
    join environment_releases l using (project_id, environment, epoch)
    join releases r on r.id = l.release_id
    where e.project_id = $1 and e.environment = $2
    `,
    [key.project_id, key.environment],
  );
  return row?.version_id ?? null;
}
