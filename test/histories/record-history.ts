/** One scenario, played on real servers and written down. */
import { historyToJSON } from "@temporalio/common/lib/proto-utils.js";
import { workflowId } from "../../contract/workflow-id.ts";
import type { RiggedRoom } from "../support/rigged-room.ts";
import { canonicalHistory } from "./canonical.ts";
import type { Scenario } from "./scenarios.ts";

/** The text of its file. */
export async function recordHistory(room: RiggedRoom, scenario: Scenario): Promise<string> {
  const job = await scenario(room);
  const history = await room.temporal.client.workflow.getHandle(workflowId("publish", job)).fetchHistory();
  const told = JSON.parse(historyToJSON(history)) as { events: unknown[] };
  return `${JSON.stringify(canonicalHistory(told), null, 2)}\n`;
}
