/** A browser's way of watching: an EventSource that keeps account of what it was answered and told. */
import { EventSource } from "eventsource";
import { createParser, type EventSourceMessage } from "eventsource-parser";

export interface Watcher {
  /** Of every answer, in order. */
  statuses: number[];
  /** How many frames have come. */
  frames(): number;
  /** Ids as they came over the wire, of the frames that carry one: ledger events. */
  seen: number[];
  /** Resolves with the data of `job-complete`. */
  completed: Promise<Record<string, unknown>>;
  /** True if it has given up, which it does on every answer but 200. */
  closed(): boolean;
  close(): void;
}

export function createWatcher(url: string, key: string): Watcher {
  const statuses: number[] = [];
  const seen: number[] = [];
  let frames = 0;
  const see = ({ id }: EventSourceMessage): void => {
    frames++;
    if (id !== undefined) seen.push(Number(id));
  };
  const source = new EventSource(url, {
    async fetch(input, init) {
      const headers = { ...init.headers, Authorization: `Bearer ${key}` };
      const response = await fetch(input, { ...init, headers });
      statuses.push(response.status);
      const [body, copy] = response.body?.tee() ?? [null, null];
      if (copy) void readFrames(copy, see).catch(() => undefined);
      return { body, url: response.url, status: response.status, redirected: false, headers: response.headers };
    },
  });
  const completed = new Promise<Record<string, unknown>>((resolve) => {
    source.addEventListener("job-complete", ({ data }) => resolve(JSON.parse(data) as Record<string, unknown>));
  });
  return {
    ...{ statuses, seen, completed },
    frames: () => frames,
    closed: () => source.readyState === EventSource.CLOSED,
    close: () => source.close(),
  };
}

/** The EventSource itself tells the id of the last event that had one, which hides a repeated one. */
async function readFrames(
  body: ReadableStream<Uint8Array>,
  onEvent: (frame: EventSourceMessage) => void,
): Promise<void> {
  const parser = createParser({ onEvent });
  const decoder = new TextDecoder();
  for await (const part of body) parser.feed(decoder.decode(part, { stream: true }));
}
