/** What a publish does before it looks into the public store: it claims what it will rely on, so that no clean-up takes it. */
import { randomUUID } from "node:crypto";
import { transaction } from "../../src/db.ts";
import { AppError } from "../../src/errors.ts";
import type { JobRow } from "../../src/jobs/job-store.ts";
import { publishTarget } from "../../src/jobs/protocol/attempt.ts";
import { claimPrefixes } from "../../src/releases/release-store.ts";
import * as keys from "../../src/storage/keys.ts";
import { beginRemoval, lockPlaces, unmark } from "../../src/storage/orphan-store.ts";
import { removeObjects } from "../../src/storage/remove-objects.ts";
import type { ActivityDeps } from "../activity-deps.ts";
import type { AfterGenerate } from "./step-input.ts";

/**
 * Claims the tile set and the release. Answers whether the job had claimed them before: then nobody can have removed anything since. What is
 * being removed just then is waited for, and removed here if its holder has died. Error: objects_being_removed.
 */
export async function holdPublicObjects(
  deps: ActivityDeps,
  { target, validated, generated }: AfterGenerate,
  row: JobRow,
  signal: AbortSignal,
): Promise<{ held: boolean }> {
  const { project_id } = publishTarget(row);
  const prefixes = [
    keys.publicTilesPrefix(target.project, generated.tile_set_digest),
    keys.releaseKey(target.project, validated.release_id),
  ];
  const store = "public";
  const { claimed, removing } = await transaction(deps.database, async (tx) => {
    await lockPlaces(
      tx,
      prefixes.map((prefix) => ({ store, prefix })),
    );
    const claims = await claimPrefixes(tx, { tenant_id: row.tenant_id, project_id, job_id: row.id, prefixes });
    return { claimed: claims, removing: await unmark(tx, { store, prefixes }) };
  });
  for (const prefix of removing) {
    const place = { store, prefix, holder: `${row.id}/${randomUUID()}` } as const;
    const removal = await beginRemoval(
      deps.database,
      { ...place, graceHours: 0 },
      { inUse: async () => true, done: async () => undefined },
    );
    const from = { database: deps.database, store: deps.stores.public };
    const gone = removal && (await removeObjects(from, { ...place, removal }, signal));
    if (gone === null) throw new AppError("objects_being_removed", { prefix });
  }
  return { held: claimed === 0 };
}
