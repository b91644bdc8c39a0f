/** What a job that has ended leaves goes to the next in line, and its run is told: within milliseconds, when nothing goes wrong. */
import { definitionOf } from "../../../contract/job-types.ts";
import { isThrottled, permitsByQueue } from "../../../contract/permits.ts";
import { transaction } from "../../db.ts";
import { reasonOf } from "../../errors.ts";
import { inTime } from "../../in-time.ts";
import { inParallel } from "../../storage/in-parallel.ts";
import type { JobRow } from "../job-store.ts";
import type { ProtocolDeps } from "../protocol/attempt.ts";
import { grantFree, lockLine, noteWoken, tenantOf, type Granted, type Line } from "./permit-store.ts";

type Deps = Pick<ProtocolDeps, "database" | "executions" | "notifier" | "log">;

/** A run that cannot be told so soon is told by the sweep, or looks itself. */
const TELL_MS = 1_000;
const AT_A_TIME = 10;

/**
 * By whoever has written the final state of the job, after it. Never fails: the state is written, and what is left undone here the
 * reconciler does (`sweep-permits.ts`).
 */
export async function passPermitOn(deps: Deps, { id, job_type }: Pick<JobRow, "id" | "job_type">): Promise<void> {
  if (!isThrottled(job_type)) return;
  const queue = definitionOf(job_type).task_queue;
  const permits = permitsByQueue().get(queue) ?? 0;
  try {
    const tenant_id = await tenantOf(deps.database.em.fork(), id);
    if (tenant_id !== null) await grantIn(deps, { tenant_id, queue }, permits);
  } catch (error) {
    const what = "a permit was not passed on; the reconciler's next round does it";
    deps.log.warn({ job_id: id, reason: reasonOf(error) }, what);
  }
}

/** For a job that has ended before it began: a run that sleeps in line for it is woken, and finds that out. Who is behind it may be next. */
export async function leaveLine(deps: Deps, job: Pick<JobRow, "id" | "job_type" | "workflow_id">): Promise<void> {
  if (!isThrottled(job.job_type)) return;
  await tellGranted(deps, [{ job_id: job.id, workflow_id: job.workflow_id }]);
  await passPermitOn(deps, job);
}

/** Grants what is free in the line, and tells those who got it. Answers how many. */
export async function grantIn(deps: Deps, line: Line, permits: number): Promise<number> {
  const granted = await transaction(deps.database, async (tx) => {
    await lockLine(tx, line);
    return grantFree(tx, line, permits);
  });
  await tellGranted(deps, granted);
  return granted.length;
}

/** Tells their runs. Never fails: who could not be told is told by the sweep. */
export async function tellGranted(deps: Deps, granted: readonly Granted[]): Promise<void> {
  if (granted.length === 0) return;
  const told: string[] = [];
  await inParallel([...granted], { atATime: AT_A_TIME }, async ({ job_id, workflow_id }) => {
    try {
      await inTime(deps.executions.wake(workflow_id), TELL_MS);
      told.push(job_id);
    } catch (error) {
      deps.log.warn({ job_id, reason: reasonOf(error) }, "a job could not be told that it has its permit");
    }
  });
  try {
    await noteWoken(deps.database.em.fork(), told);
  } catch (error) {
    deps.log.warn({ reason: reasonOf(error) }, "that jobs know of their permits could not be noted");
  }
}
