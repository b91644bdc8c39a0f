/** What a job looked like at each event of its ledger: what a watcher who missed some of them is told, in order. */
import { isFinal, type JobStatus } from "../../contract/job-state.ts";
import type { JobRecord } from "./job-queries-store.ts";
import type { JobEvent } from "./ledger-store.ts";

export interface LogEntry {
  timestamp: string;
  level: string;
  message: string;
  /** Of a group's member that has ended. */
  member?: { key: string; job_id: string; status: JobStatus };
}

export interface JobMoment {
  event: JobEvent;
  status: JobStatus;
  generation: number;
  progress: number;
  step: string | null;
  /** What the job said of itself; a log entry changes nothing of it. */
  message: string | null;
  /** The newest record when the event was read. */
  record: JobRecord;
}

type Known = Pick<JobMoment, "status" | "generation" | "progress" | "step" | "message">;

/**
 * The moments of consecutive events. `before`: the moment just before the first; without it what came earlier is inferred
 * from the events themselves and from the record.
 */
export function momentsOf(record: JobRecord, events: readonly JobEvent[], before?: Known): JobMoment[] {
  let known = before ?? inferred(record, events);
  return events.map((event) => {
    const { kind, data } = event;
    if (kind === "status")
      known = { ...known, status: data["status"] as JobStatus, generation: Number(data["generation"]) };
    // Queued, or reopened: nothing of this generation is done yet but what a retry carries over.
    if (kind === "status" && (data["status"] === "queued" || data["reopened"] === true))
      known = { ...known, progress: Number(data["progress"] ?? 0), step: null };
    const done = data["status"] === "completed" || data["status"] === "partially_completed";
    if (kind === "status" && done) known = { ...known, progress: 100 };
    if (kind === "step")
      known = { ...known, step: String(data["step"]), progress: Math.max(known.progress, Number(data["progress"])) };
    // A member of a group that has ended moves it on.
    if (kind === "log" && typeof data["progress"] === "number")
      known = { ...known, progress: Math.max(known.progress, data["progress"]) };
    if (kind !== "log" && typeof data["message"] === "string") known = { ...known, message: data["message"] };
    const { status, generation, progress, step, message } = known;
    return { event, status, generation, progress, step, message, record };
  });
}

function inferred(record: JobRecord, events: readonly JobEvent[]): Known {
  const reopened = events.filter((event) => event.data["reopened"] === true).length;
  const status = isFinal(record.status) || reopened > 0 ? "running" : record.status;
  const next = events.find((event) => event.kind === "step" || event.data["reopened"] === true);
  return {
    status,
    generation: record.generation - reopened,
    // Before a step that begins, at least as much was done; nothing tells what an older generation had reached.
    progress: next?.kind === "step" ? Number(next.data["progress"]) : reopened > 0 ? 0 : record.progress,
    step: record.step,
    message: record.message,
  };
}

/**
 * The log entry that an event is, or null. Log events are; steps are when they begin, for their end is a log event too; states
 * are when a job is queued or reopened, for the others come with a step or a log event of the same words.
 */
export function logEntryOf({ kind, at, data }: JobEvent): LogEntry | null {
  const message = data["message"];
  if (typeof message !== "string") return null;
  const begins = kind === "step" && data["status"] === "running";
  const opens = kind === "status" && (data["status"] === "queued" || data["reopened"] === true);
  if (kind !== "log" && !begins && !opens) return null;
  const level = typeof data["level"] === "string" ? data["level"] : "info";
  const member = data["member"] as LogEntry["member"];
  return { timestamp: at, level, message, ...(member ? { member } : {}) };
}

/** Is this the event that ends the job's stream: the newest of a job that has ended? An older final one is history. */
export function isLastEvent(moment: JobMoment, job: JobRecord): boolean {
  return moment.event.seq === job.seq && isFinal(job.status);
}
