/** What an operator does and sees in the Temporal Web UI, through the same calls of the server. */
import { randomUUID } from "node:crypto";
import type { WorkflowHandle } from "@temporalio/client";
import { defaultPayloadConverter } from "@temporalio/common";
import { workflowId } from "../../contract/workflow-id.ts";
import { readJob } from "../../src/jobs/job-store.ts";
import type { HeartbeatDetails } from "../../activities/report-progress.ts";
import type { Publishing } from "./publishing.ts";

/** Of a job of any type; one whose row is gone was a publish. */
async function workflowOf(room: Publishing, job: string): Promise<string> {
  const row = await readJob(room.database.em.fork(), job);
  return row?.workflow_id ?? workflowId("publish", job);
}

async function handleOf(room: Publishing, job: string) {
  return room.temporal.client.workflow.getHandle(await workflowOf(room, job));
}

/** Resets the current run to its first workflow task, or to the one that scheduled `activity` last. Answers the new run's id. */
export async function reset(room: Publishing, job: string, activity?: string): Promise<string> {
  return resetTo(room, job, (events) => {
    const scheduled = events.findLast(
      ({ activityTaskScheduledEventAttributes: it }) => it && it.activityType?.name === activity,
    );
    if (activity) return scheduled?.activityTaskScheduledEventAttributes?.workflowTaskCompletedEventId;
    return events.find(({ workflowTaskCompletedEventAttributes: it }) => it)?.eventId;
  });
}

/** Resets it to the task that ended it: no activity is left to be done. */
export async function resetToLast(room: Publishing, job: string): Promise<string> {
  return resetTo(room, job, (events) => events.findLast(({ workflowTaskCompletedEventAttributes: it }) => it)?.eventId);
}

type Events = NonNullable<Awaited<ReturnType<WorkflowHandle["fetchHistory"]>>["events"]>;

async function resetTo(
  room: Publishing,
  job: string,
  taskIn: (events: Events) => Events[number]["eventId"],
): Promise<string> {
  const { client, namespace } = room.temporal;
  const { runId } = await (await handleOf(room, job)).describe();
  const { events } = await (await handleOf(room, job)).fetchHistory();
  const task = taskIn(events ?? []);
  if (!task) throw new Error(`the history of ${job} has no task to reset to`);
  const answer = await client.workflowService.resetWorkflowExecution({
    namespace,
    workflowExecution: { workflowId: await workflowOf(room, job), runId },
    workflowTaskFinishEventId: task,
    requestId: randomUUID(),
    reason: "chaos",
  });
  return answer.runId;
}

export async function terminate(room: Publishing, job: string): Promise<void> {
  await (await handleOf(room, job)).terminate("chaos");
}

/** The button "Request Cancellation". */
export async function requestCancel(room: Publishing, job: string): Promise<void> {
  await (await handleOf(room, job)).cancel();
}

/** `temporal activity pause`, for every activity of the job that is under way. */
export async function pauseActivities(room: Publishing, job: string): Promise<void> {
  for (const id of await pendingIds(room, job))
    await room.temporal.client.workflowService.pauseActivity({ ...(await activityOf(room, job, id)), reason: "chaos" });
}

/** `temporal activity unpause`, likewise. */
export async function unpauseActivities(room: Publishing, job: string): Promise<void> {
  for (const id of await pendingIds(room, job))
    await room.temporal.client.workflowService.unpauseActivity(await activityOf(room, job, id));
}

const activityOf = async (room: Publishing, job: string, id: string) => ({
  ...{ namespace: room.temporal.namespace, id, identity: "chaos" },
  execution: { workflowId: await workflowOf(room, job) },
});

async function pendingIds(room: Publishing, job: string): Promise<string[]> {
  const { raw } = await (await handleOf(room, job)).describe();
  return (raw.pendingActivities ?? []).flatMap(({ activityId }) => activityId ?? []);
}

/** What the workflow's run answers, once it has closed; rejects when it did not complete. */
export async function workflowResult(room: Publishing, job: string): Promise<unknown> {
  return (await handleOf(room, job)).result();
}

/** The status of the workflow's current run, in Temporal's words. */
export async function workflowStatus(room: Publishing, job: string): Promise<string> {
  return (await (await handleOf(room, job)).describe()).status.name;
}

/** Of `temporal.api.enums.v1.PendingActivityState`. */
const CANCEL_REQUESTED = 3;

/** The activity on the card "Pending Activities": its attempt, whether it is told to cancel, and the heartbeat that the server has. */
export async function pendingActivity(
  room: Publishing,
  job: string,
): Promise<{ name: string; attempt: number; cancelling: boolean; heartbeat: HeartbeatDetails | null } | null> {
  return pendingActivityOf(room, await workflowOf(room, job));
}

/** The same by the workflow's id: where the database cannot be asked. */
export async function pendingActivityOf(room: Publishing, workflow: string): ReturnType<typeof pendingActivity> {
  const { raw } = await room.temporal.client.workflow.getHandle(workflow).describe();
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
  const execution = { workflowId: await workflowOf(room, job) };
  await client.workflowService.pauseActivity({ namespace, execution, type, reason, ...PAUSER });
}

export async function unpauseActivity(room: Publishing, job: string, type: string): Promise<void> {
  const { client, namespace } = room.temporal;
  const execution = { workflowId: await workflowOf(room, job) };
  await client.workflowService.unpauseActivity({ namespace, execution, type, ...PAUSER });
}

export async function resetActivity(room: Publishing, job: string, type: string): Promise<void> {
  const { client, namespace } = room.temporal;
  const execution = { workflowId: await workflowOf(room, job) };
  await client.workflowService.resetActivity({ namespace, execution, type, ...PAUSER });
}

/** `temporal workflow delete`: of a running workflow, too. */
export async function deleteWorkflow(room: Publishing, job: string): Promise<void> {
  const { client, namespace } = room.temporal;
  const workflowExecution = { workflowId: await workflowOf(room, job) };
  await client.workflowService.deleteWorkflowExecution({ namespace, workflowExecution });
}
