/**
 * Not a step: how a publish ends that does not end by itself. Runs non-cancellably and is retried without limit. The row says
 * whether the switch happened: if it did, the publish is completed, whatever was pressed.
 */
import type { FinalStatus } from "../../contract/job-state.ts";
import type { JobContext, Problem, PublishInput, PublishResult } from "../../contract/publish.ts";
import { AppError } from "../../src/errors.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import { finishJob } from "../../src/jobs/protocol/finish.ts";
import { projectPointer } from "../../src/jobs/protocol/project.ts";
import { settleJob } from "../../src/jobs/protocol/settle.ts";
import { publishResult } from "../../src/releases/release-document.ts";
import { findLive, findRelease } from "../../src/releases/release-store.ts";
import { attemptOf, guarded, type ActivityDeps } from "../steps.ts";

export interface SettleInput {
  job: JobContext;
  target: Pick<PublishInput, "project" | "environment">;
  ending: { status: Extract<FinalStatus, "failed" | "cancelled">; code: string; message: string; errors?: Problem[] };
}

export interface SettleOutcome {
  /** `superseded`: the row is another run's, nothing was written. */
  status: FinalStatus | "superseded";
  result?: PublishResult;
}

export async function settle(deps: ActivityDeps, input: SettleInput): Promise<SettleOutcome> {
  return guarded(async (context) => {
    context.heartbeat({ step: "settle", message: `Settling as ${input.ending.status}: ${input.ending.code}` });
    const entered = await enterStep(deps, attemptOf(context, input.job), { step: null, message: "Settling" });
    if (entered.kind === "end")
      return { status: entered.status === "queued" || entered.status === "running" ? "superseded" : entered.status };
    if (entered.kind !== "entered") throw new AppError("superseded", { job: input.job.job_id });
    const { grip } = entered;
    const settled = await settleJob(deps, grip, input.ending);
    if (settled.kind === "ended") return { status: settled.status as FinalStatus };

    const { project_id, environment, epoch } = settled.row;
    const db = deps.database.em.fork();
    const live = epoch === null ? null : await findLive(db, { project_id, environment, epoch });
    const release = live && (await findRelease(db, live.release_id));
    if (!live || !release)
      throw new AppError("internal", {
        reason: "a job has switched but its release is not in the records",
        request_id: grip.job_id,
      });
    await projectPointer(deps, live);
    const result = publishResult(live, release);
    await finishJob(deps, grip, result);
    return { status: "completed", result };
  });
}
