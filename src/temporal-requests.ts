/** What people have asked of a run in Temporal itself: who, when and why, from its history. */
import type { Client } from "@temporalio/client";
import { isoOf } from "./temporal-describe.ts";
import { lastEvents } from "./temporal-history.ts";

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

/** The cancel that was asked of that run; null when there is none. Errors: those of the client. */
export async function findCancelRequested(
  client: Client,
  execution: { workflowId: string; runId: string },
): Promise<CancelRequested | null> {
  for (const event of await lastEvents(client, execution, LOOKED_AT)) {
    const asked = event.workflowExecutionCancelRequestedEventAttributes;
    const at = isoOf(event.eventTime);
    if (asked && at !== null) return { at, by: asked.identity || null, reason: asked.cause || null };
  }
  return null;
}
