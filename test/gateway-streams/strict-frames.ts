/** Takes a stream apart by the letter, so that a byte too many anywhere is an error; and as a client would. */
import { createParser, type EventSourceMessage } from "eventsource-parser";
import { expect } from "vitest";
import type { SeenFrame } from "../gateway/gateway-room.ts";

/** What a line may be. Line ends are LF: a CR would end a line, too, and data is one line. */
const LINE = /^(?:id: \d+|event: [\w-]+|retry: \d+|data: [^\r\n\0]*)$/;

/** The frames of a whole answer, or of what has come of it. Errors: an error answer, a chunk or frame that is none. */
export function strictFrames(raw: string): SeenFrame[] {
  expect(raw).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  const body = dechunk(Buffer.from(raw.slice(raw.indexOf("\r\n\r\n") + 4)));
  const parts = body.split("\n\n");
  expect(parts.pop(), "what follows the last frame").toBe("");
  const frames = parts.map((part) => {
    const fields: Record<string, string> = {};
    for (const line of part.split("\n")) {
      expect(line).toMatch(LINE);
      const [name = ""] = line.split(":", 1);
      expect(fields, `${name} twice`).not.toHaveProperty(name);
      fields[name] = line.slice(name.length + 2);
    }
    return fields as { id?: string; event: string; data: string };
  });
  expect(asClient(body)).toEqual(frames.map(({ id, event, data }) => ({ id, event, data })));
  return frames.map((frame) => ({ ...frame, data: JSON.parse(frame.data) as unknown }) as SeenFrame);
}

function asClient(body: string): EventSourceMessage[] {
  const events: EventSourceMessage[] = [];
  const parser = createParser({
    onEvent: (event) => events.push(event),
    onError(error) {
      throw error;
    },
  });
  parser.feed(body);
  return events;
}

/** Up to the last chunk that is whole. */
function dechunk(bytes: Buffer): string {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const line = bytes.indexOf("\r\n", at);
    const size = bytes.toString("latin1", at, line);
    expect(size).toMatch(/^[0-9a-f]+$/);
    const [from, to] = [line + 2, line + 2 + Number.parseInt(size, 16)];
    expect(bytes.toString("latin1", to, to + 2)).toBe("\r\n");
    parts.push(bytes.subarray(from, to));
    at = to + 2;
  }
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.concat(parts));
}
