/**
 * A watcher of one job as its users have them: the package `eventsource`, with a bearer key. It also reads along what comes over the
 * wire, because an EventSource does not tell whether an event brought the id that it knows, or none.
 */
import { EventSource } from "eventsource";
import { createParser, type EventSourceMessage } from "eventsource-parser";
import { FINAL_EVENT_NAMES, type JobStatus } from "../../contract/job-state.ts";

/** What an event said, in short. */
export interface Seen {
  /** `seq` of a ledger event; null for progress and snapshots. */
  id: number | null;
  event: string;
  status: JobStatus;
  generation: number;
  /** Messages of its log entries. */
  logs: string[];
  snapshot: boolean;
  reset: boolean;
}

export interface JobWatcher {
  job: string;
  /** Everything it was told, in the order of arrival. */
  seen: readonly Seen[];
  /** How often it has connected, or tried to. */
  connects(): number;
  /** Goes on from its cursor until it has seen the end of that generation, if it has been told to stay away before. */
  follow(generation: number): void;
  /** Has it seen the end of the generation that it follows, and been told by 204 not to come again? Throws what it broke with. */
  isDone(): boolean;
  close(): void;
}

const FINAL_EVENTS = new Set(Object.values(FINAL_EVENT_NAMES));
const EVENTS = ["job_update", ...FINAL_EVENTS];
const NO_CONTENT = 204;

export const isFinalEvent = ({ event }: Seen): boolean => FINAL_EVENTS.has(event);

export function watchJob({ url, key, job }: { url: string; key: string; job: string }): JobWatcher {
  const seen: Seen[] = [];
  /** Whole frames of the present answer that the EventSource has not told of yet. */
  let wire: EventSourceMessage[] = [];
  let wanted = 1;
  let connects = 0;
  let broken: Error | null = null;
  let source = open();

  async function readAlong(address: string | URL, init: { headers: Record<string, string>; signal?: AbortSignal }) {
    connects += 1;
    const { headers } = init;
    const answer = await fetch(address, { ...init, headers: { ...headers, Authorization: `Bearer ${key}` } });
    const mine: EventSourceMessage[] = [];
    wire = mine;
    const parser = createParser({ onEvent: (frame) => void mine.push(frame) });
    const decoder = new TextDecoder();
    const along = new TransformStream<Uint8Array, Uint8Array>({
      transform(bytes, controller) {
        parser.feed(decoder.decode(bytes, { stream: true }));
        controller.enqueue(bytes);
      },
    });
    const { status, redirected } = answer;
    return {
      url: answer.url,
      status,
      redirected,
      headers: answer.headers,
      body: answer.body?.pipeThrough(along) ?? null,
    };
  }

  function open(): EventSource {
    const cursor = seen.findLast(({ id }) => id !== null)?.id;
    const from = cursor === undefined || cursor === null ? "" : `?last_event_id=${cursor}`;
    const opened = new EventSource(`${url}/jobs/${job}/stream${from}`, { fetch: readAlong });
    for (const name of EVENTS) opened.addEventListener(name, (event) => note(event));
    opened.addEventListener("error", (event) => {
      if (opened.readyState !== EventSource.CLOSED) return;
      if (event.code !== NO_CONTENT) broken ??= new Error(`an EventSource gave up: ${event.code} ${event.message}`);
      // Told to stay away by an answer that was on its way when the job was opened again.
      else if (!sawEnd()) source = open();
    });
    return opened;
  }

  function note(event: MessageEvent): void {
    let frame = wire.shift();
    while (frame && !EVENTS.includes(frame.event ?? "")) frame = wire.shift();
    if (!frame || frame.event !== event.type || frame.data !== event.data) {
      broken ??= new Error(`an EventSource told of ${event.type}, and the wire of ${frame?.event}`);
      return;
    }
    const { status, generation, logs = [], snapshot = false, reset = false } = JSON.parse(event.data);
    seen.push({
      ...{
        id: frame.id === undefined ? null : Number(frame.id),
        event: event.type,
        status,
        generation,
        snapshot,
        reset,
      },
      logs: logs.map((entry: { message: string }) => entry.message),
    });
  }

  const sawEnd = (): boolean => seen.some((each) => isFinalEvent(each) && each.generation >= wanted);

  return {
    job,
    seen,
    connects: () => connects,
    follow(generation) {
      wanted = generation;
      if (source.readyState === EventSource.CLOSED && !sawEnd()) source = open();
    },
    isDone() {
      if (broken) throw broken;
      return source.readyState === EventSource.CLOSED && sawEnd();
    },
    close: () => source.close(),
  };
}
