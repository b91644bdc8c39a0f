/**
 * publish: five steps, five activities. Whatever ends it otherwise goes through `settle`, which asks the row whether the switch
 * happened; nothing is concluded here from the class of a failure.
 */
import { CancellationScope, CancelledFailure, TemporalFailure, workflowInfo } from "@temporalio/workflow";
import { JOB_TYPES } from "../contract/job-types.ts";
import type { PublishInput, PublishResult } from "../contract/publish.ts";
import { reading, settling, switching, writing } from "./activity-options.ts";
import { asFailure, describe, failureOf, factsOf, tellFailureCode } from "./endings.ts";
import { trackSteps } from "./steps.ts";

export async function publish(input: PublishInput): Promise<PublishResult> {
  const { tenant, project, version, environment } = input;
  const job = { job_id: input.job_id, generation: input.generation, first_run_id: workflowInfo().firstExecutionRunId };
  const target = { tenant, project, version, environment };
  const title = `${project} v${version} → ${environment}`;
  const summary = (what: string) => ({ summary: `${what} · ${title}` });
  // Steps that a retry carries over need no patch: an input of before has none, and runs every step as it did.
  const steps = trackSteps(JOB_TYPES.publish.steps, `${title}, by ${input.started_by}`, { ...input.carried });

  try {
    const validated = await steps.run("validate", () =>
      reading.validate.executeWithOptions(summary("validate"), [{ job, target }]),
    );
    const generated = await steps.run("generate_release", () =>
      writing.generateRelease.executeWithOptions(summary(`generate ${validated.release_id}`), [
        { job, target, validated },
      ]),
    );
    const all = { job, target, validated, generated };
    await steps.run("upload", () =>
      writing.upload.executeWithOptions(summary(`upload ${validated.tile_count} tiles`), [all]),
    );
    await steps.run("verify_tiles", () =>
      reading.verifyTiles.executeWithOptions(summary(`verify ${validated.tile_count} tiles`), [all]),
    );
    const result = await steps.run("mark_published", () =>
      switching.markPublished.executeWithOptions(summary(`switch ${environment} to ${validated.release_id}`), [all]),
    );
    steps.note(`live as ${result.release_id}`);
    return result;
  } catch (error) {
    // A bug of ours fails the workflow's task, not the job: that is told as stuck, and goes on once the bug is mended.
    if (!(error instanceof TemporalFailure)) throw error;
    // The row has ended, or another run holds it: nothing is left to settle. This run ends as the row says.
    const ended = failureOf(error);
    if (ended?.type === "job_ended") {
      const { status, result } = factsOf<{ status: string; result?: PublishResult }>(ended);
      if (status === "completed" && result) return result;
      tellFailureCode(status === "cancelled" ? "cancelled" : "job_ended");
      throw status === "cancelled"
        ? new CancelledFailure("The job was cancelled")
        : asFailure(ended.type, ended.message, error);
    }
    // Never from the failure's class: an attempt that lost its heartbeat while a cancel was requested fails with a timeout.
    const cancelled = CancellationScope.current().consideredCancelled;
    const ending = cancelled
      ? { status: "cancelled" as const, code: "cancelled", message: "The job was cancelled." }
      : { status: "failed" as const, ...describe(error, input.job_id) };
    steps.note(`settling as ${ending.status} (${ending.code})`);
    const outcome = await CancellationScope.nonCancellable(() =>
      settling.settle.executeWithOptions(summary(`settle as ${ending.status}`), [{ job, target, ending }]),
    );
    steps.note(`ended: ${outcome.status}`);
    if (outcome.status === "completed" && outcome.result) return outcome.result;
    const ends = outcome.status === "cancelled" || cancelled ? "cancelled" : ending.code;
    tellFailureCode(ends);
    throw ends === "cancelled" ? new CancelledFailure("The job was cancelled") : asFailure(ends, ending.message, error);
  }
}
