/**
 * Frames of server-sent events, as bytes. Each is encoded once per job: the caches hang on the very objects that the feed
 * hands to every watcher. Only ledger events carry `id:`; percent and message do not, for nobody can resume from them.
 */
import { FINAL_EVENT_NAMES, isFinal } from "../../../contract/job-state.ts";
import { readableJobId } from "../../../contract/workflow-id.ts";
import { logEntryOf, type JobMoment, type LogEntry } from "../../jobs/job-moments.ts";
import type { JobRecord } from "../../jobs/job-queries-store.ts";

/** `stream` speaks S0's words, `events` those of S2. */
export type Vocabulary = "stream" | "events";

/** ms that a client waits before it comes back. */
export const RETRY_MS = 2_000;

const UPDATE: Record<Vocabulary, string> = { stream: "job_update", events: "status" };

export interface Frame {
  event: string;
  /** One JSON line. */
  data: unknown;
  /** `seq` of a ledger event. */
  id?: number;
  retry?: number;
}

/** Line ends are LF, and JSON has none inside a line: nothing can break out of `data`. */
export function encodeFrame({ event, data, id, retry }: Frame): Buffer {
  if (!/^[\w-]+$/.test(event)) throw new Error(`not an event name: ${JSON.stringify(event)}`);
  const lines = [
    ...(id === undefined ? [] : [`id: ${id}`]),
    `event: ${event}`,
    ...(retry === undefined ? [] : [`retry: ${retry}`]),
    `data: ${JSON.stringify(data)}`,
  ];
  return Buffer.from(`${lines.join("\n")}\n\n`);
}

export const PING = encodeFrame({ event: "ping", data: {} });

const stateOf = (job: JobRecord) => ({
  id: job.id,
  job_id: readableJobId(job.id),
  status: job.status,
  progress: job.progress,
  message: job.message,
  step: job.step,
  steps: job.steps,
  generation: job.generation,
});

/** The newest state without log entries: progress, and the last word before the final event. */
export const encodeProgress = oncePer((job: JobRecord, words) =>
  encodeFrame({ event: UPDATE[words], retry: RETRY_MS, data: { ...stateOf(job), logs: [] } }),
);

/** One ledger event with its own log entry only. A final event that a reopening made history is an update like others. */
export const encodeMoment = oncePer((moment: JobMoment, words) => {
  const { event, record } = moment;
  const { status, generation, progress, step } = moment;
  const message = typeof event.data["message"] === "string" ? event.data["message"] : record.message;
  const entry = logEntryOf(event);
  const data = { ...stateOf(record), status, generation, progress, step, message, logs: entry ? [entry] : [] };
  return encodeFrame({ event: UPDATE[words], id: event.seq, retry: RETRY_MS, data });
});

/** `job-complete`, `job-failed` or `job-cancelled`, in the same words on both paths. */
export const encodeFinal = oncePer((job: JobRecord) => {
  if (!isFinal(job.status)) throw new Error(`job ${job.id} is ${job.status}, which ends no stream`);
  const { result, error, error_code, errors } = job;
  const data = { ...stateOf(job), result, error, error_code, errors };
  return encodeFrame({ event: FINAL_EVENT_NAMES[job.status], id: job.seq, retry: RETRY_MS, data });
});

/** The first frame of a new stream. `reset`: the cursor that was given names nothing any more, so this begins anew. */
export function encodeSnapshot(job: JobRecord, logs: LogEntry[], words: Vocabulary, reset: boolean): Buffer {
  if (!reset) return encodeGreeting(logs, words, job);
  return snapshotFrame(job, logs, words, true);
}

/** By the logs, which all who are greeted at the same state share. */
const encodeGreeting = oncePer((logs: LogEntry[], words, job: JobRecord) => snapshotFrame(job, logs, words, false));

function snapshotFrame(job: JobRecord, logs: LogEntry[], words: Vocabulary, reset: boolean): Buffer {
  const data = { ...stateOf(job), logs, snapshot: true, ...(reset ? { reset } : {}) };
  return encodeFrame({ event: UPDATE[words], retry: RETRY_MS, data });
}

function oncePer<Subject extends object, Rest extends unknown[]>(
  encode: (subject: Subject, words: Vocabulary, ...rest: Rest) => Buffer,
): (subject: Subject, words: Vocabulary, ...rest: Rest) => Buffer {
  const known: Record<Vocabulary, WeakMap<Subject, Buffer>> = { stream: new WeakMap(), events: new WeakMap() };
  return (subject, words, ...rest) => {
    const frame = known[words].get(subject) ?? encode(subject, words, ...rest);
    known[words].set(subject, frame);
    return frame;
  };
}
