/**
 * A job's stream (server-sent events), joined again where it broke off.
 *
 *   connect ──events──► final event ──► end
 *      ▲          └─ body ends, connection fails, server busy ─► wait ─┘ (with Last-Event-ID: nothing lost, nothing twice)
 */
import { EventSourceParserStream } from "eventsource-parser/stream";
import { setTimeout as pause } from "node:timers/promises";
import { FINAL_EVENT_NAMES } from "../../contract/job-state.ts";
import { CliError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import { unreachable, type Server } from "./server.ts";

export interface StreamEvent {
  event: string;
  /** Place in the job's ledger; progress has none. */
  id?: string;
  data: Record<string, unknown>;
}

const FINAL_EVENTS = new Set<string>(Object.values(FINAL_EVENT_NAMES));
/** Milliseconds until the first reconnection, unless the server names another; doubled up to the second figure. */
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;
/** Longer than four pings: after that the server counts as gone. */
const PATIENCE_MS = 120_000;

/** Is this the last event of a stream? */
export const isFinalEvent = ({ event }: StreamEvent): boolean => FINAL_EVENTS.has(event);

/**
 * Every event but pings, up to and with the final one. Ends without a final event only if the server says that there is
 * nothing to come (204). Errors: the server's refusal (`CliError`), or exit code 3 when it stays away.
 */
export async function* followJob(server: Server, job: string, signal: AbortSignal): AsyncGenerator<StreamEvent> {
  const cursor = { id: "", retry: FIRST_RETRY_MS };
  let [heard, last, failures] = [false, Date.now(), 0];
  for (;;) {
    try {
      const response = await connect(server, job, cursor.id);
      if (response.status === 204) return;
      for await (const event of readEvents(response, cursor)) {
        [heard, last, failures] = [true, Date.now(), 0];
        if (event.event !== "ping") yield event;
        if (isFinalEvent(event)) return;
      }
    } catch (error) {
      // The first connection decides at once; a stream that has run is worth waiting for.
      if (signal.aborted || !heard || !isPassing(error)) throw toUnreachable(server, error);
      failures += 1;
    }
    if (Date.now() - last > PATIENCE_MS)
      throw unreachable(server.url, new Error("its stream has been silent for two minutes"));
    await pause(Math.min(LONGEST_RETRY_MS, cursor.retry * 2 ** failures), undefined, { signal });
  }
}

function connect(server: Server, job: string, lastEventId: string): Promise<Response> {
  return server.request("GET", `/jobs/${encodeURIComponent(job)}/stream`, {
    headers: { accept: "text/event-stream", ...(lastEventId === "" ? {} : { "last-event-id": lastEventId }) },
  });
}

async function* readEvents(response: Response, cursor: { id: string; retry: number }): AsyncGenerator<StreamEvent> {
  if (!response.body) return;
  const parser = new EventSourceParserStream({ onRetry: (milliseconds) => (cursor.retry = milliseconds) });
  const text = response.body.pipeThrough(new TextDecoderStream());
  for await (const { id, event, data } of text.pipeThrough(parser)) {
    if (id !== undefined) cursor.id = id;
    const name = event ?? "message";
    yield { event: name, ...(id === undefined ? {} : { id }), data: JSON.parse(data) as Record<string, unknown> };
  }
}

/** A lost connection or a busy server, not a refusal. */
function isPassing(error: unknown): boolean {
  if (error instanceof SyntaxError) return false;
  return !(error instanceof CliError) || error.exit === EXIT.unreachable || error.code === "unavailable";
}

function toUnreachable(server: Server, error: unknown): unknown {
  return error instanceof TypeError ? unreachable(server.url, error) : error;
}
