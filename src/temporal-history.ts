/** What is read from histories: how a run ended, why its task fails, and what a reset has left behind it. */
import { WorkflowNotFoundError, type Client, type WorkflowHandle } from "@temporalio/client";
import { FAILURES, type FailureCode } from "../contract/failures.ts";
import { isoOf } from "./temporal-describe.ts";
import type { Closing, Executions } from "./temporal.ts";

type Event = NonNullable<Awaited<ReturnType<WorkflowHandle["fetchHistory"]>>["events"]>[number];
type Failure = NonNullable<Event["workflowTaskFailedEventAttributes"]>["failure"];
type Within = <T>(call: () => Promise<T>) => Promise<T>;

/** Events from the end: a task that fails over and over is the last thing in its history, but for what was signalled meanwhile. */
const TAIL = 20;
/** Of `temporal.api.enums.v1.RetryState`: the limit of all runs together was reached. */
const EXECUTION_LIMIT = 3;

const CAUSES: Record<number, string> = {
  1: "UNHANDLED_COMMAND",
  14: "WORKFLOW_WORKER_UNHANDLED_FAILURE",
  24: "NON_DETERMINISTIC_ERROR",
};

export function createHistories(
  client: Client,
  within: Within,
): Pick<Executions, "closingOf" | "taskTroubleOf" | "behindOf"> {
  return {
    async closingOf(workflowId, runId) {
      const [last] = await within(() => lastEvents(client, { workflowId, runId }, 1));
      return last ? closingIn(last) : null;
    },
    async taskTroubleOf(workflowId, runId) {
      for (const event of await within(() => lastEvents(client, { workflowId, runId }, TAIL))) {
        const failed = event.workflowTaskFailedEventAttributes;
        if (failed) {
          const cause = CAUSES[Number(failed.cause)] ?? `CAUSE_${String(failed.cause)}`;
          return { since: isoOf(event.eventTime), cause, message: failed.failure?.message || cause };
        }
        if (event.workflowTaskTimedOutEventAttributes) {
          return { since: isoOf(event.eventTime), cause: "TIMED_OUT", message: "no worker has answered in time" };
        }
        if (event.workflowTaskCompletedEventAttributes) return null;
      }
      return null;
    },
    async behindOf(workflowId, runId) {
      const { events } = await within(() => client.workflow.getHandle(workflowId, runId).fetchHistory());
      const names = new Map<string, string>();
      const activities: string[] = [];
      let carried: string[] = [];
      for (const { eventId, ...event } of events ?? []) {
        const scheduled = event.activityTaskScheduledEventAttributes;
        if (scheduled) names.set(String(eventId), scheduled.activityType?.name ?? "");
        const completed = event.activityTaskCompletedEventAttributes;
        const name = completed && names.get(String(completed.scheduledEventId));
        if (name) activities.push(name);
        const started = event.workflowExecutionStartedEventAttributes;
        if (started) carried = carriedIn(started.input?.payloads?.at(0)?.data);
      }
      return { activities, carried };
    },
  };
}

/** At most `count` events of that run, the newest first; none where Temporal does not know it any more. */
export async function lastEvents(
  client: Client,
  execution: { workflowId: string; runId: string },
  count: number,
): Promise<Event[]> {
  try {
    const { history } = await client.workflowService.getWorkflowExecutionHistoryReverse({
      ...{ namespace: client.options.namespace, execution, maximumPageSize: count },
    });
    return history?.events ?? [];
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

/** A run that is gone as a whole, or of which the server keeps no history any more. */
function isNotFound(error: unknown): boolean {
  return error instanceof WorkflowNotFoundError || (error as { code?: unknown } | null)?.code === 5;
}

/** Null for an event that closes nothing: the run is open. */
function closingIn(event: Event): Closing | null {
  const terminated = event.workflowExecutionTerminatedEventAttributes;
  if (terminated) return { kind: "terminated", by: terminated.identity || null, reason: terminated.reason || null };
  const timedOut = event.workflowExecutionTimedOutEventAttributes;
  if (timedOut) return { kind: "timed_out", limit: timedOut.retryState === EXECUTION_LIMIT ? "execution" : "run" };
  const failed = event.workflowExecutionFailedEventAttributes;
  if (failed) return { kind: "failed", ...failureIn(failed.failure) };
  const ended =
    event.workflowExecutionCompletedEventAttributes ??
    event.workflowExecutionCanceledEventAttributes ??
    event.workflowExecutionContinuedAsNewEventAttributes;
  return ended ? { kind: "other" } : null;
}

/** The failure of ours in the chain of causes, else the deepest one: what wraps it only says that an activity failed. */
function failureIn(failure: Failure): { code: FailureCode | null; message: string } {
  let deepest = "";
  for (let each = failure; each; each = each.cause) {
    deepest = each.message || deepest;
    const type = each.applicationFailureInfo?.type ?? "";
    if (Object.hasOwn(FAILURES, type)) return { code: type as FailureCode, message: each.message || deepest };
  }
  return { code: null, message: deepest };
}

/** Names of the steps whose results a retry's input carries; none where it cannot be read. */
function carriedIn(data: Uint8Array | null | undefined): string[] {
  if (!data) return [];
  try {
    const { carried } = JSON.parse(Buffer.from(data).toString()) as { carried?: Record<string, unknown> };
    return Object.keys(carried ?? {});
  } catch {
    return [];
  }
}
