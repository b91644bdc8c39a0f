/**
 * Follows a job to its end, whatever becomes of connections, gateways and proxies.
 *
 *   joining ──first frame──► live ──final event──► over
 *      ▲  │                   │
 *      │  └─ every 5 s: poll ─┼─ a final state ──► over
 *      └── lost: wait ────────┘
 *
 * While no stream is live, the job is asked every few seconds beside the attempts to join: where proxies keep streams back, that is all a
 * watcher gets, and it loses nothing but speed.
 */
import { readEventStream, type Frame } from "./event-stream.ts";
import type { Job } from "./job.ts";
import { isPassing, PlatenError } from "./platen-error.ts";
import type { Requests } from "./requests.ts";
import { askedFor, createRetryPauses } from "./retry-pauses.ts";
import { createTimeLimit, waitFor } from "./time-limit.ts";
import { createTold } from "./told-events.ts";
import type { ConnectionLost, JobFinal, WatchEvent } from "./watch-events.ts";

export interface WatchOptions {
  /** Aborting it ends the watch without an error, and frees its connection. */
  signal?: AbortSignal;
  /** `id` of the last event that was handled in an earlier watch: this one goes on behind it. */
  lastEventId?: string;
  /** A stream without a byte for so many milliseconds is dead. 75,000 by default: two and a half of the server's pings. */
  silentMs?: number;
  /** Longest wait for a stream's first frame, and for more of it while it comes, in milliseconds; 10,000 by default. It is sent at once. */
  firstFrameMs?: number;
  /** Milliseconds between two polls while no stream is live; 5,000 by default. */
  pollMs?: number;
  /** Longest pause between two attempts to join, in milliseconds, unless the server asks for a longer one (a minute at most); 15,000 by default. */
  longestRetryMs?: number;
}

interface Joined {
  kind: "joined";
  /** What it was asked to go on from. */
  cursor: string | null;
  first: Frame;
  rest: ReturnType<typeof readEventStream>;
}

/** What came of asking for a stream. `ended`: the server has nothing left to tell; `final` is null if the job was opened again since. */
type Attempt = Joined | { kind: "ended"; final: JobFinal | null } | { kind: "lost"; cause: unknown };

/**
 * Every event of the ledger once, or held in a snapshot; every log entry once; the newest progress; one final event. Errors: `PlatenError` for
 * refusals.
 */
export async function* watchJob(
  requests: Requests,
  id: string,
  options: WatchOptions = {},
): AsyncGenerator<WatchEvent, void, undefined> {
  const { silentMs = 75_000, firstFrameMs = 10_000, pollMs = 5_000, longestRetryMs = 15_000 } = options;
  const path = `/jobs/${encodeURIComponent(id)}`;
  const told = createTold(options.lastEventId ?? null);
  const limit = createTimeLimit(options.signal);
  const { signal } = limit;
  const now = (): number => performance.now();
  const pauses = createRetryPauses(longestRetryMs);
  let joinAt = now();
  /** May `joinAt` be brought forward? Not if the server has named it. */
  let mayHurry = true;
  let heardAt = now();
  /** Some of a first frame has come. */
  let pieceAt = -Infinity;
  /** Not before this: so often, and no more, is a job asked. */
  let mayPollAt = now();

  try {
    for (;;) {
      const joined = yield* join();
      if (!joined || (yield* relay(joined))) return;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    limit.release();
  }

  /** Null when the end was told on the way. */
  async function* join(): AsyncGenerator<WatchEvent, Joined | null, undefined> {
    let attempt: Promise<Attempt> | null = null;
    let pollAt = now() + pollMs;
    /** By the newest poll. */
    let answered = false;
    /** A stream failed where a poll was answered: streams do not get through. Else the server may just have come back. */
    let polling = false;
    for (;;) {
      if (now() >= joinAt) attempt ??= connect();
      const outcome = await waitFor(attempt, (attempt ? pollAt : Math.min(joinAt, pollAt)) - now(), signal);
      signal.throwIfAborted();
      if (outcome) attempt = null;
      if (outcome?.kind === "joined") {
        // Else polls have told since what this one would say again: the next one begins with the present state.
        if (outcome.cursor === told.cursor()) return outcome;
        await outcome.rest.return("ended");
      } else if (outcome?.kind === "ended" && outcome.final) {
        yield outcome.final;
        return null;
      } else if (outcome) {
        const cause = outcome.kind === "lost" && outcome.cause !== null ? passing(outcome.cause) : null;
        const notice = lostStream(cause);
        if (answered && !polling) yield { type: "connection", state: "polling", cause };
        else if (!answered) yield notice;
        polling = answered;
        // Something answers, only not with a stream. It may want to be left alone, though.
        if (cause?.status)
          pollAt = cause.retryAfterMs === null ? Math.min(pollAt, mayPollAt) : Math.max(pollAt, joinAt);
      }
      if (now() < pollAt) continue;
      // The first frame is on its way: a poll would only take from a slow line what the same entries need there.
      if (attempt && pieceAt + pollMs > now()) {
        pollAt = pieceAt + pollMs;
        continue;
      }
      const answer = await ask().catch((error: unknown) => passing(error));
      const retryInMs = answer instanceof PlatenError ? Math.max(pollMs, askedFor(answer.retryAfterMs)) : pollMs;
      mayPollAt = now() + retryInMs;
      pollAt = mayPollAt;
      if (answer instanceof PlatenError) {
        [answered, polling] = [false, false];
        yield lost({ by: "poll", cause: answer, attempt: Math.max(1, pauses.failures()), retryInMs });
        continue;
      }
      heardAt = now();
      if (!answered && mayHurry) joinAt = Math.min(joinAt, now());
      answered = true;
      for (const event of told.poll(answer)) {
        yield event;
        if (event.type === "final") return null;
      }
    }
  }

  /** Never rejects, so that it can be left alone. */
  async function connect(): Promise<Attempt> {
    const cursor = told.cursor();
    const onPiece = (): void => void (pieceAt = heardAt = now());
    try {
      const rest = readEventStream(requests, `${path}/stream`, {
        ...{ lastEventId: cursor, signal, firstFrameMs, silentMs, onRetry: pauses.serverAsks, onPiece },
      });
      const first = await rest.next();
      if (!first.done) return { kind: "joined", cursor, first: first.value, rest };
      return first.value === "ended"
        ? { kind: "lost", cause: null }
        : { kind: "ended", final: told.ending(await ask()) };
    } catch (cause) {
      return { kind: "lost", cause };
    }
  }

  /** Tells what the stream tells. True at the job's end. */
  async function* relay({ first, rest }: Joined): AsyncGenerator<WatchEvent, boolean, undefined> {
    yield { type: "connection", state: "streaming" };
    let cause: PlatenError | null = null;
    try {
      let next: Awaited<ReturnType<typeof rest.next>> = { value: first, done: false };
      while (!next.done) {
        signal.throwIfAborted();
        pauses.succeeded();
        heardAt = now();
        const event = told.frame(next.value);
        if (event) yield event;
        if (event?.type === "final") return true;
        next = await rest.next();
      }
    } catch (error) {
      cause = passing(error);
    } finally {
      await rest.return("ended");
    }
    yield lostStream(cause);
    return false;
  }

  function ask(): Promise<Job> {
    return requests.ask<Job>("GET", path, { holds: "logs", signal });
  }

  function lostStream(cause: PlatenError | null): ConnectionLost {
    const asked = cause?.retryAfterMs ?? null;
    const retryInMs = pauses.next(asked);
    mayHurry = !pauses.isAskedFor(asked);
    joinAt = now() + retryInMs;
    return lost({ by: "stream", cause, attempt: pauses.failures(), retryInMs });
  }

  function lost(more: Pick<ConnectionLost, "by" | "cause" | "attempt" | "retryInMs">): ConnectionLost {
    return { type: "connection", state: "lost", ...more, silentMs: Math.round(now() - heardAt) };
  }

  /** Throws what no patience mends. */
  function passing(error: unknown): PlatenError {
    if (signal.aborted || !isPassing(error)) throw error;
    return error;
  }
}
