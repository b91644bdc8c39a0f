/**
 * Deletes a project that was never published: its rows in one transaction, and its objects before that commits, so that a slug is
 * free only when nothing is left of it. What dies in the middle leaves the rows, and drafts that may lack objects: delete it again.
 */
import { pingDatabase, transaction, type Database, type Db } from "../db.ts";
import { AppError } from "../errors.ts";
import { inParallel } from "../storage/in-parallel.ts";
import { artifactKey } from "../storage/keys.ts";
import type { ObjectStore, Stores } from "../storage/object-store.ts";
import { findProject, type Project } from "./project-store.ts";
import * as rows from "./delete-project-store.ts";

const BATCH = 500;
const DELETES_AT_A_TIME = 16;

/** Errors: `project_not_found`, `publish_running`, `project_published`, `store_unavailable`. */
export async function deleteProject(
  deps: { database: Database; stores: Stores },
  ref: { tenant_id: string; project: string },
): Promise<void> {
  const { project } = ref;
  // Refused without a lock, if it is: a delete that waits for a job's row would keep others waiting.
  const db = deps.database.em.fork();
  await refuseInUse(db, await findProject(db, ref));
  await transaction(deps.database, async (tx) => {
    const found = await rows.lockWholeProject(tx, ref);
    if (!found) throw new AppError("project_not_found", { project });
    await refuseInUse(tx, { id: found.id, slug: project });
    const artifacts = await rows.listArtifacts(tx, found.id);
    await rows.deleteRows(tx, found.id);
    // A transaction that stands still is ended after some seconds: a statement now and then keeps this one.
    const alive = () => pingDatabase(tx);
    await deleteObjects(deps.stores.private, `${found.tenant}/${project}/`, alive);
    await inParallel(artifacts, { atATime: DELETES_AT_A_TIME }, (id) =>
      deps.stores.private.delete(artifactKey(found.tenant, id)),
    );
    // What publishes that failed have uploaded: reachable from nowhere.
    await deleteObjects(deps.stores.public, `${project}/`, alive);
  });
}

async function refuseInUse(db: Db, { id, slug: project }: Pick<Project, "id" | "slug">): Promise<void> {
  const job = await rows.findOpenJob(db, id);
  if (job) {
    const facts = { job: job.id, project, environment: job.environment, link: `/jobs/${job.id}` };
    throw new AppError("publish_running", facts);
  }
  const count = await rows.countReleases(db, id);
  if (count > 0) throw new AppError("project_published", { project, count });
}

async function deleteObjects(store: ObjectStore, prefix: string, alive: () => Promise<unknown>): Promise<void> {
  let keys: string[] = [];
  const flush = async (): Promise<void> => {
    await inParallel(keys, { atATime: DELETES_AT_A_TIME }, (key) => store.delete(key));
    await alive();
    keys = [];
  };
  for await (const { key } of store.list(prefix)) {
    keys.push(key);
    if (keys.length === BATCH) await flush();
  }
  await flush();
}
