/** Which job a history is of: what a downloaded one says of itself. */
import { workflowId } from "../../contract/workflow-id.ts";
import { attributesOf, decodePayload, type History, type Payload } from "./history.ts";

/** The workflow id, made of the input; null when the input is not that of a job. */
export function jobIdOf({ events }: History): string | null {
  const started = attributesOf(events[0]!) as { input?: { payloads?: Payload[] }; workflowType?: { name?: string } };
  const input = decodePayload(started.input?.payloads?.[0] ?? {}) as { job_id?: unknown } | undefined;
  return typeof input?.job_id === "string" ? workflowId(started.workflowType?.name ?? "publish", input.job_id) : null;
}
