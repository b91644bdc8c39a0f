/**
 * Writes what a worker writes for jobs at work, with the worker's own mirror and notifier: progress reports and log entries, evenly
 * over time. Activities and Temporal are not there: what is measured begins at the write.
 */
import { readConfig } from "../../src/config.ts";
import { createDatabase } from "../../src/db.ts";
import { createJobNotifier } from "../../src/jobs/job-notifier.ts";
import { createProgressMirror } from "../../src/jobs/progress-mirror.ts";
import type { Grip } from "../../src/jobs/protocol/attempt.ts";
import { logEntry } from "../../src/jobs/protocol/ledger-writes.ts";
import { createLog } from "../../src/log.ts";
import { answerQuestions } from "../support/answer-questions.ts";
import { monotonicMs } from "../support/clock.ts";
import { PERCENT, STEP } from "./running-jobs.ts";
import { NOTIFY_TICK_MS } from "../../src/worker/create-worker.ts";

export interface Work {
  grips: Grip[];
  seconds: number;
  /** Log entries per job and second. */
  logs: number;
  /** Progress reports per job and second. */
  reports: number;
}

/** Entry `job * (seconds * logs) + n` is of the job's log entry n, from 0. By the machine's monotonic clock, ms. */
export interface Written {
  asked: Float64Array;
  committed: Float64Array;
  /** Most entries under way at a time: when it grows, PostgreSQL or this process cannot keep up. */
  most_under_way: number;
  /** CPU seconds of this process. */
  cpu: number;
}

/** ms between two looks at what is due. */
const BEAT_MS = 5;

const config = readConfig();
const log = createLog("worker", config.PLATEN_LOG_LEVEL);
const tickMs = config.PLATEN_MIRROR_TICK_MS;
const database = await createDatabase({ url: config.PLATEN_DATABASE_URL, pool: config.PLATEN_DATABASE_POOL });
const notifier = createJobNotifier({ database, log, tickMs: NOTIFY_TICK_MS });
const mirror = createProgressMirror({ database, log, tickMs });

answerQuestions({ write });

async function write({ grips, seconds, logs, reports }: Work): Promise<Written> {
  const each = seconds * logs;
  const asked = new Float64Array(grips.length * each);
  const committed = new Float64Array(grips.length * each);
  const pending = new Set<Promise<void>>();
  let mostUnderWay = 0;
  let failure: unknown;

  async function entry(job: number, number: number): Promise<void> {
    const message = `Uploaded ${number} of 5,469 tiles, 128 of them were there already`;
    const at = job * each + number;
    asked[at] = monotonicMs();
    await logEntry({ database, notifier }, grips[job]!, { level: "info", message, step: STEP });
    committed[at] = monotonicMs();
  }

  function report(job: number, number: number): void {
    const { job_id, generation, attempt_at } = grips[job]!;
    const progress = PERCENT + Math.floor((20 * number) / (seconds * reports));
    const message = `Uploading tile ${number} of 5,469`;
    mirror.report({ job_id, generation, attempt_at, report: number + 1, progress, message });
  }

  const writeOne = (job: number, number: number): void => {
    const one = entry(job, number)
      .catch((error: unknown) => void (failure ??= error))
      .finally(() => pending.delete(one));
    pending.add(one);
  };
  await inPace(
    seconds * 1_000,
    [
      { total: grips.length * each, act: (n) => writeOne(n % grips.length, Math.floor(n / grips.length)) },
      {
        total: grips.length * seconds * reports,
        act: (n) => report(n % grips.length, Math.floor(n / grips.length)),
      },
    ],
    () => (mostUnderWay = Math.max(mostUnderWay, pending.size)),
  );
  await Promise.all(pending);
  await mirror.flush();
  await notifier.flush();
  if (failure) throw failure;
  const { user, system } = process.cpuUsage();
  return { asked, committed, most_under_way: mostUnderWay, cpu: (user + system) / 1e6 };
}

/** Does each `total` times, evenly over the time. */
async function inPace(
  ms: number,
  acts: readonly { total: number; act: (n: number) => void }[],
  looked: () => void,
): Promise<void> {
  const began = performance.now();
  const done = acts.map(() => 0);
  for (let share = 0; share < 1;) {
    share = Math.min(1, (performance.now() - began) / ms);
    for (const [at, { total, act }] of acts.entries()) {
      for (let n = done[at]!; n < Math.floor(total * share); n += 1) act(n);
      done[at] = Math.floor(total * share);
    }
    looked();
    await new Promise((next) => setTimeout(next, BEAT_MS));
  }
}
