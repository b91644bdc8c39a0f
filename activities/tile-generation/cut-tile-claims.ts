/** What cutting does before it looks into the store: it claims the tiles that are there already, so that no clean-up takes them. */
import { randomUUID } from "node:crypto";
import { transaction } from "../../src/db.ts";
import { AppError } from "../../src/errors.ts";
import type { JobRow } from "../../src/jobs/job-store.ts";
import { claimPrefixes } from "../../src/releases/release-store.ts";
import { beginRemoval, lockPlaces, unmarkUnder } from "../../src/storage/orphan-store.ts";
import { removeObjects } from "../../src/storage/remove-objects.ts";
import type { ActivityDeps } from "../activity-deps.ts";

/** What is being removed just then is waited for, and removed here if its holder has died. Error: objects_being_removed. */
export async function holdCutTiles(
  { database, stores }: ActivityDeps,
  { row, prefix, signal }: { row: JobRow; prefix: string; signal: AbortSignal },
): Promise<void> {
  const { tenant_id, project_id, id: job_id } = row;
  if (!project_id) return;
  const store = "private";
  const removing = await transaction(database, async (tx) => {
    await lockPlaces(tx, [{ store, prefix }]);
    await claimPrefixes(tx, { tenant_id, project_id, job_id, prefixes: [prefix] });
    return unmarkUnder(tx, { store, prefix });
  });
  for (const key of removing) {
    const place = { store, prefix: key, holder: `${job_id}/${randomUUID()}` } as const;
    const rules = { inUse: async () => true, done: async () => undefined };
    const removal = await beginRemoval(database, { ...place, graceHours: 0 }, rules);
    const gone = removal && (await removeObjects({ database, store: stores.private }, { ...place, removal }, signal));
    if (gone === null) throw new AppError("objects_being_removed", { prefix: key });
  }
}
