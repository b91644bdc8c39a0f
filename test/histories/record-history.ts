/** One run of a job, written down. */
import { historyToJSON } from "@temporalio/common/lib/proto-utils.js";
import { jobRow, type Publishing } from "../support/publishing.ts";
import { canonicalHistory } from "./canonical.ts";

/** The text of its file. */
export async function recordHistory(room: Publishing, job: string): Promise<string> {
  const { workflow_id } = await jobRow(room, job);
  const history = await room.temporal.client.workflow.getHandle(workflow_id).fetchHistory();
  const told = JSON.parse(historyToJSON(history)) as { events: unknown[] };
  return `${JSON.stringify(canonicalHistory(told), null, 2)}\n`;
}
