/**
 * What `describe` tells of a job that goes on: its workflow task fails over and over, an operator has paused its activity, or an attempt was
 * lost that could not tell when the next one comes.
 */
import type { Attention } from "../../../contract/attention.ts";
import { isFinal } from "../../../contract/job-state.ts";
import type { Execution, PendingActivity } from "../../temporal.ts";
import type { JobRow } from "../job-store.ts";
import { writeJob } from "../job-writes-store.ts";
import { stepOfActivity } from "../protocol/after-reset.ts";
import { continues, type ProtocolDeps } from "../protocol/attempt.ts";
import { beginAttention, endAttention } from "./tell-attention.ts";

/**
 * The second attempt comes at once, and one lost worker makes it; the third comes after the task's limit of 10 s. So a job is known to be
 * stuck some 10 s after it began to be.
 */
const STUCK_ATTEMPTS = 3;

type Deps = Pick<ProtocolDeps, "database" | "notifier" | "executions">;

/** Writes only if the row is still the one that was read; answers whether it did. */
export async function noteDescribed(deps: Deps, row: JobRow, execution: Execution): Promise<boolean> {
  if (isFinal(row.status) || !execution.open) return false;
  // A run that continued as new and cannot begin is the row's before any of its activities has entered.
  const isItsOwn = row.run_id === execution.run_id || continues(row, execution);
  if (!isItsOwn && row.status !== "queued") return false;
  const { workflow_task, activity } = execution;
  if (workflow_task && workflow_task.attempt >= STUCK_ATTEMPTS) {
    return row.attention?.code === "stuck" ? false : beginAttention(deps, row, await stuck(deps, row, execution));
  }
  // First of all: while it stands nothing else is noted, and the next look tells of a pause.
  if (row.attention?.code === "stuck") return endAttention(deps, row);
  if (activity?.paused) return beginAttention(deps, row, paused(activity.paused));
  if (row.attention?.code === "paused") return endAttention(deps, row);
  return row.status === "running" && activity ? noteNextAttempt(deps, row, activity) : false;
}

/** Two machines' clocks, or two ways of reckoning, tell the same moment so far apart. */
const SAME_MS = 1_000;

/** An attempt whose worker died has told nobody when the next one comes; one that failed has (`noteTrouble`). */
async function noteNextAttempt(deps: Deps, row: JobRow, activity: PendingActivity): Promise<boolean> {
  const { next_attempt_at } = activity;
  if (activity.state !== "scheduled" || next_attempt_at === null) return false;
  // The row has the number of the attempt that was last. It never goes back here: by that a reset of the activity is known.
  const isOfStep = stepOfActivity(row, activity.name) === row.step;
  const attempt = isOfStep ? Math.max(row.attempt, activity.attempt - 1) : row.attempt;
  const known = row.next_attempt_at === null ? Number.NaN : new Date(row.next_attempt_at).getTime();
  const isSame = Math.abs(known - new Date(next_attempt_at).getTime()) < SAME_MS;
  if (isSame && attempt === row.attempt) return false;
  const written = await writeJob(deps.database.em.fork(), row.id, { attempt, next_attempt_at }, [], { fence: row });
  if (written) deps.notifier.touch(row.id);
  return written;
}

async function stuck(deps: Deps, row: JobRow, { run_id, workflow_task }: Execution): Promise<Attention> {
  const trouble = await deps.executions.taskTroubleOf(row.workflow_id, run_id);
  const why = trouble ? `: ${trouble.message.replace(/[.\s]+$/, "")} (${trouble.cause})` : "";
  return {
    code: "stuck",
    message:
      `The workflow's task has failed ${(workflow_task?.attempt ?? 1) - 1} times and is tried again${why}. ` +
      `Deploy workers whose code can go on from this history, or reset or terminate the workflow in Temporal.`,
    since: trouble?.since ?? new Date().toISOString(),
  };
}

function paused({ by, reason }: { by: string | null; reason: string | null }): Attention {
  const message =
    `Paused in Temporal${by === null ? "" : ` by ${by}`}${reason === null ? "" : ` (${reason})`}. ` +
    `The step goes on when its activity is unpaused there.`;
  return { code: "paused", message, since: new Date().toISOString() };
}
