/**
 * Where a retry begins, and what it carries over. Told by rows alone: the job's steps, what they yielded, and the draft's revision, so that
 * whoever starts the run, now or after an outage, gives it the same.
 *
 *   finished   the job's row says that the step is done
 *   true       its result is kept, and is of the draft's present revision, or does not depend on the draft; results of one revision are all
 *              alike, whichever run made them
 *   carried    finished and true, with all steps before it
 */
import { pendingSteps, type StepState } from "../../../contract/progress.ts";
import type { CarriedSteps } from "../../../contract/publish.ts";
import { AppError } from "../../errors.ts";
import type { JobRow } from "../job-store.ts";
import type { StepRecords } from "../step-results-store.ts";
import { stepsOf } from "./attempt.ts";

export interface RetryPlan {
  /** Name of the first step that runs. */
  from: string;
  /** The first step that has not finished: where a retry begins unless told otherwise, and no later. */
  unfinished: string;
  /** Why it begins before the step that was wanted: the draft is another by now, or a result was not kept. */
  earlier: "draft_changed" | "result_missing" | null;
  /** Of the reopened row: those before `from` are done, with their times. */
  steps: StepState[];
  /** Percent of the job that is carried. */
  progress: number;
}

type StepsOfJob = Pick<JobRow, "id" | "job_type" | "steps">;

/** `wanted`: name of a step, the first unfinished one by default. Errors: retry_step_unknown, retry_step_not_reached. */
export function planRetry(row: StepsOfJob, records: StepRecords, wanted?: string): RetryPlan {
  const steps = row.steps.length > 0 ? row.steps : pendingSteps(stepsOf(row));
  const names = steps.map(({ name }) => name);
  const at = steps.findIndex(({ status }) => status !== "done");
  const reached = at < 0 ? steps.length - 1 : at;
  const unfinished = names[reached] ?? "";
  const index = wanted === undefined ? reached : names.indexOf(wanted);
  if (index < 0) throw new AppError("retry_step_unknown", { step: wanted, steps: names.join(", ") });
  if (index > reached) throw new AppError("retry_step_not_reached", { job: row.id, step: wanted, unfinished });

  const start = countTrue(row, names.slice(0, index), records);
  const isKept = records.kept.some(({ step }) => step === names[start]);
  return {
    from: names[start] ?? "",
    unfinished,
    earlier: start === index ? null : isKept ? "draft_changed" : "result_missing",
    steps: steps.map((step, place) =>
      place < start ? step : { name: step.name, label: step.label, status: "pending" },
    ),
    progress: stepsOf(row)[start - 1]?.percent ?? 0,
  };
}

/** What the run of a queued job is given: results of the steps that its row has as done, or nothing. */
export function carriedSteps(row: Pick<JobRow, "job_type" | "steps">, records: StepRecords): CarriedSteps | undefined {
  const at = row.steps.findIndex(({ status }) => status !== "done");
  const finished = row.steps.slice(0, Math.max(0, at)).map(({ name }) => name);
  const names = finished.slice(0, countTrue(row, finished, records));
  if (names.length === 0) return undefined;
  return Object.fromEntries(names.map((name) => [name, records.kept.find(({ step }) => step === name)?.result]));
}

/** Whatever the draft has become, what the step has yielded stays true. */
export const isIndependent = (row: Pick<JobRow, "job_type">, name: string | undefined): boolean =>
  stepsOf(row).some((step) => step.name === name && step.independent === true);

/** How many of the steps, from the first on, have a result that is true of the draft as it is. */
function countTrue(row: Pick<JobRow, "job_type">, names: readonly string[], { kept, revision }: StepRecords): number {
  const isTrue = (name: string): boolean =>
    kept.some((each) => each.step === name && (isIndependent(row, name) || each.revision === revision));
  const at = names.findIndex((name) => !isTrue(name));
  return at < 0 ? names.length : at;
}
