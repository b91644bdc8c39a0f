/** A job as the commands see it, and how it is told to people. */
import type { Attention } from "../../contract/attention.ts";
import type { CancellationReceipt } from "../../contract/cancellation.ts";
import type { JobStatus } from "../../contract/job-state.ts";
import { JOB_TYPES, type StepDefinition } from "../../contract/job-types.ts";
import type { Problem, PublishResult } from "../../contract/publish.ts";
import { problemLines } from "./cli-error.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import type { Output } from "./output.ts";

/** What the commands read of a job in `GET /jobs` and `GET /jobs/{id}`, which say more. */
export interface ListedJob extends Outcome {
  job_id: string;
  job_type: string;
  progress: number;
  project: string | null;
  version: number | null;
  environment: string | null;
  created_at: string;
  /** This and the next: absent in answers of servers of before 0.2. */
  cancellation?: CancellationReceipt | null;
  attention?: Attention | null;
}

/** The part of a job, and of the last event of its stream, that tells how it ended. */
export interface Outcome {
  status: JobStatus;
  result: PublishResult | null;
  error: string | null;
  errors: Problem[] | null;
}

/** The job's progress in percent once this step is done; null for a step that no job type has. */
export function percentOf(step: string): number | null {
  const steps: StepDefinition[] = Object.values(JOB_TYPES).flatMap((type) => type.steps);
  return steps.find(({ name }) => name === step)?.percent ?? null;
}

export const EXIT_BY_STATUS: Record<JobStatus, ExitCode> = {
  queued: EXIT.ok,
  running: EXIT.ok,
  completed: EXIT.ok,
  partially_completed: EXIT.ok,
  failed: EXIT.refused,
  cancelled: EXIT.cancelled,
};

const MARKS: Record<JobStatus, readonly [mark: string, style: "green" | "red" | "yellow" | "dim" | "cyan"]> = {
  queued: ["·", "dim"],
  running: ["▸", "cyan"],
  completed: ["✓", "green"],
  partially_completed: ["✓", "yellow"],
  failed: ["✗", "red"],
  cancelled: ["■", "yellow"],
};

/** The status with its mark and colour, padded to `width` characters. */
export function statusText(output: Output, status: JobStatus, width = 0): string {
  const [mark, style] = MARKS[status];
  return output.style(style, `${mark} ${status}`.padEnd(width));
}

/** How a finished job ended, in one or several lines. `server`: what links begin with. */
export function outcomeLines(output: Output, job: Outcome, server: string): string[] {
  const head = statusText(output, job.status);
  if (job.status === "failed")
    return [`${head}: ${job.error ?? "no reason was given"}`, ...problemLines(job.errors ?? [])];
  if (job.status === "cancelled") return [`${head}${job.error ? `: ${job.error}` : ""}`];
  const { result } = job;
  if (!result) return [head];
  return [
    `${head}: ${result.overlay_count} overlays, ${result.tile_count} tiles, release ${result.release_id}`,
    `  ${server}${result.release_url}`,
  ];
}
