/** Statistics of jobs. */
import { z } from "zod";
import { FINAL_STATUSES } from "../../../contract/job-state.ts";
import { jobStats } from "../../jobs/statistics/job-stats.ts";
import { WINDOW_NAMES } from "../../jobs/statistics/windows.ts";
import { defineRoute, type Route } from "../route.ts";
import { jobType } from "./job-schemas.ts";

const time = z.iso.datetime();
const count = z.int().min(0);
const finalStatus = z.enum(FINAL_STATUSES);

const percentiles = z
  .object({ p50_ms: z.number(), p95_ms: z.number(), p99_ms: z.number() })
  .nullable()
  .meta({ id: "Percentiles", description: "Null where there is nothing to measure" });

const typeStats = z
  .object({
    type: z.string().nullable().meta({ description: "Null: all types together" }),
    ended: count.meta({ description: "Generations that ended in the window" }),
    states: z.array(z.object({ status: finalStatus, count, wait: percentiles, run: percentiles })),
    wait: percentiles,
    run: percentiles,
    failure_codes: z.array(z.object({ code: z.string(), count })).meta({ description: "Most frequent first" }),
    throughput: z.object({ per_hour: z.number(), per_day: z.number() }),
    queue: z.object({
      queued: count,
      running: count,
      oldest_waiting_at: time.nullable(),
      oldest_waiting_seconds: count.nullable(),
    }),
  })
  .meta({ id: "TypeStats" });

const stats = z.object({
  window: z.enum(WINDOW_NAMES),
  from: time.meta({ description: "Beginning of an hour or a day" }),
  to: time,
  counted_since: time.nullable().meta({ description: "Where counting began later than `from`" }),
  grain: z.enum(["hour", "day"]).meta({ description: "Of `series`" }),
  pending: z.boolean().meta({ description: "More has ended than is counted here" }),
  error_bound: z.number().meta({ description: "Largest relative error of the percentiles" }),
  all: typeStats,
  types: z.array(typeStats),
  series: z.array(
    z.object({ at: time, ended: count, completed: count, partially_completed: count, failed: count, cancelled: count }),
  ),
});

export const jobStatsRoutes: Route[] = [
  defineRoute({
    method: "get",
    path: "/jobs/stats",
    summary: "Tell how many jobs ended as what, how long they took, and what waits",
    description:
      "Of the key's tenant. Every generation that has ended counts once: a job that failed and went through at its second try is one failure " +
      "and one success.",
    role: "viewer",
    query: z.strictObject({
      window: z.enum(WINDOW_NAMES).default("24h"),
      type: jobType.optional(),
    }),
    responses: { 200: { description: "The statistics", schema: stats } },
    async handle({ db, principal, query: { window, type } }) {
      const asked = { tenant_id: principal.tenant_id, window, ...(type === undefined ? {} : { type }) };
      return { status: 200, body: await jobStats(db, asked), headers: { "Cache-Control": "no-store" } };
    },
  }),
];
