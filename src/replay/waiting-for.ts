/** Where the code of an unfinished history stands: what it has asked for and not got. */
import { attributesOf, typeOf, type History } from "./history.ts";

/** `upload (event 17)`; empty when the workflow has ended. */
export function waitingFor({ events }: History): string[] {
  if (
    events.some((event) =>
      /^WORKFLOW_EXECUTION_(COMPLETED|FAILED|CANCELED|TERMINATED|TIMED_OUT|CONTINUED_AS_NEW)$/.test(typeOf(event)),
    )
  )
    return [];
  const done = new Set(
    events
      .filter((event) => /^ACTIVITY_TASK_(COMPLETED|FAILED|TIMED_OUT|CANCELED)$/.test(typeOf(event)))
      .map((event) => attributesOf(event).scheduledEventId),
  );
  return events
    .filter((event) => typeOf(event) === "ACTIVITY_TASK_SCHEDULED" && !done.has(event.eventId))
    .map((event) => `${attributesOf(event).activityType?.name ?? "?"} (event ${event.eventId})`);
}
