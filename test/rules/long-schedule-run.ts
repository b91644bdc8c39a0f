/**
 * The history of a schedule's run that has looked at its job `looks` times and goes on in another: an hour of real time, so none is recorded.
 * It is made of what is: a look and its pause from one run, the end from a group's.
 */
import { typeOf, type History, type HistoryEvent } from "../../src/replay/history.ts";
import { recordings } from "./replay-histories.ts";

/** References to events of before, in the attributes of others. */
const REFERENCES = ["scheduledEventId", "startedEventId", "workflowTaskCompletedEventId"];
/** Numbered as they are asked for. */
const NUMBERS = ["activityId", "timerId"];

export function longScheduleRun(looks: number): History {
  const { events } = recorded("scheduled-job", "goes-on");
  const begins = events.findIndex((event) => typeOf(event) === "ACTIVITY_TASK_SCHEDULED");
  const ends = events.findIndex((event, at) => at > begins && typeOf(event) === "ACTIVITY_TASK_SCHEDULED");
  const look = events.slice(begins, ends);
  const all = Array.from({ length: looks }, (_, turn) => look.map((event) => later(event, turn * look.length, turn)));
  const end = recorded("group", "continued").events.find(
    (event) => typeOf(event) === "WORKFLOW_EXECUTION_CONTINUED_AS_NEW",
  );
  const before = [...events.slice(0, begins), ...all.flat()];
  if (!end) throw new Error("the group has not continued as new");
  const { attributes, name } = namedAttributes(end);
  const ending = {
    ...end,
    eventId: String(before.length + 1),
    [name]: {
      ...attributes,
      workflowType: { name: "scheduledJob" },
      workflowTaskCompletedEventId: String(before.length),
    },
  };
  return { events: [...before, ending] };
}

function recorded(folder: string, scenario: string): History {
  const found = recordings(folder).find(({ name }) => name.endsWith(`-${scenario}`));
  if (!found) throw new Error(`${folder} has no recorded ${scenario}`);
  return found.history;
}

/** The same event of a later look. */
function later(event: HistoryEvent, events: number, turn: number): HistoryEvent {
  const { attributes, name } = namedAttributes(event);
  const moved = Object.entries(attributes).map(([member, value]) => {
    if (REFERENCES.includes(member)) return [member, String(Number(value) + events)];
    return [member, NUMBERS.includes(member) ? String(Number(value) + turn) : value];
  });
  return { ...event, eventId: String(Number(event.eventId) + events), [name]: Object.fromEntries(moved) };
}

function namedAttributes(event: HistoryEvent): { name: string; attributes: Record<string, unknown> } {
  const name = Object.keys(event).find((each) => each.endsWith("EventAttributes")) ?? "none";
  return { name, attributes: (event as unknown as Record<string, Record<string, unknown>>)[name] ?? {} };
}
