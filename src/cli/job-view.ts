/** A job as the commands see it, and how it is told to people. */
import type { Attention } from "../../contract/attention.ts";
import type { CancellationReceipt } from "../../contract/cancellation.ts";
import type { JobStatus } from "../../contract/job-state.ts";
import { JOB_TYPES } from "../../contract/job-types.ts";
import type { JobTypeDefinition } from "../../contract/job-type-definition.ts";
import { isDeepStrictEqual } from "node:util";
import { printable, shortened } from "../../contract/printable.ts";
import type { StepState } from "../../contract/progress.ts";
import type { PublishResult } from "../../contract/publish.ts";
import type { Problem } from "../../contract/problem.ts";
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
  result: object | null;
  error: string | null;
  errors: Problem[] | null;
}

/**
 * The job's progress in percent once this step is done; null for what no job type has. `steps`: all of the job's, which tell its type: a name
 * alone may be a step of several.
 */
export function percentOf(steps: readonly StepState[], step: string): number | null {
  const types: readonly JobTypeDefinition[] = Object.values(JOB_TYPES);
  const type = types.find((each) =>
    isDeepStrictEqual(
      each.steps.map(({ name }) => name),
      steps.map(({ name }) => name),
    ),
  );
  return type?.steps.find(({ name }) => name === step)?.percent ?? null;
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
  const left = job.status === "partially_completed" ? problemLines(job.errors ?? []) : [];
  if (!("release_url" in result)) return [`${head}: ${resultText(result)}`, ...artifactLines(result, server), ...left];
  const { overlay_count, tile_count, release_id, release_url } = result as PublishResult;
  return [
    `${head}: ${overlay_count} overlays, ${tile_count} tiles, release ${release_id}`,
    `  ${server}${release_url}`,
    ...left,
  ];
}

/** `rows 120 · dry_run true`: what a line can hold of a result of any type. */
function resultText(result: object): string {
  const parts = Object.entries(result).flatMap(([name, value]) => {
    if (typeof value === "object" && value !== null)
      return Object.entries(value).map(([key, each]) => [key, each] as const);
    return [[name, value] as const];
  });
  const told = parts.filter(([, value]) => ["string", "number", "boolean"].includes(typeof value));
  return told.map(([name, value]) => printable(shortened(`${name} ${String(value)}`, 60))).join(" · ");
}

function artifactLines(result: object, server: string): string[] {
  const { artifact } = result as { artifact?: unknown };
  const id = typeof artifact === "object" && artifact !== null ? (artifact as { id?: unknown }).id : artifact;
  return typeof id === "string" ? [`  ${server}/artifacts/${encodeURIComponent(id)}`] : [];
}
