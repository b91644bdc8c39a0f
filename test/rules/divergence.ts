/** What the gate says of a history that the code does not agree with any more: which one, where, why, and what to do. */

/** As much of a history's event as a sentence needs. */
export interface RecordedEvent {
  eventId: string;
  eventType: string;
  activityTaskScheduledEventAttributes?: { activityType?: { name?: string } };
}

const FIX =
  "Publishes that are running now would break there. Put the change behind `patched()`: CONTRIBUTING.md, “Changing a live workflow”.";
/** What the SDK's core says, which is quoted in the debug print of a structure. */
const CAUSE = /\[TMPRL1100\]\s*((?:[^"\\]|\\.)*)/s;

/** `error`: the SDK's message. Its event is the one that the SDK names by its id or by its activity; else the last of the history. */
export function divergence(
  error: string,
  { name, events }: { name: string; events: readonly RecordedEvent[] },
): string {
  const cause = (CAUSE.exec(error)?.[1] ?? error).replaceAll('\\"', '"').trim();
  const event = eventOf(cause, events);
  const where = event ? `event ${event.eventId}, ${event.eventType}` : "its beginning";
  return `${name} does not replay: the code decided otherwise at ${where}. ${cause}. ${FIX}`;
}

function eventOf(cause: string, events: readonly RecordedEvent[]): RecordedEvent | undefined {
  const id = /HistoryEvent\(id: (\d+)/.exec(cause)?.[1];
  const activity = /scheduled event '(\w+)'/.exec(cause)?.[1];
  const named = events.find((event) =>
    id === undefined
      ? activity !== undefined && event.activityTaskScheduledEventAttributes?.activityType?.name === activity
      : event.eventId === id,
  );
  return named ?? events.at(-1);
}
