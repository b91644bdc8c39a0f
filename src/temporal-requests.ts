/** What people have asked of a run in Temporal itself: who, when and why, from its history. */
import { isGrpcServiceError, type Client } from "@temporalio/client";

/** A cancel as the history has it. */
export interface CancelRequested {
  /** ISO 8601, by Temporal's clock. */
  at: string;
  /** What the caller said of itself; null for nothing, as the Web UI does without a login. */
  by: string | null;
  reason: string | null;
}

/** Newest events that are looked at: a publish has about 50 in all. */
const LOOKED_AT = 100;
/** gRPC's number. */
const NOT_FOUND = 5;

/** The cancel that was asked of that run; null when there is none. Errors: those of the client. */
export async function findCancelRequested(
  client: Client,
  execution: { workflowId: string; runId: string },
): Promise<CancelRequested | null> {
  const answer = await client.workflowService
    .getWorkflowExecutionHistoryReverse({
      namespace: client.options.namespace,
      execution,
      maximumPageSize: LOOKED_AT,
    })
    .catch((error: unknown) => {
      if (isGrpcServiceError(error) && error.code === NOT_FOUND) return null;
      throw error;
    });
  for (const event of answer?.history?.events ?? []) {
    const asked = event.workflowExecutionCancelRequestedEventAttributes;
    if (!asked) continue;
    const { seconds, nanos } = event.eventTime ?? {};
    const at = new Date(Number(seconds ?? 0) * 1_000 + (nanos ?? 0) / 1_000_000).toISOString();
    return { at, by: asked.identity || null, reason: asked.cause || null };
  }
  return null;
}
