/** Whatever a client sends as its cursor, each stream gives one of its documented answers, in whole frames, and never a 5xx. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { scriptedExecutions } from "../support/scripted-executions.ts";
import { startGatewayRoom, type GatewayRoom } from "../gateway/gateway-room.ts";
import { endJob, idsOf, range, runningJob, watch, writeLogs } from "./stream-room.ts";
import { strictFrames } from "./strict-frames.ts";

/** Events of the job that has ended: 1 to 8. */
const LAST = 8;

let room: GatewayRoom;
let job: string;
beforeAll(async () => {
  room = await startGatewayRoom({ executions: scriptedExecutions() });
  job = (await runningJob(room)).id;
  await writeLogs(room, job, ["One", "Two", "Three"]);
  await endJob(room, job);
});
afterAll(() => room?.close());

/**
 * What a stream of the job begins with: the present state, marked as a new beginning or not; everything after an event; nothing, for
 * all has been seen. `beyond`: a number, but of no event yet. `refused`: no URL of ours may hold that.
 */
type Answer = "fresh" | "reset" | "beyond" | "nothing" | "refused" | { after: number };

const after = (event: number): Answer => ({ after: event });
const header = (value: string): string[] => [`Last-Event-ID: ${value}`];

/** Name, headers, query, answer. */
const CURSORS: [string, string[], string, Answer][] = [
  ["none", [], "", "fresh"],
  ["an empty header", header(""), "", "fresh"],
  ["an empty parameter", [], "last_event_id=", "fresh"],
  ["a header of spaces", header("   "), "", "fresh"],
  ["zero", header("0"), "", after(0)],
  ["two zeros", header("00"), "", after(0)],
  ["zeros before it", header("0005"), "", after(5)],
  ["spaces around it", header("  5  "), "", after(5)],
  ["spaces around a parameter", [], "last_event_id=%205%20", "reset"],
  ["the last event but one", [], `last_event_id=${LAST - 1}`, after(LAST - 1)],
  ["the last event", header(`${LAST}`), "", "nothing"],
  ["beyond the end", header(`${LAST + 1}`), "", "beyond"],
  ["that of another, longer job", header("50"), "", "beyond"],
  ["a negative one", header("-1"), "", "reset"],
  ["minus zero", header("-0"), "", "reset"],
  ["a sign", [], "last_event_id=%2B5", "reset"],
  ["an exponent", header("1e3"), "", "reset"],
  ["a fraction", header("5.0"), "", "reset"],
  ["hexadecimal", header("0x5"), "", "reset"],
  ["two in one", header("5,6"), "", "reset"],
  ["a huge one", header("9".repeat(400)), "", "reset"],
  ["2^53 and more", header("9007199254740993"), "", "reset"],
  ["15 KB", header("5".repeat(15_000)), "", "reset"],
  ["15 KB of a parameter", [], `last_event_id=${"x".repeat(15_000)}`, "reset"],
  ["bytes that are no ASCII", header("\u00e9\u00ff\u0080"), "", "reset"],
  ["digits of another script", header("٥"), "", "reset"],
  ["digits of another script as a parameter", [], "last_event_id=%D9%A5", "reset"],
  ["NUL as a parameter", [], "last_event_id=%00", "refused"],
  ["line ends as a parameter", [], "last_event_id=5%0D%0Aid:%209", "reset"],
  ["a repeated header", [...header("5"), ...header("6")], "", "reset"],
  ["the same header twice", [...header("5"), ...header("5")], "", "reset"],
  ["header and parameter: the header", header("6"), "last_event_id=2", after(6)],
  ["an empty header and a parameter", header(""), "last_event_id=6", after(6)],
];

/** Without keep-alive, for an answer that is no stream. */
const answered = (path: string, headers: string[]): Promise<string> =>
  watch(room, path, [...headers, "Connection: close"]).ended();

const isRefused = async (path: string, headers: string[]): Promise<void> =>
  expect(await answered(path, headers)).toMatch(/^HTTP\/1\.1 400 [^]*application\/problem\+json/);

describe.each(["stream", "events"])("/jobs/:id/%s", (name) => {
  it.each(CURSORS)("with the cursor: %s", async (_, headers, query, answer) => {
    const path = `/jobs/${job}/${name}?${query}`;
    if (answer === "refused") return isRefused(path, headers);
    if (answer === "nothing") return expect(await answered(path, headers)).toMatch(/^HTTP\/1\.1 204 /);
    const frames = strictFrames(await watch(room, path, headers).ended());
    expect(frames.at(-1)).toMatchObject({ id: String(LAST), event: "job-complete" });
    if (typeof answer === "object") return expect(idsOf(frames)).toEqual(range(answer.after + 1, LAST));
    // A reset replaces the cursor that meant nothing, by one that does not claim that the end was seen.
    expect(idsOf(frames)).toEqual(answer === "fresh" ? [LAST] : [LAST - 1, LAST]);
    expect(frames[0]?.data).toMatchObject({ snapshot: true });
    expect(frames[0]?.data.reset).toBe(answer === "fresh" ? undefined : true);
  });
});

describe("/jobs/stream", () => {
  /** A watermark is a number, too, and any that is not in the future means: long ago. */
  const isUsable = (answer: Answer): boolean =>
    answer === "beyond" || answer === "nothing" || (typeof answer === "object" && answer.after > 0);

  it.each(CURSORS)("with the cursor: %s", async (_, headers, query, answer) => {
    const path = `/jobs/stream?ids=${job}&${query}`;
    if (answer === "refused") return isRefused(path, headers);
    const stream = watch(room, path, headers);
    await stream.holds('"changed":');
    stream.socket.destroy();
    const frames = strictFrames(stream.text());
    expect(frames.map(({ event }) => event)).toEqual(["job-complete", "synced"]);
    expect(frames[0]?.data).toMatchObject({ id: job, status: "completed" });
    expect(frames[1]?.data.reset).toBe(answer === "fresh" || isUsable(answer) ? undefined : true);
  });
});
