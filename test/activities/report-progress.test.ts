import type { Context } from "@temporalio/activity";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createReporter, STALL_MS, type HeartbeatDetails } from "../../activities/report-progress.ts";
import { PUBLISH_STEPS } from "../../contract/publish.ts";
import type { JobRow } from "../../src/jobs/job-store.ts";
import type { ProgressRow } from "../../src/jobs/progress-store.ts";

const beats: HeartbeatDetails[] = [];
const mirrored: ProgressRow[] = [];

function reporter(resume?: unknown) {
  return createReporter({
    context: { heartbeat: (details: HeartbeatDetails) => void beats.push(details) } as unknown as Context,
    mirror: {
      report: (row) => void mirrored.push(row),
      forget: () => {},
      flush: async () => {},
      stop: async () => {},
    },
    grip: { job_id: "j", attempt_at: 7, generation: 2 },
    row: { job_type: "publish" } as JobRow,
    step: PUBLISH_STEPS[2].name,
    resume,
  });
}

beforeEach(() => {
  vi.useFakeTimers();
  beats.length = mirrored.length = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a reporter", () => {
  it("heartbeats and mirrors each report, numbered, under the attempt's fence", () => {
    const { report, stop } = reporter();
    vi.advanceTimersByTime(1_000);
    report(0.5, "half", { index: 64 });
    report(1, "all");
    stop();
    expect(beats.slice(1)).toEqual([
      { step: "upload", percent: 40, message: "half", resume: { index: 64 } },
      { step: "upload", percent: 50, message: "all" },
    ]);
    expect(mirrored).toMatchObject([
      { job_id: "j", generation: 2, attempt_at: 7, report: 1, progress: 40, message: "half" },
      { report: 2, progress: 50 },
    ]);
  });

  it("costs the server nothing when the work is over within a second", () => {
    const { report, stop } = reporter();
    report(1, "all");
    vi.advanceTimersByTime(999);
    stop();
    expect(beats).toEqual([]);
    expect(mirrored).toMatchObject([{ report: 1, progress: 50 }]);
  });

  it("beats first with what the attempt before had done, so that a second death loses nothing", () => {
    const { stop } = reporter({ index: 128 });
    vi.advanceTimersByTime(1_000);
    stop();
    expect(beats).toMatchObject([{ step: "upload", percent: 30, resume: { index: 128 } }]);
  });

  it("hands on where it is when the work fails, however early", () => {
    const { report, beat, stop } = reporter();
    report(0.5, "half", { index: 64 });
    beat();
    stop();
    expect(beats).toMatchObject([{ message: "half", resume: { index: 64 } }]);
  });

  it("goes on beating without reports, until the work counts as hung; a report brings it back", () => {
    const { report, stop } = reporter();
    vi.advanceTimersByTime(STALL_MS);
    const alive = beats.length;
    expect(alive).toBeGreaterThan(STALL_MS / 1_000 - 2);
    vi.advanceTimersByTime(60_000);
    expect(beats.length).toBe(alive);
    report(0.1, "it moves");
    vi.advanceTimersByTime(5_000);
    expect(beats.length).toBe(alive + 6);
    stop();
    vi.advanceTimersByTime(5_000);
    expect(beats.length).toBe(alive + 6);
  });
});
