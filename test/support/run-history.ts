/** What the current run of a job's workflow has scheduled, by its history. */
import { workflowId } from "../../contract/workflow-id.ts";
import type { Publishing } from "./publishing.ts";

/** Names of the activities, in order; one that was tried again stands once. */
export async function scheduledActivities(room: Publishing, job: string): Promise<string[]> {
  const { events } = await room.temporal.client.workflow.getHandle(workflowId("publish", job)).fetchHistory();
  return (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: it }) => it?.activityType?.name ?? []);
}
