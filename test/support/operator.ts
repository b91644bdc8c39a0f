/** What an operator does and sees in the Temporal Web UI, through the same calls of the server. */
import { randomUUID } from "node:crypto";
import { defaultPayloadConverter } from "@temporalio/common";
import { workflowId } from "../../contract/workflow-id.ts";
import type { HeartbeatDetails } from "../../activities/report-progress.ts";
import type { Publishing } from "./publishing.ts";

const handleOf = (room: Publishing, job: string) => room.temporal.client.workflow.getHandle(workflowId("publish", job));

/** Resets the current run to its first workflow task, or to the one that scheduled `activity`. Answers the new run's id. */
export async function reset(room: Publishing, job: string, activity?: string): Promise<string> {
  const { client, namespace } = room.temporal;
  const { runId } = await handleOf(room, job).describe();
  const { events } = await handleOf(room, job).fetchHistory();
  const scheduled = events?.find(
    ({ activityTaskScheduledEventAttributes: it }) => it && it.activityType?.name === activity,
  );
  const first = events?.find(({ workflowTaskCompletedEventAttributes: it }) => it);
  const target = activity
    ? scheduled?.activityTaskScheduledEventAttributes?.workflowTaskCompletedEventId
    : first?.eventId;
  if (!target) throw new Error(`the history of ${job} has no task to reset to`);
  const answer = await client.workflowService.resetWorkflowExecution({
    namespace,
    workflowExecution: { workflowId: workflowId("publish", job), runId },
    workflowTaskFinishEventId: target,
    requestId: randomUUID(),
    reason: "chaos",
  });
  return answer.runId;
}

export async function terminate(room: Publishing, job: string): Promise<void> {
  await handleOf(room, job).terminate("chaos");
}

/** The button "Request Cancellation". */
export async function requestCancel(room: Publishing, job: string): Promise<void> {
  await handleOf(room, job).cancel();
}

/** `temporal activity pause`, for every activity of the job that is under way. */
export async function pauseActivities(room: Publishing, job: string): Promise<void> {
  for (const id of await pendingIds(room, job))
    await room.temporal.client.workflowService.pauseActivity({ ...activityOf(room, job, id), reason: "chaos" });
}

/** `temporal activity unpause`, likewise. */
export async function unpauseActivities(room: Publishing, job: string): Promise<void> {
  for (const id of await pendingIds(room, job))
    await room.temporal.client.workflowService.unpauseActivity(activityOf(room, job, id));
}

const activityOf = ({ temporal: { namespace } }: Publishing, job: string, id: string) => ({
  ...{ namespace, id, identity: "chaos" },
  execution: { workflowId: workflowId("publish", job) },
});

async function pendingIds(room: Publishing, job: string): Promise<string[]> {
  const { raw } = await handleOf(room, job).describe();
  return (raw.pendingActivities ?? []).flatMap(({ activityId }) => activityId ?? []);
}

/** What the workflow's run answers, once it has closed; rejects when it did not complete. */
export async function workflowResult(room: Publishing, job: string): Promise<unknown> {
  return handleOf(room, job).result();
}

/** The status of the workflow's current run, in Temporal's words. */
export async function workflowStatus(room: Publishing, job: string): Promise<string> {
  return (await handleOf(room, job).describe()).status.name;
}

/** Of `temporal.api.enums.v1.PendingActivityState`. */
const CANCEL_REQUESTED = 3;

/** The activity on the card "Pending Activities": its attempt, whether it is told to cancel, and the heartbeat that the server has. */
export async function pendingActivity(
  room: Publishing,
  job: string,
): Promise<{ name: string; attempt: number; cancelling: boolean; heartbeat: HeartbeatDetails | null } | null> {
  const { raw } = await handleOf(room, job).describe();
  const [pending] = raw.pendingActivities ?? [];
  if (!pending) return null;
  const [payload] = pending.heartbeatDetails?.payloads ?? [];
  return {
    name: pending.activityType?.name ?? "",
    attempt: pending.attempt ?? 0,
    cancelling: pending.state === CANCEL_REQUESTED,
    heartbeat: payload ? defaultPayloadConverter.fromPayload<HeartbeatDetails>(payload) : null,
  };
}

const PAUSER = { identity: "ada@web-ui" };

/** What the Web UI's menu of an activity does. A pause says why. */
export async function pauseActivity(room: Publishing, job: string, type: string, reason: string): Promise<void> {
  const { client, namespace } = room.temporal;
  const execution = { workflowId: workflowId("publish", job) };
  await client.workflowService.pauseActivity({ namespace, execution, type, reason, ...PAUSER });
}

export async function unpauseActivity(room: Publishing, job: string, type: string): Promise<void> {
  const { client, namespace } = room.temporal;
  const execution = { workflowId: workflowId("publish", job) };
  await client.workflowService.unpauseActivity({ namespace, execution, type, ...PAUSER });
}

export async function resetActivity(room: Publishing, job: string, type: string): Promise<void> {
  const { client, namespace } = room.temporal;
  const execution = { workflowId: workflowId("publish", job) };
  await client.workflowService.resetActivity({ namespace, execution, type, ...PAUSER });
}

/** `temporal workflow delete`: of a running workflow, too. */
export async function deleteWorkflow(room: Publishing, job: string): Promise<void> {
  const { client, namespace } = room.temporal;
  const workflowExecution = { workflowId: workflowId("publish", job) };
  await client.workflowService.deleteWorkflowExecution({ namespace, workflowExecution });
}
