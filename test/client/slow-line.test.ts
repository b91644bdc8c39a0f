import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { createPlatenClient, type WatchOptions } from "../../src/client/client.ts";
import { createClientRoom, gather, logged, type ClientRoom, type PlayedJob } from "./client-room.ts";
import { startSlowLine, type SlowLine } from "./slow-line.ts";

let room: ClientRoom;
let line: SlowLine | undefined;
/** Many times shorter than the first frame, and the answer to a poll, are on their way. */
const IMPATIENT: WatchOptions = { firstFrameMs: 500, pollMs: 300 };

beforeAll(async () => {
  room = await createClientRoom();
});
afterEach(() => line?.close());
afterAll(() => room?.close());

/** Its snapshot takes two and a half seconds. */
async function talkative(): Promise<PlayedJob> {
  const job = await room.job();
  await job.enter("upload");
  for (let n = 0; n < 50; n++) await job.log(`${n} ${"x".repeat(1_000)}`);
  await job.log("Last");
  return job;
}

it("a snapshot that is long arrives over a slow line, however long that takes, and is not asked for otherwise", async () => {
  const job = await talkative();
  line = await startSlowLine(room.url, "carried");
  const watching = gather(createPlatenClient({ url: line.url, apiKey: room.key }).watchJob(job.id, IMPATIENT));
  await watching.sees("the snapshot", logged("Last"));
  expect(watching.states()).toEqual(["streaming"]);
  await job.end("cancelled");
  await watching.ended;
  expect(watching.states()).toEqual(["streaming"]);
  expect(watching.ids()).toHaveLength(2);
  expect(new Set(watching.logs()).size).toBe(watching.logs().length);
});

it("an answer to a poll may take longer than the first frame of a stream", async () => {
  const job = await talkative();
  line = await startSlowLine(room.url, "kept back");
  const watching = gather(createPlatenClient({ url: line.url, apiKey: room.key }).watchJob(job.id, IMPATIENT));
  await watching.sees("the state", logged("Last"));
  await job.end("cancelled");
  await watching.ended;
  expect(watching.updates().every(({ snapshot }) => snapshot)).toBe(true);
  expect(watching.events).not.toContainEqual(expect.objectContaining({ by: "poll" }));
});
