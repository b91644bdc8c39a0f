/**
 * One connection to a job's stream (server-sent events).
 *
 *   asking ──bytes every `firstFrameMs`, then a frame──► live ──bytes every `silentMs`──► ended | nothing left to tell (204)
 *
 * The first frame can be long, and the line slow: only a line that brings nothing is given up. Whatever else happens is an error: a refusal,
 * an answer that is no stream, silence, a cut.
 */
import { createParser, type EventSourceMessage } from "eventsource-parser";
import { PlatenError, notPlaten } from "./platen-error.ts";
import { asFailure, objectOf, timedOut, type Requests } from "./requests.ts";
import { createTimeLimit } from "./time-limit.ts";

export interface Frame {
  event: string;
  id?: string;
  data: Record<string, unknown>;
}

export interface StreamOptions {
  /** Sent as `Last-Event-ID`; null for a stream from the present state on. */
  lastEventId: string | null;
  signal: AbortSignal;
  firstFrameMs: number;
  silentMs: number;
  /** Told each `retry:`, also of a stream without any frame. */
  onRetry(ms: number): void;
  /** Some of the first frame has come. */
  onPiece(): void;
}

/** In characters. The server sets no limit: a snapshot with 300,000 log entries is as long. V8's longest text is eight times as long. */
const MAX_FRAME = 64 * 1024 * 1024;

/** Every frame, also pings. Returns how the stream ended. Leaving it early, or aborting the signal, frees the connection. */
export async function* readEventStream(
  requests: Requests,
  path: string,
  options: StreamOptions,
): AsyncGenerator<Frame, "ended" | "nothing_left", undefined> {
  const { lastEventId, firstFrameMs, silentMs, onRetry, onPiece } = options;
  const limit = createTimeLimit(options.signal);
  const awaitFrame = (): void =>
    limit.within(firstFrameMs, timedOut(requests.url, "frame of the stream", firstFrameMs));
  awaitFrame();
  try {
    const headers = {
      accept: "text/event-stream",
      // Digits, if it is one of the server's; whatever else it is, a header can carry it now.
      ...(lastEventId === null ? {} : { "last-event-id": encodeURIComponent(lastEventId) }),
    };
    const response = await requests.send("GET", path, { headers, signal: limit.signal });
    if (response.status === 204) return "nothing_left";
    const type = response.headers.get("content-type") ?? "";
    if (!response.body || !type.startsWith("text/event-stream"))
      throw notPlaten(requests.url, `its stream is ${type || "without a type"}`, { status: response.status });
    const queue: EventSourceMessage[] = [];
    let commented = false;
    const parser = createParser({
      ...{ onRetry, maxBufferSize: MAX_FRAME },
      onEvent: (message) => queue.push(message),
      onComment: () => (commented = true),
      // Whatever else the parser finds wrong, the standard says to pass over.
      onError({ type }) {
        if (type === "max-buffer-size-exceeded") throw tooLong(requests.url);
      },
    });
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    for (let live = false; ;) {
      const { done, value } = await reader.read();
      if (done) return "ended";
      commented = false;
      parser.feed(decoder.decode(value, { stream: true }));
      live ||= queue.length > 0;
      if (!live && !commented) {
        // Comments do not count: a proxy can send those to whom it keeps the stream back from.
        onPiece();
        awaitFrame();
      }
      // Whoever takes the frames may take their time: only waiting for the server is limited.
      if (live) limit.pause();
      for (const message of queue.splice(0)) yield frameOf(requests.url, message);
      if (live) limit.within(silentMs, timedOut(requests.url, "byte of the stream", silentMs));
    }
  } catch (error) {
    throw asFailure(error, requests.url, limit.signal);
  } finally {
    limit.release();
  }
}

/** No patience mends this one: the next stream would begin with the same frame. */
function tooLong(url: string): PlatenError {
  return new PlatenError(
    "frame_too_long",
    `${url} sent a frame of more than ${MAX_FRAME / 1024 / 1024} million characters.`,
    {
      status: 200,
      action: "Go on from a later event with `lastEventId`, or ask for the job without watching it.",
    },
  );
}

/** Error: what the server says in an `error` event, e.g. that it carries too many streams already. */
function frameOf(url: string, { event = "message", id, data: text }: EventSourceMessage): Frame {
  const data = objectOf(text);
  if (!data) throw notPlaten(url, `its stream holds ${JSON.stringify(text.slice(0, 100))}`, { status: 200 });
  if (event !== "error") return { event, ...(id === undefined ? {} : { id }), data };
  const { code, message } = data;
  throw new PlatenError(
    typeof code === "string" ? code : "stream_failed",
    typeof message === "string" ? message : "The server ended the stream and did not say why.",
    { status: 200 },
  );
}
