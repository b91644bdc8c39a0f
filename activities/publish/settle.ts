/**
 * Not a step: how a publish ends that does not end by itself. Runs non-cancellably and is retried without limit. The row says
 * whether the switch happened: if it did, the publish is completed, whatever was pressed.
 */
import { isFinal, type FinalStatus } from "../../contract/job-state.ts";
import type { JobContext, Problem, PublishInput, PublishResult } from "../../contract/publish.ts";
import { AppError } from "../../src/errors.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import { finishJob } from "../../src/jobs/protocol/finish.ts";
import { projectSwitched } from "../../src/jobs/protocol/project.ts";
import { settleJob } from "../../src/jobs/protocol/settle.ts";
import { attemptOf, beating, guarded, type ActivityDeps } from "../steps.ts";

export interface SettleInput {
  job: JobContext;
  target: Pick<PublishInput, "project" | "environment">;
  ending: { status: Extract<FinalStatus, "failed" | "cancelled">; code: string; message: string; errors?: Problem[] };
}

export interface SettleOutcome {
  /** `superseded`: the row is another run's, nothing was written. */
  status: FinalStatus | "superseded";
  /** Of a completed publish. */
  result?: PublishResult;
}

export async function settle(deps: ActivityDeps, input: SettleInput): Promise<SettleOutcome> {
  return guarded(
    async (context) => {
      const entered = await enterStep(deps, attemptOf(context, input.job), { step: null, message: "Settling" });
      if (entered.kind === "end") {
        const { status, result } = entered;
        return status !== "superseded" && isFinal(status)
          ? { status, ...(result && { result }) }
          : { status: "superseded" };
      }
      if (entered.kind !== "entered") throw new AppError("superseded", { job: input.job.job_id });
      const { grip, row } = entered;
      return beating(deps, context, { grip, row, step: "settle" }, async () => {
        const settled = await settleJob(deps, grip, input.ending);
        if (settled.kind === "ended") return { status: settled.status };
        const { project_id, environment, epoch } = settled;
        const result = await projectSwitched(deps, { project_id, environment, epoch });
        await finishJob(deps, grip, result);
        return { status: "completed", result };
      });
    },
    { endless: true },
  );
}
