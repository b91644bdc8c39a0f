/**
 * One watcher's stream.
 *
 *   greeting ──snapshot written, or a cursor to go on from──► following ──final event, age, closing──► ended
 *
 * It holds a position in the ledger, and nothing else: while the client reads slowly it writes nothing, and then what is newest,
 * so a slow client costs no memory. What is between its position and the feed's tail is read from the ledger. That is also the
 * seam of a resume: it watches first, then reads from its cursor on, and can neither miss nor repeat an event.
 */
import type { ServerResponse } from "node:http";
import { isFinal } from "../../../contract/job-state.ts";
import { isLastEvent, momentsOf, type JobMoment, type LogEntry } from "../../jobs/job-moments.ts";
import type { JobRecord } from "../../jobs/job-queries-store.ts";
import type { JobEvent } from "../../jobs/ledger-store.ts";
import type { ProgressFeed, Watch } from "../../jobs/progress-feed.ts";
import * as encode from "./encode.ts";
import type { Beginning } from "./resume.ts";

export interface StreamOptions {
  res: ServerResponse;
  feed: ProgressFeed;
  job_id: string;
  beginning: Exclude<Beginning, { kind: "nothing" }>;
  words: encode.Vocabulary;
  /** Events with `after < seq`, in order, some hundred at most. */
  readEvents(after: number): Promise<JobEvent[]>;
  /** All log entries up to the job's `seq`, read once for all who greet at the same state. */
  readLogs(job: JobRecord): Promise<LogEntry[]>;
  pingMs: number;
  /** The stream ends at a random moment between two thirds of this and all of it. */
  maxAgeMs: number;
  /** Something went wrong on our side; the stream has ended and its client will come back. */
  failed(error: unknown): void;
}

export const STREAM_HEADERS = {
  "Content-Type": "text/event-stream",
  "Cache-Control": "no-cache, no-transform",
  Connection: "keep-alive",
  "X-Accel-Buffering": "no",
};

/** A client that leaves more than this unread for that long is dropped; its cursor brings it back. */
const MAX_UNREAD_BYTES = 1_048_576;
const MAX_STALL_MS = 5_000;

/** Writes the headers at once, and everything else as it happens. Resolves when the stream has ended, whoever ended it. */
export async function openStream(options: StreamOptions): Promise<void> {
  const { res, words } = options;
  let watch: Watch | undefined;
  /** Everything up to here has been written; null before the greeting. */
  let position: number | null = options.beginning.kind === "resume" ? options.beginning.after : null;
  /** The state that the client saw last. */
  let shown: JobRecord | null = null;
  let over = false;
  let pumping = false;
  let again = false;
  const ended = Promise.withResolvers<void>();
  let stall: NodeJS.Timeout | undefined;

  const ping = setInterval(() => {
    if (!res.writableNeedDrain) write(encode.PING);
  }, options.pingMs);
  const age = setTimeout(end, options.maxAgeMs * (2 / 3 + Math.random() / 3));

  res.once("close", release);
  res.on("error", release);
  res.on("drain", pump);
  res.writeHead(200, STREAM_HEADERS);
  res.flushHeaders();

  try {
    const watching = await options.feed.watch(options.job_id, { changed: pump, closing: end });
    // The client may have gone while the job was read.
    if (over) watching.release();
    else watch = watching;
    pump();
  } catch (error) {
    giveUp(error);
  }
  return ended.promise;

  function pump(): void {
    again = true;
    if (pumping || !watch) return;
    pumping = true;
    void (async () => {
      while (again && !over) {
        again = false;
        await step().catch(giveUp);
      }
      pumping = false;
    })();
  }

  /** Writes what the client has not seen, until it is up to date or its socket is full: `drain` goes on from there. */
  async function step(): Promise<void> {
    const watching = watch;
    if (!watching || res.writableNeedDrain) return;
    if (position === null) await greet(watching.job);
    while (!over && position !== null && position < watching.job.seq) {
      for (const moment of await momentsAfter(watching, position)) {
        if (over || res.writableNeedDrain) return;
        writeMoment(moment, watching.job);
      }
    }
    if (over || shown === watching.job || res.writableNeedDrain) return;
    shown = watching.job;
    write(encode.encodeProgress(shown, words));
  }

  async function greet(job: JobRecord): Promise<void> {
    const logs = await options.readLogs(job);
    if (over) return;
    position = job.seq;
    shown = job;
    write(encode.encodeSnapshot(job, logs, words, options.beginning.kind === "fresh" && options.beginning.reset));
    if (!isFinal(job.status)) return;
    write(encode.encodeFinal(job, words));
    end();
  }

  /** Never beyond the record's `seq`: whether an event is the last one is known only together with it. */
  async function momentsAfter({ job, tail }: Watch, after: number): Promise<readonly JobMoment[]> {
    const index = tail.findIndex((moment) => moment.event.seq === after + 1);
    if (index >= 0) return tail.slice(index);
    const events = (await options.readEvents(after)).filter((event) => event.seq <= job.seq);
    if (events.length === 0) throw new Error(`the ledger of job ${job.id} ends before ${job.seq}`);
    return momentsOf(job, events);
  }

  function writeMoment(moment: JobMoment, job: JobRecord): void {
    position = moment.event.seq;
    if (isLastEvent(moment, job)) {
      write(encode.encodeProgress(job, words));
      write(encode.encodeFinal(job, words));
      return end();
    }
    write(encode.encodeMoment(moment, words));
    if (moment.record === job && position === job.seq) shown = job;
  }

  function write(frame: Buffer): void {
    if (over || res.write(frame)) return;
    stall ??= setTimeout(checkStall, MAX_STALL_MS);
  }

  function checkStall(): void {
    stall = undefined;
    if (res.writableLength > MAX_UNREAD_BYTES) res.destroy();
    else if (res.writableNeedDrain) stall = setTimeout(checkStall, MAX_STALL_MS);
  }

  function giveUp(error: unknown): void {
    if (over) return;
    options.failed(error);
    if (words === "events") {
      write(
        encode.encodeFrame({
          event: "error",
          data: { code: "unavailable", message: "The stream broke off; come back with Last-Event-ID." },
        }),
      );
    }
    end();
  }

  function end(): void {
    if (!over) res.end();
    release();
  }

  function release(): void {
    over = true;
    watch?.release();
    watch = undefined;
    clearInterval(ping);
    clearTimeout(age);
    clearTimeout(stall);
    ended.resolve();
  }
}
