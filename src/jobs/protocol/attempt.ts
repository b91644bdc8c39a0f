/**
 * The publish protocol (docs/job-lifecycle.md), one file per line of it. The words it uses:
 *
 *   run         one run of the workflow; a reset or a retry makes another with a new run id
 *   attempt     one execution of an activity; `attempt_at` is when the server scheduled it, by the server's clock
 *   generation  of the job, from 1; every retry and reset opens the next
 *   segment     of a job whose workflow continues as new, from 0: its run is another, the generation the same; the row has the newest's
 *   mine        the row is running, its run, generation and attempt are the ones I entered with
 *   live        the attempt is still the one Temporal waits for; a zombie is any other
 *
 * Each function is one transaction under the job row's lock, or says where it is several. What needs no more than the row is one
 * statement that holds its demands against the row under the lock (`writeJob` with a fence).
 */
import { isFinal, type FinalStatus } from "../../../contract/job-state.ts";
import { definitionOf } from "../../../contract/job-types.ts";
import type { Environment } from "../../../contract/publish.ts";
import type { StepDefinition } from "../../../contract/job-type-definition.ts";
import type { Problem } from "../../../contract/problem.ts";
import type { StepState } from "../../../contract/progress.ts";
import { pendingSteps } from "../../../contract/progress.ts";
import type { Database, Db } from "../../db.ts";
import type { Log } from "../../log.ts";
import type { Stores } from "../../storage/object-store.ts";
import type { Executions } from "../../temporal.ts";
import type { GuardKey } from "../guard-store.ts";
import type { JobNotifier } from "../job-notifier.ts";
import type { JobPatch, JobRow } from "../job-store.ts";
import { writeJob, type Fence, type NewEvent } from "../job-writes-store.ts";

export interface ProtocolDeps {
  database: Database;
  executions: Executions;
  stores: Stores;
  notifier: JobNotifier;
  log: Log;
}

/** Who asks to enter: one attempt of one activity of one run. */
export interface Attempt {
  job_id: string;
  run_id: string;
  /** ms since the epoch, the server's clock. */
  attempt_at: number;
  /** As Temporal counts, from 1 (the default), and again from 1 after an operator's reset of the activity: told, and never gone by. */
  number?: number;
  /** The generation that the run was started for. */
  generation: number;
  /** The run's id is not the chain's first: it came from a reset, or continued as new. Only such a run may reopen a row, or go on with it. */
  reset: boolean;
  /** Number of the run in a chain that continued as new, from 0 (the default). */
  segment?: number;
}

/** What an attempt holds once it has entered: the terms on which it may write. */
export interface Grip {
  job_id: string;
  run_id: string;
  attempt_at: number;
  /** The row's generation at entering. */
  generation: number;
  /** What only the attempt that holds the row changes: as long as the row is mine, it is as entering left it. */
  held: Pick<JobRow, "job_type" | "environment" | "step" | "steps">;
}

export type Entered =
  /** `again`: another attempt of a step that was running. `row` is as it was found, but for what entering changes in it. */
  | { kind: "entered"; grip: Grip; row: JobRow; again: boolean }
  /** The row has ended, or is another run's: this run has nothing left to do. */
  | { kind: "end"; status: JobRow["status"] | "superseded"; result?: Record<string, unknown> }
  /** A newer attempt has entered, or this run is not the current one: write nothing. */
  | { kind: "stop" }
  /** Adopted, but another job holds the guard: settle as `guard_lost`. */
  | { kind: "guard_lost"; holder: string };

/** `isMine`, for a statement that writes. */
export const mine = ({ run_id, generation, attempt_at }: Grip): Fence => ({
  ...{ status: "running", run_id, generation, attempt_at },
});

export const isMine = (row: JobRow, grip: Grip): boolean =>
  row.status === "running" &&
  row.run_id === grip.run_id &&
  row.generation === grip.generation &&
  row.attempt_at === grip.attempt_at;

/**
 * The run goes on where the row's own ended, which continued as new: the next of the same chain. What a reset makes has the number of the
 * run that was reset, or a lower one; and after a reset the generation of the older chain is not the row's any more.
 */
export const continues = (
  row: Pick<JobRow, "generation" | "segment">,
  run: { generation: number; segment?: number | undefined },
): boolean => run.generation === row.generation && (run.segment ?? 0) > row.segment;

/** The row ended in the very generation that this attempt worked for: what it wanted to write is written. */
export const endedMeanwhile = (row: JobRow, grip: Grip): boolean =>
  row.run_id === grip.run_id && row.generation === grip.generation && isFinal(row.status);

/** Of a job that publishes; null for any other: only publishes keep each other out. */
export function guardKey({ tenant_id, project_id, environment }: JobRow): GuardKey | null {
  return project_id === null || environment === null ? null : { tenant_id, project_id, environment };
}

/** What every publish has in its row. */
export function publishTarget({
  id,
  project_id,
  version_id,
  environment,
}: Pick<JobRow, "id" | "project_id" | "version_id" | "environment">): {
  project_id: string;
  version_id: string;
  environment: Environment;
} {
  if (project_id !== null && version_id !== null && environment !== null)
    return { project_id, version_id, environment };
  throw new Error(`job ${id} publishes nothing: its row names no project, version or environment`);
}

export const stepsOf = (row: Pick<JobRow, "job_type">): readonly StepDefinition[] => definitionOf(row.job_type).steps;

/**
 * Steps before `name` keep what they are, `name` runs since its attempt was scheduled, later ones are still to come. By the server's
 * clock: workers' may be an hour wrong.
 */
export function enteringStep(row: JobRow, name: string, attempt_at: number): StepState[] {
  const all = row.steps.length > 0 ? row.steps : pendingSteps(stepsOf(row));
  const index = all.findIndex((step) => step.name === name);
  if (index < 0) return all;
  return all.map((step, at) => {
    if (at < index) return step;
    const fresh: StepState = { name: step.name, label: step.label, status: "pending" };
    if (at > index) return fresh;
    const started_at =
      step.status === "running" && step.started_at ? step.started_at : new Date(attempt_at).toISOString();
    return { ...fresh, status: "running", started_at };
  });
}

/**
 * A step that was done stays so: what ended the job came between it and the next. `finished_at` is `now`, which the statement that writes it
 * replaces by the time of PostgreSQL.
 */
export function finishedStep(steps: StepState[], name: string | null, status: "done" | "failed"): StepState[] {
  return steps.map((step) =>
    step.name === name && step.status !== "done" ? { ...step, status, finished_at: "now" } : step,
  );
}

const NO_CANCELLATION = {
  cancel_requested_at: null,
  cancel_requested_by: null,
  cancel_requested_in: null,
  cancel_reason: null,
  cancel_acknowledged_at: null,
  cancel_stopped_at: null,
  cancel_compensated_at: null,
  cancel_deadline_at: null,
  cancel_terminated_at: null,
} as const satisfies JobPatch;

const NOT_DISCARDED = { discarded_at: null, discarded_by: null, discard_reason: null } as const satisfies JobPatch;

/** The new run has not seen it yet, and works. */
const NOT_SEEN = { cancel_acknowledged_at: null, cancel_stopped_at: null } as const satisfies JobPatch;

/**
 * Opens the next generation in the row: what the last one ended with is gone from the row, and stays in the ledger. A cancel that
 * was asked for while the job was running is kept, with its deadline: the reset came in between, and the reconciler sends it to the new
 * run. Without progress is the job from now on only, however long ago the last generation was.
 */
export const reopenedPatch = (row: JobRow): JobPatch => ({
  ...(isFinal(row.status) ? { ...NOT_DISCARDED, deadline_stop_at: null } : {}),
  // An operator who resets a job that has ended wants it to go on, whatever its deadline was.
  ...(isFinal(row.status) && row.deadline_over ? { deadline_at: null } : {}),
  generation: row.generation + 1,
  report: 0,
  error_code: null,
  error: null,
  errors: null,
  result: null,
  completed_at: null,
  ...{ attempt: 0, next_attempt_at: null, attention: null, last_activity_at: "now" },
  ...(isFinal(row.status) ? NO_CANCELLATION : NOT_SEEN),
});

export interface Ending {
  status: FinalStatus;
  /** Failure code, for all but `completed`. */
  code?: string;
  message: string;
  /** Single problems: of a failure, and of what a partially completed job has left out. */
  errors?: Problem[];
  result?: Record<string, unknown>;
}

type EndingRow = Pick<JobRow, "generation" | "step" | "steps"> & Partial<Pick<JobRow, "cancel_requested_at">>;

/** The final state: guard given back, result before the final event, the final event last. */
export async function writeEnding(
  tx: Db,
  row: Pick<JobRow, "id"> & EndingRow,
  ending: Ending,
  patch: JobPatch = {},
): Promise<void> {
  const { patch: ended, events } = endingWrites(row, ending, patch);
  await writeJob(tx, row.id, ended, events, { dropGuard: true });
}

/** What `writeEnding` writes. */
export function endingWrites(
  row: EndingRow,
  ending: Ending,
  patch: JobPatch = {},
): { patch: JobPatch; events: NewEvent[] } {
  const { status, message, result, code } = ending;
  const done = status === "completed" || status === "partially_completed";
  const level = done ? "info" : status === "cancelled" ? "warn" : "error";
  const generation = patch.generation ?? row.generation;
  // What was asked for has come about: the guard is given back with it.
  const asked = Boolean(patch.cancel_requested_at ?? row.cancel_requested_at);
  const compensated = asked && status === "cancelled";
  return {
    patch: {
      ...{ status, message },
      steps: finishedStep(row.steps, row.step, done ? "done" : "failed"),
      ...(done ? { progress: 100 } : { error_code: code ?? null, error: message }),
      ...(done && !ending.errors ? {} : { errors: ending.errors ?? null }),
      ...(result ? { result } : {}),
      ...{ completed_at: "now", next_attempt_at: null, attention: null },
      ...(compensated ? { cancel_compensated_at: "now" } : {}),
      ...patch,
    },
    events: [
      { kind: "log", data: { level, message, ...(compensated ? { cancellation: "compensated" } : {}) } },
      ...(result ? [{ kind: "result" as const, data: result }] : []),
      { kind: "status", data: { status, generation, message, ...(code ? { code } : {}) } },
    ],
  };
}
