/** Percent and message of a job that works on, and what is said while it is silent: changes without an event of the ledger. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createProgressMirror, type ProgressMirror } from "../../src/jobs/progress-mirror.ts";
import type { Grip } from "../../src/jobs/protocol/attempt.ts";
import type { ProgressAnswer } from "../../src/temporal.ts";
import { framesOf, type SeenFrame } from "../support/frames.ts";
import { scriptedExecutions } from "../support/scripted-executions.ts";
import { startGatewayRoom, type GatewayRoom, type RawAnswer } from "../gateway/gateway-room.ts";
import { range, runningJob, watch } from "./stream-room.ts";

/** Longer than any test: batches are written when the test says so. */
const NEVER_MS = 3_600_000;
const SILENT_MS = 100;
/** Between two sweeps of the feed, which find what no notification told of. */
const SWEEP_MS = 2_000;

let room: GatewayRoom;
/** A worker's own: nothing else tells the gateway of what it writes. */
let mirror: ProgressMirror;
/** What each workflow answers. */
let answer: ProgressAnswer;
beforeAll(async () => {
  const executions = { ...scriptedExecutions(), queryProgress: async () => answer };
  room = await startGatewayRoom({ executions, silentMs: SILENT_MS });
  mirror = createProgressMirror({ ...room.deps, tickMs: NEVER_MS });
});
beforeEach(() => {
  answer = { kind: "closed" };
});
afterAll(async () => {
  await mirror?.stop();
  await room?.close();
});

function report({ job_id, attempt_at }: Grip, number: number): void {
  mirror.report({
    ...{ job_id, attempt_at, generation: 1, report: number, progress: 30 + number, message: `Part ${number}` },
  });
}

/** What it was told after the state at its beginning: event, id, percent, message. */
const toldOf = (stream: RawAnswer): unknown[][] =>
  framesOf(stream.text())
    .slice(1)
    .map(({ event, id, data }: SeenFrame) => [event, id, data.progress, data.message]);

describe.each([
  ["stream", "job_update"],
  ["events", "status"],
])("/jobs/:id/%s", (name, update) => {
  async function watchedJob(): Promise<{ stream: RawAnswer; grip: Grip }> {
    const { id, grip } = await runningJob(room);
    const stream = watch(room, `/jobs/${id}/${name}`);
    await stream.holds('"snapshot":true');
    return { stream, grip };
  }

  it("tells each report of progress with its own percent and message, and without an id", async () => {
    const { stream, grip } = await watchedJob();
    const reports = range(1, 8);
    const begun = performance.now();
    for (const number of reports) {
      report(grip, number);
      await mirror.flush();
      await stream.holds(`"message":"Part ${number}"`);
    }
    // By the mirror's notifications: sweeps would have taken 2 s for each.
    expect(performance.now() - begun).toBeLessThan((reports.length / 2) * SWEEP_MS);
    expect(toldOf(stream)).toEqual(reports.map((number) => [update, undefined, 30 + number, `Part ${number}`]));
    stream.socket.destroy();
  });

  it("tells the newest only of reports that are written as one", async () => {
    const { stream, grip } = await watchedJob();
    for (const number of range(1, 3)) report(grip, number);
    await mirror.flush();
    await stream.holds("Part 3");
    expect(toldOf(stream)).toEqual([[update, undefined, 33, "Part 3"]]);
    stream.socket.destroy();
  });

  it("tells that no worker answers, of a state whose progress it has told, and when one speaks again", async () => {
    const { stream, grip } = await watchedJob();
    report(grip, 1);
    await mirror.flush();
    await stream.holds("Part 1");
    answer = { kind: "silent" };
    await stream.holds('"notice":{');
    const told = framesOf(stream.text()).at(-1);
    expect(told).toMatchObject({ event: update, data: { progress: 31, notice: { code: "workers_silent" } } });
    expect([told?.id, told?.data.message]).toEqual([undefined, "Part 1"]);

    answer = { kind: "closed" };
    report(grip, 2);
    await mirror.flush();
    await stream.holds("Part 2");
    expect(framesOf(stream.text()).at(-1)?.data.notice).toBeUndefined();
    stream.socket.destroy();
  });
});
