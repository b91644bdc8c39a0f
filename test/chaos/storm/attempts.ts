/** What Temporal knows of the activities of a job that are under way. */
import { defaultPayloadConverter } from "@temporalio/common";
import type { HeartbeatDetails } from "../../../activities/report-progress.ts";
import { workflowId } from "../../../contract/workflow-id.ts";
import type { Publishing } from "../../support/publishing.ts";

export interface PendingAttempt {
  activity: string;
  attempt: number;
  /** Of the worker that has it, or had it last: `<pid>@<host>`. */
  identity: string;
  heartbeat: HeartbeatDetails | null;
}

export async function attemptsOf(room: Publishing, job: string): Promise<PendingAttempt[]> {
  const { raw } = await room.temporal.client.workflow.getHandle(workflowId("publish", job)).describe();
  return (raw.pendingActivities ?? []).map(({ activityType, attempt, lastWorkerIdentity, heartbeatDetails }) => {
    const [payload] = heartbeatDetails?.payloads ?? [];
    return {
      activity: activityType?.name ?? "",
      attempt: attempt ?? 0,
      identity: lastWorkerIdentity ?? "",
      heartbeat: payload ? defaultPayloadConverter.fromPayload<HeartbeatDetails>(payload) : null,
    };
  });
}
