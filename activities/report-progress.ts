/**
 * The one place where a heartbeat is sent *and* mirrored. The heartbeat is durable: a retry resumes from its details, and the
 * answer carries cancellation back. The mirror is for watchers, batched and lossy but for the last value.
 */
import type { Context } from "@temporalio/activity";
import { percentWithin } from "../contract/progress.ts";
import type { ProgressMirror } from "../src/jobs/progress-mirror.ts";
import { stepsOf, type Grip } from "../src/jobs/protocol/attempt.ts";
import type { JobRow } from "../src/jobs/job-store.ts";

/** Heartbeat details: read by operators in the Temporal Web UI, and by the next attempt. */
export interface HeartbeatDetails {
  step: string;
  /** Of the job, 0 to 100. */
  percent: number;
  message: string;
  /** Where the next attempt goes on; what it means is the activity's own business. */
  resume?: unknown;
}

export interface Reporter {
  /** `fraction`: how much of this step is done, 0 to 1. */
  report(fraction: number, message: string, resume?: unknown): void;
  /** Hands the newest report to the server: what fails now goes on there. */
  beat(): void;
  stop(): void;
}

/**
 * Beats without progress too, so that a cancel reaches an activity that is waiting for a slow disk. The SDK sends at most one
 * heartbeat per throttle interval (2 s, `create-worker.ts`), whatever we ask for. None before the first second is over: most
 * activities of a small publish take less, and a beat costs the server a write.
 */
const BEAT_MS = 1_000;
/**
 * Without any report for this long the beats stop, and Temporal gives the step to another attempt: a timer would otherwise keep a
 * hung one alive until its last time limit, hours later. Far longer than any step of ours goes without a report.
 */
export const STALL_MS = 10 * 60_000;

export function createReporter(options: {
  context: Context;
  mirror: ProgressMirror;
  grip: Pick<Grip, "job_id" | "generation" | "attempt_at">;
  row: JobRow;
  step: string;
  resume: unknown;
}): Reporter {
  const { context, mirror, grip, row, step } = options;
  let details: HeartbeatDetails = {
    step,
    percent: percentWithin(stepsOf(row), step, 0),
    message: "begins",
    // A beat before the first report must not lose what the attempt before this one had done.
    ...(options.resume === undefined ? {} : { resume: options.resume }),
  };
  let report = 0;
  let reportedAt = performance.now();
  let beating = false;
  const beat = (): void => context.heartbeat(details);
  const timer = setInterval(() => {
    beating = true;
    if (performance.now() - reportedAt < STALL_MS) beat();
  }, BEAT_MS);
  return {
    beat,
    report(fraction, message, resume) {
      const percent = percentWithin(stepsOf(row), step, fraction);
      details = { step, percent, message, ...(resume === undefined ? {} : { resume }) };
      reportedAt = performance.now();
      if (beating) beat();
      report += 1;
      mirror.report({
        job_id: grip.job_id,
        generation: grip.generation,
        attempt_at: grip.attempt_at,
        report,
        progress: percent,
        message,
      });
    },
    stop: () => clearInterval(timer),
  };
}
