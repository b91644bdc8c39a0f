/**
 * Do the list of jobs, a job and the statistics stay fast with a million jobs? The gateway is a process of its own on a real database with
 * PostgreSQL's default settings; each question is asked over HTTP, one after the other.
 *
 * Limits, not a comparison: of every question 99 % are answered within 50 ms. The plans of the statements behind them are in the result.
 */
import { encodeCursor } from "../src/gateway/routes/list-cursor.ts";
import { readLogs } from "../src/jobs/job-logs.ts";
import { findJob, listJobs, type JobFilter } from "../src/jobs/job-queries-store.ts";
import { jobStats } from "../src/jobs/statistics/job-stats.ts";
import { WINDOW_NAMES, type WindowName } from "../src/jobs/statistics/windows.ts";
import { JOBS, makeMillionJobs, type MillionJobs } from "./jobs-at-scale/million-jobs.ts";
import { openPlanned, type Planned } from "./jobs-at-scale/plans.ts";
import { startGateway } from "./sse/gateway.ts";
import { percentile, percentiles } from "./sse/deliveries.ts";
import type { Bench } from "./support/bench.ts";
import { SHARE, worstOf } from "./support/goals.ts";

const MAX_MS = 50;
const ASKED = 300;
const WARM_UP = 20;

interface Question {
  path: string;
  key: "large" | "small";
  /** The same without HTTP, for its plan. */
  direct(planned: Planned): Promise<unknown>;
}

export const jobsAtScale: Bench = {
  name: "jobs-at-scale",
  question: "How long do the list of jobs, a job and the statistics take with a million jobs?",
  unit: SHARE,
  goal: { at_most: 1 },
  async run(room) {
    const gateway = await startGateway(room);
    const made = await makeMillionJobs(room, gateway.database);
    const planned = await openPlanned(room, gateway.url);
    const keys = { large: gateway.headers, small: { Authorization: `Bearer ${made.small.key}` } };
    const goals = [];
    const details: Record<string, unknown> = {};
    for (const [what, question] of Object.entries(questionsOf(made))) {
      const ms = await ask(`http://127.0.0.1:${gateway.port}`, question, keys[question.key], made.detailed);
      const plans = await planned.plansOf(() => question.direct(planned));
      details[what] = { ...percentiles(ms), plans };
      goals.push({ what: `p99 of ${what}`, unit: "ms", value: percentile(ms, 0.99), at_most: MAX_MS });
      room.tell(`${what}: p50 ${percentile(ms, 0.5).toFixed(1)} ms, p99 ${percentile(ms, 0.99).toFixed(1)} ms`);
    }
    return worstOf(goals, { jobs: JOBS, asked: ASKED, made: made.seconds, ...details });
  },
};

function questionsOf(made: MillionJobs): Record<string, Question> {
  const { projects, types, middle } = made;
  const deep = encodeCursor(middle);
  const list = (query: string, filter: Partial<JobFilter>, key: Question["key"] = "large"): Question => ({
    ...{ path: `/jobs?limit=50${query}`, key },
    direct: ({ database }) => listJobs(database.em.fork(), { tenant_id: made[key].tenant_id, limit: 51, ...filter }),
  });
  const stats = (window: WindowName, type?: string, key: Question["key"] = "large"): Question => ({
    ...{ path: `/jobs/stats?window=${window}${type ? `&type=${type}` : ""}`, key },
    direct: ({ database }) =>
      jobStats(database.em.fork(), { tenant_id: made[key].tenant_id, window, ...(type ? { type } : {}) }),
  });
  return {
    "the first page": list("", {}),
    "a page of 200": { ...list("", { limit: 201 }), path: "/jobs?limit=200" },
    "running jobs": list("&status=running", { status: ["running"] }),
    "failed jobs": list("&status=failed", { status: ["failed"] }),
    "open jobs": list("&status=queued,running", { status: ["queued", "running"] }),
    "jobs of the common type": list(`&type=${types.common}`, { type: types.common }),
    "jobs of a rare type": list(`&type=${types.rare}`, { type: types.rare }),
    "failed jobs of a rare type": list(`&type=${types.rare}&status=failed`, { type: types.rare, status: ["failed"] }),
    "jobs of a crowded project": list(`&project=${projects.crowded}`, { project: projects.crowded }),
    "failed jobs of a project without": list(`&project=${projects.crowded}&status=failed`, {
      ...{ project: projects.crowded, status: ["failed"] },
    }),
    "jobs of a quiet project": list(`&project=${projects.quiet}`, { project: projects.quiet }),
    "jobs of a rare environment": list("&environment=dev", { environment: "dev" }),
    "a page behind 300,000": list(`&cursor=${deep}`, { before: middle }),
    "completed jobs behind 300,000": list(`&cursor=${deep}&status=completed`, {
      before: middle,
      status: ["completed"],
    }),
    "the first page of a small tenant": list("", {}, "small"),
    "running jobs of a small tenant": list("&status=running", { status: ["running"] }, "small"),
    "failed jobs of a small tenant": list("&status=failed", { status: ["failed"] }, "small"),
    "one job": {
      ...{ path: "/jobs/:id", key: "large" },
      async direct({ database }) {
        const job = await findJob(database.em.fork(), { tenant_id: made.large.tenant_id, id: made.detailed[0] ?? "" });
        if (job) await readLogs(database.em.fork(), job);
      },
    },
    ...Object.fromEntries(WINDOW_NAMES.map((window) => [`statistics of ${window}`, stats(window)])),
    "statistics of one type": stats("30d", types.common),
    "statistics of a small tenant": stats("90d", undefined, "small"),
  };
}

/** Milliseconds of each answer, sorted. */
async function ask(
  server: string,
  { path }: Question,
  headers: Record<string, string>,
  ids: readonly string[],
): Promise<Float64Array> {
  const ms = new Float64Array(ASKED);
  for (let at = -WARM_UP; at < ASKED; at += 1) {
    const began = performance.now();
    const answer = await fetch(server + path.replace(":id", ids[((at + WARM_UP) * 13) % ids.length] ?? ""), {
      headers,
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text.slice(0, 500)}`);
    if (at >= 0) ms[at] = performance.now() - began;
  }
  return ms.toSorted();
}
