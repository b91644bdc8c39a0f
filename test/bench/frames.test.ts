import { expect, test } from "vitest";
import { countFrames } from "../../bench/sse/count-frames.ts";
import { joinDeliveries, percentile } from "../../bench/sse/deliveries.ts";
import { followLedger, type Arrivals } from "../../bench/sse/follow-ledger.ts";

const HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
const FRAMES = [
  'event: job_update\nretry: 2000\ndata: {"message":"id: 9"}\n\n',
  'id: 1\nevent: job_update\nretry: 2000\ndata: {"id":"x"}\n\n',
  "event: ping\ndata: {}\n\n",
  "id: 2\nevent: job_update\ndata: {}\n\n",
  "id: 13\nevent: job-complete\ndata: {}\n\n",
];
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
/** One frame per chunk of HTTP, several in one, and none at all as with HTTP/1.0. */
const WIRES = {
  "a chunk per frame": HEAD + FRAMES.map(chunk).join(""),
  "several frames in a chunk": HEAD + chunk(FRAMES.slice(0, 3).join("")) + chunk(FRAMES.slice(3).join("")),
  "no chunks": HEAD + FRAMES.join(""),
};

/** Cut in two at every place, and into single bytes. */
function* cuts(wire: string): Generator<Buffer[]> {
  const bytes = Buffer.from(wire);
  for (let at = 1; at < bytes.length; at += 1) yield [bytes.subarray(0, at), bytes.subarray(at)];
  yield Array.from(bytes, (byte) => Buffer.of(byte));
}

test.each(Object.entries(WIRES))("every frame is counted once wherever it is cut: %s", async (_, wire) => {
  for (const parts of cuts(wire)) {
    const counter = countFrames(1, 0);
    counter.expect(FRAMES.length);
    for (const part of parts) counter.read(0, part);
    expect((await counter.served(0)).bytes).toBe(wire.length);
  }
});

test("a frame that is missing, and one that nobody expected, are told", async () => {
  const counter = countFrames(1, 0);
  counter.expect(FRAMES.length + 1);
  counter.read(0, Buffer.from(WIRES["no chunks"]));
  await expect(counter.served(0)).rejects.toThrow("only 0 of 1 watchers have all 6 frames");
  counter.expect(FRAMES.length - 1);
  counter.read(0, Buffer.from(WIRES["no chunks"]));
  await expect(counter.served(0)).rejects.toThrow("1 frames came that nobody expected");
});

test.each(Object.entries(WIRES))("ids are read wherever a frame is cut: %s", (_, wire) => {
  for (const parts of cuts(wire)) {
    const follower = followLedger(1, 10);
    for (const part of parts) follower.read(0, part);
    const { seq, others } = follower.arrivals();
    expect([[...seq], others]).toEqual([[1, 2, 13], 2]);
  }
});

test("an event that a watcher never received is lost, and one that comes again or late is out of order", () => {
  const written = [
    { asked: [0, 0, 0], committed: [1, 1, 1] },
    { asked: [0, 0, 0], committed: [5, 5, 5] },
  ];
  const parts = written.map(({ asked, committed }) => ({
    ...{ asked: Float64Array.from(asked), committed: Float64Array.from(committed), most_under_way: 0, cpu: 0 },
  }));
  const join = (told: [watcher: number, seq: number, at: number][]) => {
    const column = (index: 0 | 1 | 2): number[] => told.map((one) => one[index]);
    const arrivals: Arrivals = {
      ...{ watcher: Uint32Array.from(column(0)), seq: Uint32Array.from(column(1)), at: Float64Array.from(column(2)) },
      ...{ others: 0, bytes: 0 },
    };
    const joined = joinDeliveries(parts, arrivals, { jobs: 2, watchers: 2, each: 3, skip: 1 });
    const { expected, lost, out_of_order, from_commit } = joined;
    return { expected, lost, out_of_order, most: percentile(from_commit, 1) };
  };
  const first = [1, 2, 3].map((seq): [number, number, number] => [0, seq, 11]);
  const second = [1, 2, 3].map((seq): [number, number, number] => [1, seq, 11]);
  expect(join([...first, ...second])).toEqual({ expected: 6, lost: 0, out_of_order: 0, most: 10 });
  expect(join([...first, ...second.slice(1)])).toEqual({ expected: 6, lost: 1, out_of_order: 0, most: 10 });
  expect(join([...first, ...second, [1, 3, 11]])).toEqual({ expected: 6, lost: 0, out_of_order: 1, most: 10 });
  expect(join([...first, ...second.toReversed()])).toMatchObject({ lost: 0, out_of_order: 2 });
});
