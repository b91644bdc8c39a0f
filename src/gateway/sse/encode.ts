/**
 * What watchers are told, as frames. Each is encoded once per job, and kept with the very object that the feed hands to every watcher.
 * Only ledger events carry `id:`; percent and message do not, for nobody can resume from them.
 */
import { FINAL_EVENT_NAMES, isFinal } from "../../../contract/job-state.ts";
import { readableJobId } from "../../../contract/workflow-id.ts";
import { iso } from "../../db.ts";
import { logEntryOf, type JobMoment, type LogEntry } from "../../jobs/job-moments.ts";
import type { JobRecord } from "../../jobs/job-queries-store.ts";
import { trialsView } from "../../jobs/job-view.ts";
import type { ShownJob } from "../../jobs/second-opinion.ts";
import { createFrame, type Frames } from "./frame.ts";

/** `stream` speaks S0's words, `events` those of S2. */
export type Vocabulary = "stream" | "events";

/** ms that a client waits before it comes back. */
export const RETRY_MS = 2_000;

const UPDATE: Record<Vocabulary, string> = { stream: "job_update", events: "status" };

export const PING = createFrame({ event: "ping", data: {} });

const stateOf = (job: ShownJob) => ({
  id: job.id,
  job_id: readableJobId(job.id),
  status: job.status,
  progress: job.progress,
  message: job.message,
  step: job.step,
  steps: job.steps,
  generation: job.generation,
  ...trialsView(job),
  ...(job.notice ? { notice: job.notice } : {}),
});

const outcomeOf = ({ result, error, error_code, errors }: JobRecord) => ({ result, error, error_code, errors });

/** The newest state without log entries: progress, and the last word before the final event. */
export const encodeProgress = oncePer((job: ShownJob, words) =>
  createFrame({ event: UPDATE[words], retry: RETRY_MS, data: { ...stateOf(job), logs: [] } }),
);

/** One ledger event with its own log entry only. A final event that a reopening made history is an update like others. */
export const encodeMoment = oncePer((moment: JobMoment, words) => {
  const { event, record, status, generation, progress, step, message } = moment;
  const entry = logEntryOf(event);
  const data = { ...stateOf(record), status, generation, progress, step, message, logs: entry ? [entry] : [] };
  return createFrame({ event: UPDATE[words], id: event.seq, retry: RETRY_MS, data });
});

/** `job-complete`, `job-failed` or `job-cancelled`, in the same words on both paths. */
export const encodeFinal = oncePer((job: JobRecord) => {
  if (!isFinal(job.status)) throw new Error(`job ${job.id} is ${job.status}, which ends no stream`);
  const data = { ...stateOf(job), ...outcomeOf(job) };
  return createFrame({ event: FINAL_EVENT_NAMES[job.status], id: job.seq, retry: RETRY_MS, data });
});

/**
 * The first frame of a new stream. `reset`: the cursor that was given names nothing, so this begins anew. It alone carries an id, for a
 * client would otherwise keep its cursor, which may name an event by the time it comes back. Before a final event it is the number of the one
 * before it: with the last one a client is told that it has seen the end.
 */
export function encodeSnapshot(job: ShownJob, logs: LogEntry[], words: Vocabulary, reset: boolean): Frames {
  return reset ? encodeReset(job, words, logs) : encodeGreeting(job, words, logs);
}

const encodeGreeting = oncePer((job: ShownJob, words, logs: LogEntry[]) =>
  createFrame({ event: UPDATE[words], retry: RETRY_MS, data: { ...stateOf(job), logs, snapshot: true } }),
);

const encodeReset = oncePer((job: ShownJob, words, logs: LogEntry[]) =>
  createFrame({
    ...{ event: UPDATE[words], retry: RETRY_MS, id: isFinal(job.status) ? job.seq - 1 : job.seq },
    data: { ...stateOf(job), logs, snapshot: true, reset: true },
  }),
);

/** One job on a stream of many: its present state, as an update or, once it is final, as its final event. Without id and logs. */
export const encodeState = oncePer((job: JobRecord) => {
  const { job_type, project, version, environment } = job;
  const whose = { job_type, project, version, environment, created_at: iso(job.created_at) };
  if (!isFinal(job.status)) return createFrame({ event: UPDATE.stream, data: { ...stateOf(job), ...whose } });
  return createFrame({
    event: FINAL_EVENT_NAMES[job.status],
    data: { ...stateOf(job), ...whose, ...outcomeOf(job) },
  });
});

/** The same on the stream of its group, whose own words tell how the group ends: so always an update, of which job `member_key` says. */
export const encodeMember = oncePer((job: JobRecord) =>
  createFrame({
    event: "member_update",
    data: { ...stateOf(job), job_type: job.job_type, member_key: job.member_key, error_code: job.error_code },
  }),
);

/** Closes a batch of states: what was sent before it is all that had changed before the watermark. */
export function encodeSynced(watermark: string, changed: number, reset: boolean): Frames {
  const data = { changed, ...(reset ? { reset } : {}) };
  return createFrame({ event: "synced", id: watermark, retry: RETRY_MS, data });
}

/** A problem of the stream itself, after which it ends; our clients come back. */
export function encodeError(problem: { code: string; message: string }, retry?: number): Frames {
  return createFrame({ event: "error", ...(retry === undefined ? {} : { retry }), data: problem });
}

export const BROKEN_OFF = encodeError({
  code: "unavailable",
  message: "The stream broke off; come back with Last-Event-ID.",
});

/**
 * Kept as a property of the subject, not in a WeakMap: with thousands of new subjects a second V8 stood still for 100 ms to clean those
 * up. Not enumerable, or a copy of the subject with other members would bring the old frames along.
 */
function oncePer<Subject extends object, Rest extends unknown[]>(
  encode: (subject: Subject, words: Vocabulary, ...rest: Rest) => Frames,
): (subject: Subject, words: Vocabulary, ...rest: Rest) => Frames {
  const kept = { stream: Symbol("stream"), events: Symbol("events") };
  return (subject, words, ...rest) => {
    const key = kept[words];
    const known = (subject as Record<symbol, Frames | undefined>)[key];
    if (known) return known;
    const value = encode(subject, words, ...rest);
    Object.defineProperty(subject, key, { value });
    return value;
  };
}
