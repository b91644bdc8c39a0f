/** Why a replay failed, in words: the event, what the history says there, what the code did instead. */
import { attributesOf, typeOf, type History, type HistoryEvent } from "./history.ts";
import type { ToldCommand } from "./told-command.ts";

export interface Divergence {
  /** `nondeterminism`: the code decided something else. `error`: it could not go on at all. */
  kind: "nondeterminism" | "error";
  /** Of the first event that does not fit; null when there is no telling. */
  event_id: number | null;
  /** What stands there; null when the code did more than the history has. */
  history: string | null;
  /** What the code did; null when it did nothing there. */
  code: string | null;
  /** Source line of what the code did, absolute, `…/publish.ts:47`. */
  place: string | null;
  /** In the SDK's words. */
  reason: string;
}

/** Types of events that only code of a workflow causes. */
const DECIDED =
  /^(ACTIVITY_TASK_(SCHEDULED|CANCEL_REQUESTED)|TIMER_(STARTED|CANCELED)|MARKER_RECORDED|START_CHILD_WORKFLOW_EXECUTION_INITIATED|SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED|UPSERT_WORKFLOW_SEARCH_ATTRIBUTES|WORKFLOW_PROPERTIES_MODIFIED|WORKFLOW_EXECUTION_(COMPLETED|FAILED|CANCELED|CONTINUED_AS_NEW))$/;

export function explainDivergence({
  error,
  history,
  commands,
}: {
  error: Error;
  history: History;
  commands: ReadonlyMap<number, ToldCommand[]>;
}): Divergence {
  const reason = reasonOf(error.message);
  if (!/nondeterminism|TMPRL1100/i.test(error.message)) {
    return { kind: "error", event_id: failedTask(history, commands), history: null, code: null, place: null, reason };
  }
  const named = Number(/HistoryEvent\(id: (\d+)/.exec(error.message)?.[1] ?? 0);
  const found = firstMismatch(history, commands) ?? atEvent(history, named);
  return { kind: "nondeterminism", ...found, reason };
}

type Mismatch = Pick<Divergence, "event_id" | "history" | "code" | "place">;

/** Task by task: what the server wrote down of the old code's decisions, against what this code decided. */
function firstMismatch({ events }: History, commands: ReadonlyMap<number, ToldCommand[]>): Mismatch | null {
  for (const completed of events) {
    if (typeOf(completed) !== "WORKFLOW_TASK_COMPLETED") continue;
    const told = commands.get(Number(attributesOf(completed).startedEventId));
    if (!told) continue;
    const written = events.filter(
      (event) => DECIDED.test(typeOf(event)) && attributesOf(event).workflowTaskCompletedEventId === completed.eventId,
    );
    for (let at = 0; at < Math.max(written.length, told.length); at++) {
      const [event, command] = [written[at], told[at]];
      if (event && command && fits(event, command)) continue;
      return {
        event_id: event ? Number(event.eventId) : nextId(completed, events),
        history: event ? describeEvent(event) : null,
        code: command ? describeCommand(command) : null,
        place: command?.place ?? null,
      };
    }
  }
  return null;
}

function atEvent({ events }: History, id: number): Mismatch {
  const event = events.find(({ eventId }) => Number(eventId) === id);
  return { event_id: id || null, history: event ? describeEvent(event) : null, code: null, place: null };
}

/** The event that follows, where the history has none for what the code did. */
function nextId(completed: HistoryEvent, events: HistoryEvent[]): number {
  const next = events[events.indexOf(completed) + 1] ?? completed;
  return Number(next.eventId);
}

/** The first workflow task that the code did not get through: it told nothing of it. */
function failedTask({ events }: History, commands: ReadonlyMap<number, ToldCommand[]>): number | null {
  const tasks = events.flatMap((event) =>
    typeOf(event) === "WORKFLOW_TASK_COMPLETED" ? Number(attributesOf(event).startedEventId) : [],
  );
  const last = events.findLast((event) => typeOf(event) === "WORKFLOW_TASK_STARTED");
  return tasks.find((task) => !commands.has(task)) ?? (last ? Number(last.eventId) : null);
}

function fits(event: HistoryEvent, command: ToldCommand): boolean {
  if (typeOf(event) !== command.event) return false;
  const { activityType, timerId, markerName } = attributesOf(event);
  if (command.kind === "activity") return activityType?.name === command.name;
  if (command.kind === "timer") return timerId === command.name;
  return command.kind !== "patch" || markerName === "core_patch";
}

/** `the activity upload was scheduled` */
export function describeEvent(event: HistoryEvent): string {
  const { activityType, timerId, markerName, workflowType } = attributesOf(event);
  switch (typeOf(event)) {
    case "ACTIVITY_TASK_SCHEDULED":
      return `the activity ${activityType?.name ?? "?"} was scheduled`;
    case "TIMER_STARTED":
      return `the timer ${timerId ?? "?"} was started`;
    case "START_CHILD_WORKFLOW_EXECUTION_INITIATED":
      return `the child workflow ${workflowType?.name ?? "?"} was started`;
    case "MARKER_RECORDED":
      return markerName === "core_patch" ? "a patch was noted" : `the marker ${markerName ?? "?"} was recorded`;
    case "WORKFLOW_EXECUTION_COMPLETED":
      return "the workflow completed";
    case "WORKFLOW_EXECUTION_FAILED":
      return "the workflow failed";
    case "WORKFLOW_EXECUTION_CANCELED":
      return "the workflow ended as cancelled";
    default:
      return typeOf(event).toLowerCase().replaceAll("_", " ");
  }
}

function describeCommand({ kind, event, name }: ToldCommand): string {
  if (kind === "activity") return `it scheduled the activity ${name}`;
  if (kind === "timer") return `it started the timer ${name}`;
  if (kind === "child") return `it started the child workflow ${name}`;
  if (kind === "patch") return `it asked for the patch ${name}`;
  if (event === "WORKFLOW_EXECUTION_COMPLETED") return "it completed";
  if (event === "WORKFLOW_EXECUTION_FAILED") return "it failed";
  if (event === "WORKFLOW_EXECUTION_CANCELED") return "it ended as cancelled";
  return `it asked for: ${event.toLowerCase().replaceAll("_", " ")}`;
}

/** The SDK wraps its sentence in the debug print of a Rust structure. */
function reasonOf(message: string): string {
  const quoted = /message: "((?:[^"\\]|\\.)*)"/.exec(message)?.[1];
  return (quoted ?? message.replace(/^.*?Details: /s, "")).replaceAll('\\"', '"').replaceAll(String.raw`\n`, "\n");
}
