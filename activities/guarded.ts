/** What activities throw, in Temporal's words. */
import { Context } from "@temporalio/activity";
import { ApplicationFailure, CancelledFailure } from "@temporalio/common";
import { AppError } from "../src/errors.ts";
import { toFailure } from "./failures.ts";

/** May an activity give up on what nobody foresaw? Not once the publish is past its switch, and never while settling. */
export interface Patience {
  endless: boolean;
}

/** Maps what is thrown to Temporal's failures; an abort becomes the cancellation that caused it. */
export async function guarded<T>(
  work: (context: Context) => Promise<T>,
  patience: Patience = { endless: false },
): Promise<T> {
  const context = Context.current();
  try {
    return await work(context);
  } catch (error) {
    const { aborted, reason } = context.cancellationSignal;
    if (aborted && reason instanceof CancelledFailure && !(error instanceof AppError)) throw interruption(reason);
    throw toFailure(error, patience.endless ? undefined : () => countUnforeseen(context), context.info.attempt);
  }
}

/**
 * What interrupted the work, in Temporal's words: the abort may have surfaced as any stream's error. A worker that shuts down
 * fails the attempt, retryable: nobody asked for the job to be cancelled.
 */
function interruption(reason: CancelledFailure): Error {
  if (reason.message !== "WORKER_SHUTDOWN") return reason;
  return ApplicationFailure.retryable("The worker shuts down; the next one resumes this step.", "worker_shutdown");
}

/** Failures nobody foresaw, by activity, newest last: this worker's own count, so others may add a few tries. */
const unforeseen = new Map<string, number>();
const MAX_COUNTED = 10_000;

function countUnforeseen({ info }: Context): number {
  const activity = `${info.workflowExecution?.runId}/${info.activityId}`;
  const count = (unforeseen.get(activity) ?? 0) + 1;
  unforeseen.delete(activity);
  unforeseen.set(activity, count);
  const [oldest] = unforeseen.keys();
  if (unforeseen.size > MAX_COUNTED && oldest !== undefined) unforeseen.delete(oldest);
  return count;
}
