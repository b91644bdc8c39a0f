/**
 * What a watcher has been told of its job, over however many connections, polls and gateways: each event of the ledger once, or
 * held in a snapshot; each log entry once; the end once.
 */
import { FINAL_EVENT_NAMES, isFinal } from "../../contract/job-state.ts";
import type { Frame } from "./event-stream.ts";
import type { EndedJob, Job, JobState, LogEntry } from "./job.ts";
import { createToldLogs } from "./told-logs.ts";
import type { JobFinal, JobUpdate } from "./watch-events.ts";

export interface Told {
  /** What the next connection brings as `Last-Event-ID`. Null: the present state is wanted, for what is behind it has been told otherwise. */
  cursor(): string | null;
  /** What a frame of a stream has to say; null if it was said before, or is no news. */
  frame(frame: Frame): JobUpdate | JobFinal | null;
  /** What the answer to a poll has to say. */
  poll(job: Job): (JobUpdate | JobFinal)[];
  /** How the job ended, when a stream has said that there is nothing else to tell; null if it has been opened again. */
  ending(job: Job): JobFinal | null;
}

const FINAL_EVENTS = new Set<string>(Object.values(FINAL_EVENT_NAMES));

/** `lastEventId`: where a watcher goes on that was told everything up to there before. */
export function createTold(lastEventId: string | null): Told {
  const logs = createToldLogs(lastEventId !== null);
  let newest = lastEventId;
  let cursor = lastEventId;
  let shown = "";

  /** A gateway that is behind, or a replay: the ledger's ids only grow. */
  function isNew(id: string | undefined): boolean {
    if (id === undefined) return true;
    if (newest !== null && Number(id) <= Number(newest)) return false;
    newest = id;
    cursor = id;
    return true;
  }

  function update(job: JobState, more: Omit<JobUpdate, "type" | "job">): JobUpdate {
    shown = JSON.stringify(stateOf(job));
    return { type: "update", ...more, job };
  }

  function forget(): void {
    logs.forget();
    [newest, cursor] = [null, null];
  }

  return {
    cursor: () => cursor,
    frame({ event, id, data }) {
      if (data["reset"] === true) forget();
      if (!isNew(id)) return null;
      if (FINAL_EVENTS.has(event)) return finalOf(data as unknown as EndedJob, id);
      if (event !== "job_update") return null;
      const {
        logs: entries,
        snapshot,
        reset,
        ...job
      } = data as unknown as JobState & {
        logs: LogEntry[];
        snapshot?: true;
        reset?: true;
      };
      const place = id === undefined ? {} : { id };
      if (!snapshot) return update(job, { ...place, logs: logs.next(entries), snapshot: false, reset: false });
      const news = logs.untold(entries);
      return update(job, { ...place, logs: news.logs, snapshot, reset: news.reset || reset === true });
    },
    poll(job) {
      const state = stateOf(job);
      const news = logs.untold(job.logs);
      const events: (JobUpdate | JobFinal)[] = [];
      if (news.reset || news.logs.length > 0 || JSON.stringify(state) !== shown) {
        // From the old cursor a stream would say again, one by one, what this says at once.
        if (news.reset) newest = null;
        cursor = null;
        events.push(update(state, { ...news, snapshot: true }));
      }
      if (isFinal(job.status)) events.push(finalOf(endedOf(job)));
      return events;
    },
    ending: (job) => (isFinal(job.status) ? finalOf(endedOf(job), cursor ?? undefined) : null),
  };
}

function finalOf(job: EndedJob, id?: string): JobFinal {
  const event = FINAL_EVENT_NAMES[job.status] as JobFinal["event"];
  return { type: "final", event, ...(id === undefined ? {} : { id }), job };
}

/** In the order of the stream's frames. */
function stateOf(job: JobState): JobState {
  const { id, job_id, status, progress, message, step, steps, generation } = job;
  const { cancellation, attention, attempt, next_attempt_at, notice } = job;
  return {
    ...{ id, job_id, status, progress, message, step, steps, generation },
    ...(cancellation ? { cancellation } : {}),
    ...(attention ? { attention } : {}),
    ...(attempt !== undefined && attempt > 1 ? { attempt } : {}),
    ...(next_attempt_at ? { next_attempt_at } : {}),
    ...(notice ? { notice } : {}),
  };
}

function endedOf(job: Job): EndedJob {
  const { result, error, error_code, errors } = job;
  return { ...stateOf(job), result, error, error_code, errors } as EndedJob;
}
