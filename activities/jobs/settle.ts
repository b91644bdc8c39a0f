/**
 * Not a step: how a job ends that does not end by itself. Runs non-cancellably and is retried without limit. The row of a publish says
 * whether the switch happened: if it did, the publish is completed, whatever was pressed.
 */
import { isFinal, type FinalStatus } from "../../contract/job-state.ts";
import type { CancellationReceipt } from "../../contract/cancellation.ts";
import type { StepInput } from "../../contract/job-input.ts";
import type { Problem } from "../../contract/problem.ts";
import { AppError } from "../../src/errors.ts";
import { readReceipt } from "../../src/jobs/cancellation-receipt.ts";
import { noteCancelStage } from "../../src/jobs/protocol/cancel-stages.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import { finishJob } from "../../src/jobs/protocol/finish.ts";
import { projectSwitched } from "../../src/jobs/protocol/project.ts";
import { settleJob } from "../../src/jobs/protocol/settle.ts";
import type { JobRow } from "../../src/jobs/job-store.ts";
import type { ActivityDeps } from "../activity-deps.ts";
import { beating } from "../beating.ts";
import { attemptOf } from "../enter.ts";
import { guarded } from "../guarded.ts";

export interface SettleInput extends StepInput {
  ending: { status: Extract<FinalStatus, "failed" | "cancelled">; code: string; message: string; errors?: Problem[] };
}

export interface SettleOutcome {
  /** `superseded`: the row is another run's, nothing was written. */
  status: FinalStatus | "superseded";
  /** What it has failed with instead of being cancelled: its deadline had passed. */
  failure?: { code: string; message: string };
  /** Of a completed job. */
  result?: Record<string, unknown>;
  /** Of a cancel that was asked for, as it ended: the history's copy of it. */
  cancellation?: CancellationReceipt;
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
        // The workflow waits for what it cancels: by now no activity of the run works any more.
        if (input.ending.status === "cancelled") await noteCancelStage(deps, grip, "stopped");
        const settled = await settleJob(deps, grip, input.ending);
        if (settled.kind === "ended") {
          const { status, failure } = settled;
          return { status, ...(failure && { failure }), ...(await receiptOf(deps, row)) };
        }
        const { project_id, environment, epoch } = settled;
        const done = await projectSwitched(deps, { project_id, environment, epoch });
        await finishJob(deps, grip, done);
        return { status: "completed", result: { ...done.result }, ...(await receiptOf(deps, row)) };
      });
    },
    { endless: true },
  );
}

async function receiptOf(deps: ActivityDeps, { id, tenant_id }: JobRow): Promise<Pick<SettleOutcome, "cancellation">> {
  const cancellation = await readReceipt(deps.database.em.fork(), { id, tenant_id });
  return cancellation ? { cancellation } : {};
}
