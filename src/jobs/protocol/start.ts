/**
 * start(g): generation 1 is rejected as a duplicate once any run of the job exists; later generations only while one is open.
 * The row is the outbox: whoever finds it queued may call this, however often, and gives the run the same: what a retry carries over is
 * read from the rows, and only as long as it is true of the draft.
 */
import { AppError, reasonOf } from "../../errors.ts";
import type { Db } from "../../db.ts";
import type { StartOptions } from "../../temporal.ts";
import { findStarts, type JobStart } from "../job-store.ts";
import { findStepRecords } from "../step-results-store.ts";
import type { ProtocolDeps } from "./attempt.ts";
import { carriedSteps } from "./retry-plan.ts";

/** Starts the workflow for the row's generation `generation`; `already_started` is as good as started. */
export async function startJob(
  deps: Pick<ProtocolDeps, "database" | "executions">,
  jobId: string,
  generation: number,
): Promise<"started" | "already_started"> {
  const db = deps.database.em.fork();
  const [found] = await findStarts(db, [jobId]);
  if (!found) throw new AppError("job_not_found", { job: jobId });
  return deps.executions.start(await optionsOf(db, { ...found, generation }));
}

/** What runs of these jobs are started with, as they are now; for a workflow that starts them itself. */
export async function startsOf(db: Db, jobIds: readonly string[]): Promise<StartOptions[]> {
  const options: StartOptions[] = [];
  for (const found of await findStarts(db, jobIds)) options.push(await optionsOf(db, found));
  return options;
}

async function optionsOf(db: Db, found: JobStart): Promise<StartOptions> {
  const { job_type, workflow_id, version_id, steps, title, priority, lacks_tiles, ...input } = found;
  // The first generation has nothing behind it.
  const records = input.generation > 1 ? await findStepRecords(db, { id: input.job_id, version_id }) : null;
  const carried = records && carriedSteps({ job_type, steps }, records);
  const more = { ...(carried ? { carried } : {}), ...(lacks_tiles ? { makes_tiles: true as const } : {}) };
  return { ...{ job_type, workflow_id, title, priority }, input: { ...input, ...more } };
}

/** An answer waits this long for Temporal, so that links to the workflow work at once; the start goes on without it. */
const START_WAIT_MS = 1_000;

/** Starts what was just queued; never fails, for the reconciler starts what this could not. */
export async function startSoon(
  deps: Pick<ProtocolDeps, "database" | "executions" | "log">,
  jobId: string,
  generation: number,
): Promise<void> {
  const started = startJob(deps, jobId, generation).then(
    () => undefined,
    (error: unknown) =>
      deps.log.warn(
        { job_id: jobId, generation, reason: reasonOf(error) },
        "the job is queued and starts when Temporal can be reached",
      ),
  );
  const { promise: waited, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, START_WAIT_MS);
  await Promise.race([started, waited]);
  clearTimeout(timer);
}
