/**
 * What an attempt of a job makes: kept under an id of the attempt's own, so that one that wakes up late, when another has made it too, puts
 * its bytes where nobody looks; and recorded only while the job is the attempt's.
 */
import type { Readable } from "node:stream";
import { replaceEarlier } from "../src/artifacts/artifact-store.ts";
import { artifactIdOf, keepArtifact, type NewArtifact } from "../src/artifacts/keep-artifact.ts";
import { limitLockWait } from "../src/projects/merge-overlays-store.ts";
import { demandMine } from "../src/jobs/protocol/ledger-writes.ts";
import type { Grip } from "../src/jobs/protocol/attempt.ts";
import type { ActivityDeps } from "./activity-deps.ts";
import type { StepTools } from "./beating.ts";

/** Less than PostgreSQL takes to tell a deadlock, which it could not: the caller may hold a draft on another connection. */
const LOCK_WAIT_MS = 800;

type Made = Pick<NewArtifact, "tenant" | "kind" | "name" | "media_type" | "expires_at">;

/** The same whenever the same attempt makes it again. `what`: one of the several things that an attempt can make. */
export const madeIdOf = ({ job_id, run_id, attempt_at }: Grip, what: string): string =>
  artifactIdOf(job_id, `${what} ${run_id} ${attempt_at}`);

/**
 * In the place of what earlier attempts have made of the same kind and name: maintenance removes the bytes. Errors: superseded, and those
 * of `keepArtifact`.
 */
export async function keepMade(
  { database, stores }: Pick<ActivityDeps, "database" | "stores">,
  { row, grip, signal }: Pick<StepTools, "row" | "grip" | "signal">,
  { what, ...made }: Made & { what: string },
  body: Readable | Uint8Array,
): Promise<{ id: string; size: number; sha256: string }> {
  const { id: job_id, tenant_id, project_id, created_by } = row;
  const record: NewArtifact = { ...made, id: madeIdOf(grip, what), tenant_id, job_id, project_id, created_by };
  const deps = { db: database.em.fork(), store: stores.private };
  return keepArtifact(deps, record, body, signal, async (tx) => {
    await replaceEarlier(tx, { ...record, job_id });
    await limitLockWait(tx, LOCK_WAIT_MS);
    await demandMine(tx, grip);
  });
}
