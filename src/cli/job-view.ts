/** A job as the commands see it, and how it is told to people. */
import type { Attention } from "../../contract/attention.ts";
import type { CancellationReceipt } from "../../contract/cancellation.ts";
import type { JobStatus } from "../../contract/job-state.ts";
import { JOB_TYPES, type JobType } from "../../contract/job-types.ts";
import type { JobTypeDefinition } from "../../contract/job-type-definition.ts";
import { isDeepStrictEqual } from "node:util";
import type { StepState } from "../../contract/progress.ts";
import { printable } from "../../contract/printable.ts";
import type { Problem } from "../../contract/problem.ts";
import type { EndedJob } from "../client/job.ts";
import { publishResult } from "../client/publish-result.ts";
import { problemLines } from "./cli-error.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { filesOf, resultText, type JobFile, type JobResult } from "./job-result.ts";
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
  error_code: string | null;
  /** This and the next two: absent in answers of older servers. What people call it. */
  name?: string;
  /** This and the next: absent in answers of servers of before 0.2. */
  cancellation?: CancellationReceipt | null;
  attention?: Attention | null;
}

/** The part of a job, and of the last event of its stream, that tells how it ended. */
export interface Outcome {
  status: JobStatus;
  /** As the job's type says. */
  result: JobResult | null;
  error: string | null;
  errors: Problem[] | null;
}

/** The job's type, which all of its steps tell: a name alone may be a step of several. Null for what no job type has. */
function typeOf(steps: readonly StepState[]): JobType | null {
  const types = Object.entries(JOB_TYPES) as [JobType, JobTypeDefinition][];
  const named = steps.map(({ name }) => name);
  const found = types.find(([, type]) =>
    isDeepStrictEqual(
      type.steps.map(({ name }) => name),
      named,
    ),
  );
  return found?.[0] ?? null;
}

/** The job's progress in percent once this step is done; null for what no job type has. `steps`: all of the job's. */
export function percentOf(steps: readonly StepState[], step: string): number | null {
  const type = typeOf(steps);
  return (type && JOB_TYPES[type].steps.find(({ name }) => name === step)?.percent) ?? null;
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
export function outcomeLines(output: Output, job: EndedJob, server: string): string[] {
  const head = statusText(output, job.status);
  if (job.status === "failed")
    return [`${head}: ${job.error ?? "no reason was given"}`, ...problemLines(job.errors ?? [])];
  if (job.status === "cancelled") return [`${head}${job.error ? `: ${job.error}` : ""}`];
  const { result } = job;
  if (!result) return [head];
  const left = job.status === "partially_completed" ? problemLines(job.errors ?? []) : [];
  const published = publishResult(job);
  if (published) {
    const { overlay_count, tile_count, release_id, release_url } = published;
    const told = `${overlay_count} overlays, ${tile_count} tiles, release ${release_id}`;
    return [`${head}: ${told}`, `  ${server}${release_url}`, ...left];
  }
  const type = typeOf(job.steps) ?? "";
  const text = resultText(type, result);
  return [text === "" ? head : `${head}: ${text}`, ...fileLines(job.job_id, filesOf(type, result)), ...left];
}

/** How each of its files is had. */
function fileLines(job: string, files: readonly JobFile[]): string[] {
  return files.map(({ member, name }) => {
    const option = member === "artifact" ? "" : member === "errors_artifact" ? " --errors" : ` --file ${member}`;
    return `  ${printable(name ?? member.replace("_artifact", ""))}: platen download ${job}${option}`;
  });
}
