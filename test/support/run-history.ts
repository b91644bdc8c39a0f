/** What the current run of a job's workflow has scheduled, by its history, and what it says of itself. */
import { PROGRESS_QUERY } from "../../contract/messages.ts";
import type { WorkflowProgress } from "../../contract/progress.ts";
import { workflowId } from "../../contract/workflow-id.ts";
import type { Publishing } from "./publishing.ts";

/** Names of the activities, in order; one that was tried again stands once. */
export async function scheduledActivities(room: Publishing, job: string): Promise<string[]> {
  const { events } = await room.temporal.client.workflow.getHandle(workflowId("publish", job)).fetchHistory();
  return (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: it }) => it?.activityType?.name ?? []);
}

/** Its answer to the query, which a worker gives; of a closed run, too. */
export async function workflowProgress(room: Publishing, job: string): Promise<WorkflowProgress> {
  return room.temporal.client.workflow.getHandle(workflowId("publish", job)).query<WorkflowProgress>(PROGRESS_QUERY);
}
