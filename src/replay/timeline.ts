/** A history in words, one line an event; the three events of a workflow task are one. */
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { JOB_TYPES } from "../../contract/job-types.ts";
import type { JobTypeDefinition, StepDefinition } from "../../contract/job-type-definition.ts";
import { printable, shortened } from "../../contract/printable.ts";
import { buildOf } from "./bundle.ts";
import { causeLines, failureSentence, ownFrames, progressWords, rootFailure } from "./failure-words.ts";
import {
  attributesOf,
  decodePayload,
  typeOf,
  type Failure,
  type History,
  type HistoryEvent,
  type Payload,
} from "./history.ts";
import type { ToldCommand } from "./told-command.ts";

export interface TimelineLine {
  event_id: number;
  /** Since the workflow started. */
  ms: number;
  /** `task`: of the machinery, for those who look at everything. */
  tone: "plain" | "good" | "bad" | "task";
  text: string;
  /** Causes, frames of stacks. */
  more: string[];
}

interface Told {
  tone?: TimelineLine["tone"];
  text: string;
  more?: string[];
}

interface Telling {
  byId: ReadonlyMap<string, HistoryEvent>;
  /** Source lines that asked for activities and timers, by the name of the event and their own. */
  places: ReadonlyMap<string, string>;
  /** Of the job type whose workflow this is; of all of them where that is unknown: names may be steps of several. */
  steps: readonly StepDefinition[];
}

export function tellTimeline(
  { events }: History,
  commands: ReadonlyMap<number, ToldCommand[]> = new Map(),
): TimelineLine[] {
  const telling: Telling = {
    byId: new Map(events.map((event) => [event.eventId, event])),
    places: placesOf(events, commands),
    steps: stepsOf(events),
  };
  const begin = timeOf(events[0]);
  return events.flatMap((event) => {
    const told = tell(event, telling);
    if (!told) return [];
    const { tone = "plain", text, more = [] } = told;
    // Every name in it can be a stranger's: identities, signals, timers.
    const shown = { text: printable(text), more: more.map(printable) };
    return [{ event_id: Number(event.eventId), ms: timeOf(event) - begin, tone, ...shown }];
  });
}

function stepsOf(events: HistoryEvent[]): readonly StepDefinition[] {
  const started = events.find((event) => typeOf(event) === "WORKFLOW_EXECUTION_STARTED");
  const workflow = started && attributesOf(started).workflowType?.name;
  const types: readonly JobTypeDefinition[] = Object.values(JOB_TYPES);
  const own = types.filter((type) => type.workflow === workflow);
  return (own.length > 0 ? own : types).flatMap((type) => type.steps);
}

const timeOf = (event: HistoryEvent | undefined): number => Date.parse(event?.eventTime ?? "") || 0;
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** `workflows/publish.ts:47`, from the checkout's root. */
export const shownPlace = (place: string): string => (place.startsWith(ROOT) ? relative(ROOT, place) : place);

function placesOf(events: HistoryEvent[], commands: ReadonlyMap<number, ToldCommand[]>): Map<string, string> {
  const places = new Map<string, string>();
  for (const completed of events) {
    if (typeOf(completed) !== "WORKFLOW_TASK_COMPLETED") continue;
    for (const { event, name, place } of commands.get(Number(attributesOf(completed).startedEventId)) ?? [])
      if (place) places.set(`${completed.eventId} ${event} ${name}`, shownPlace(place));
  }
  return places;
}

function tell(event: HistoryEvent, telling: Telling): Told | null {
  const its = attributesOf(event);
  const type = typeOf(event);
  const summary = summaryOf(event);
  const place = telling.places.get(
    `${its.workflowTaskCompletedEventId ?? ""} ${type} ${its.activityType?.name ?? its.timerId ?? ""}`,
  );
  const from = place ? `  (${place})` : "";
  switch (type) {
    case "WORKFLOW_EXECUTION_STARTED":
      return { text: `${its.workflowType?.name ?? "workflow"} started${summary ? `: ${summary}` : ""}` };
    case "WORKFLOW_TASK_SCHEDULED":
    case "WORKFLOW_TASK_STARTED":
      return null;
    case "WORKFLOW_TASK_COMPLETED":
      return {
        tone: "task",
        text: `workflow task, by ${its.identity ?? "?"}${buildOf(event) ? `, build ${shortened(buildOf(event)!, 60)}` : ""}`,
      };
    case "WORKFLOW_TASK_FAILED":
      return tellFailedTask(event);
    case "WORKFLOW_TASK_TIMED_OUT":
      return { tone: "bad", text: "workflow task timed out: the worker that had it did not answer" };
    case "ACTIVITY_TASK_SCHEDULED":
      return { text: `${stepWords(event, telling)} scheduled${summary ? `: ${summary}` : ""}${from}` };
    case "ACTIVITY_TASK_STARTED":
      return tellAttempt(event, telling);
    case "ACTIVITY_TASK_COMPLETED":
      return { tone: "good", text: `${stepWords(event, telling)} done${tookWords(event, telling)}` };
    case "ACTIVITY_TASK_FAILED":
    case "ACTIVITY_TASK_TIMED_OUT":
      return tellFailure(`${stepWords(event, telling)} failed${tookWords(event, telling)}`, its.failure);
    case "ACTIVITY_TASK_CANCEL_REQUESTED":
      return { text: `${stepWords(event, telling)} is asked to stop` };
    case "ACTIVITY_TASK_CANCELED": {
      const said = progressWords(its.details?.payloads);
      return { text: `${stepWords(event, telling)} stopped${said ? `, at ${said}` : ""}` };
    }
    case "TIMER_STARTED":
      return { text: `timer ${its.timerId ?? "?"} of ${its.startToFireTimeout ?? "?"} started${from}` };
    case "TIMER_FIRED":
      return { text: `timer ${its.timerId ?? "?"} fired` };
    case "MARKER_RECORDED":
      return {
        text: its.markerName === "core_patch" ? `patched: ${patchOf(event)}` : `marker ${its.markerName ?? "?"}`,
      };
    case "WORKFLOW_EXECUTION_SIGNALED":
      return { text: `signal ${its.signalName ?? "?"}, by ${its.identity ?? "?"}` };
    case "WORKFLOW_EXECUTION_CANCEL_REQUESTED":
      return { text: `cancel requested, by ${its.identity || "?"}${its.cause ? `: ${its.cause}` : ""}` };
    case "WORKFLOW_EXECUTION_COMPLETED":
      return { tone: "good", text: "the workflow completed" };
    case "WORKFLOW_EXECUTION_FAILED":
      return tellFailure("the workflow failed", its.failure);
    case "WORKFLOW_EXECUTION_CANCELED":
      return { tone: "bad", text: "the workflow ended as cancelled" };
    case "WORKFLOW_EXECUTION_TERMINATED":
      return {
        tone: "bad",
        text: `terminated by ${its.identity ?? "?"}${its.reason ? `: ${its.reason}` : ""}`,
      };
    case "WORKFLOW_EXECUTION_TIMED_OUT":
      return { tone: "bad", text: "the workflow passed its time limit" };
    default:
      return { text: type.toLowerCase().replaceAll("_", " ") };
  }
}

/** Attempts that failed before this one are not in a history; the last of their failures is. */
function tellAttempt(event: HistoryEvent, telling: Telling): Told {
  const { attempt = 1, identity, lastFailure } = attributesOf(event);
  const text = `${stepWords(event, telling)} attempt ${attempt}, by ${identity ?? "?"}`;
  if (!lastFailure) return { text };
  return {
    text,
    more: [
      `the attempt before it: ${failureSentence(rootFailure(lastFailure))}`,
      ...causeLines(rootFailure(lastFailure)),
    ],
  };
}

function tellFailure(what: string, failure: Failure | undefined): Told {
  if (!failure) return { tone: "bad", text: what };
  const root = rootFailure(failure);
  // An activity's failure was told with the activity.
  const told = failure !== root && failure.activityFailureInfo !== undefined;
  const more = told ? [] : [...causeLines(root), ...ownFrames(root)];
  return { tone: "bad", text: `${what}: ${failureSentence(root)}`, more };
}

function tellFailedTask(event: HistoryEvent): Told {
  const { cause = "", failure, newRunId } = attributesOf(event);
  const word = cause.replace("WORKFLOW_TASK_FAILED_CAUSE_", "");
  if (word === "RESET_WORKFLOW")
    return {
      text: `reset by an operator: what follows is the run ${newRunId || "?"}`,
      more: [failure?.message ?? ""],
    };
  return tellFailure(`workflow task failed (${word.toLowerCase().replaceAll("_", " ")})`, failure);
}

/** `Upload release and tiles (upload)`; the activity alone where it is no step. */
function stepWords(event: HistoryEvent, { byId, steps }: Telling): string {
  const { activityType, scheduledEventId } = attributesOf(event);
  const scheduled = byId.get(scheduledEventId ?? "");
  const activity = activityType?.name ?? (scheduled && attributesOf(scheduled).activityType?.name) ?? "?";
  const label = steps.find((step) => step.activity === activity)?.label;
  return label ? `${label} (${activity})` : activity;
}

/** How long the last attempt took. */
function tookWords(event: HistoryEvent, { byId }: Telling): string {
  const started = byId.get(attributesOf(event).startedEventId ?? "");
  return started ? ` after ${duration(timeOf(event) - timeOf(started))}` : "";
}

export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return ms < 120_000 ? `${(ms / 1_000).toFixed(1)} s` : `${(ms / 60_000).toFixed(1)} min`;
}

function summaryOf({ userMetadata }: HistoryEvent): string {
  const summary = decodePayload(userMetadata?.summary ?? {});
  return typeof summary === "string" ? shortened(summary, 200) : "";
}

function patchOf(event: HistoryEvent): string {
  const { details } = attributesOf(event) as { details?: Record<string, { payloads?: Payload[] }> };
  const data = decodePayload(details?.["patch-data"]?.payloads?.[0] ?? {}) as { id?: unknown } | null | undefined;
  return typeof data?.id === "string" ? data.id : "?";
}
