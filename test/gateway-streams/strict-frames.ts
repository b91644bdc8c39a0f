/** Takes a stream apart by the letter, so that a byte too many anywhere is an error; and as a client would. */
import { createParser, type EventSourceMessage } from "eventsource-parser";
import { expect } from "vitest";
import { bodyOf, framesOf, type SeenFrame } from "../support/frames.ts";

/** The frames of an answer, or of what has come of it. Errors: an error answer, a chunk or frame that is none. */
export function strictFrames(raw: string): SeenFrame[] {
  expect(raw).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  const frames = framesOf(raw);
  expect(asClient(bodyOf(raw))).toEqual(frames.map(({ id, event, data }) => ({ id, event, data })));
  return frames;
}

function asClient(body: string): unknown[] {
  const events: unknown[] = [];
  const parser = createParser({
    onEvent: ({ id, event, data }: EventSourceMessage) => events.push({ id, event, data: JSON.parse(data) as unknown }),
    onError(error) {
      throw error;
    },
  });
  parser.feed(body);
  return events;
}
