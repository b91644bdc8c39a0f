/** One run of a job, written down. */
import { historyToJSON } from "@temporalio/common/lib/proto-utils.js";
import { jobRow, type Publishing } from "../support/publishing.ts";
import { canonicalHistory } from "./canonical.ts";

/** The text of its file. */
export async function recordHistory(room: Publishing, job: string): Promise<string> {
  return recordWorkflow(room, (await jobRow(room, job)).workflow_id);
}

/** Which run, where it is not the last one of its workflow. */
export interface RecordedRun {
  workflow_id: string;
  run_id: string;
}

/** The same of any workflow: of its last run, unless another is named. */
export async function recordWorkflow(room: Publishing, workflow_id: string, run_id?: string): Promise<string> {
  const history = await room.temporal.client.workflow.getHandle(workflow_id, run_id).fetchHistory();
  const told = JSON.parse(historyToJSON(history)) as { events: unknown[] };
  return `${JSON.stringify(canonicalHistory(told), null, 2)}\n`;
}
