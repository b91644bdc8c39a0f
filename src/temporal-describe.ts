/** What `describe` answers, in our words. */
import type { WorkflowExecutionDescription } from "@temporalio/client";
import type { Execution, HeartbeatProgress, PendingActivity, PendingWorkflowTask } from "./temporal.ts";

type Raw = WorkflowExecutionDescription["raw"];
type RawActivity = NonNullable<Raw["pendingActivities"]>[number];
type Time = { seconds?: unknown; nanos?: number | null } | null | undefined;

/** `temporal.api.enums.v1.PendingActivityState`. A pause that a running attempt has not heard of yet is 5. */
const STATES: Record<number, PendingActivity["state"]> = {
  1: "scheduled",
  2: "started",
  3: "cancel_requested",
  4: "paused",
  5: "paused",
};

export function executionOf(found: WorkflowExecutionDescription): Execution {
  const { workflowExecutionInfo, pendingActivities, pendingWorkflowTask, executionConfig } = found.raw;
  const firstRunId = workflowExecutionInfo?.firstRunId;
  const pending = pendingActivities?.at(-1);
  return {
    run_id: found.runId,
    open: found.status.name === "RUNNING",
    status: found.status.name,
    reset: Boolean(firstRunId) && firstRunId !== found.runId,
    generation: Number(found.memo?.["generation"] ?? 1),
    segment: Number(found.memo?.["segment"] ?? 0),
    heartbeat: heartbeatOf(pending?.heartbeatDetails?.payloads?.at(0)?.data),
    activity: pending ? activityOf(pending) : null,
    workflow_task: pendingWorkflowTask ? taskOf(pendingWorkflowTask) : null,
    limits: {
      run_seconds: secondsOf(executionConfig?.workflowRunTimeout),
      execution_seconds: secondsOf(executionConfig?.workflowExecutionTimeout),
    },
  };
}

function activityOf(pending: RawActivity): PendingActivity {
  const { manual } = pending.pauseInfo ?? {};
  const said = (text: string | null | undefined): string | null => text || null;
  return {
    name: pending.activityType?.name ?? "",
    attempt: pending.attempt ?? 1,
    state: pending.paused ? "paused" : (STATES[Number(pending.state)] ?? "scheduled"),
    next_attempt_at: isoOf(pending.nextAttemptScheduleTime),
    paused: pending.paused ? { by: said(manual?.identity), reason: said(manual?.reason) } : null,
  };
}

function taskOf(pending: NonNullable<Raw["pendingWorkflowTask"]>): PendingWorkflowTask {
  return { attempt: pending.attempt ?? 1, since: isoOf(pending.scheduledTime) };
}

/** ms since the epoch, or null. */
export function momentOf(time: Time): number | null {
  return time?.seconds === undefined || time.seconds === null
    ? null
    : Number(time.seconds) * 1_000 + (time.nanos ?? 0) / 1e6;
}

export function isoOf(time: Time): string | null {
  const moment = momentOf(time);
  return moment === null ? null : new Date(moment).toISOString();
}

function secondsOf(duration: Time): number | null {
  const seconds = Number(duration?.seconds ?? 0);
  return seconds > 0 ? seconds : null;
}

/** Details that are not ours, or of another version, say nothing. */
function heartbeatOf(data: Uint8Array | null | undefined): HeartbeatProgress | null {
  if (!data) return null;
  try {
    const { step, percent, message } = JSON.parse(Buffer.from(data).toString()) as Partial<HeartbeatProgress>;
    if (typeof step !== "string" || typeof percent !== "number" || typeof message !== "string") return null;
    return { step, percent, message };
  } catch {
    return null;
  }
}
