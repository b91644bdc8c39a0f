/** What requests and answers about schedules hold. */
import { z } from "zod";
import { JOB_STATUSES } from "../../../contract/job-state.ts";
import { OVERLAPS } from "../../../contract/schedule.ts";
import { cronFault } from "../../jobs/schedules/cron.ts";

const cron = z
  .string()
  .max(200)
  .superRefine((text, context) => {
    const fault = cronFault(text);
    if (fault !== null) context.addIssue({ code: "custom", message: `the cron expression ${fault}` });
  })
  .meta({ description: "Minute, hour, day of month, month, day of week; e.g. `30 2 * * mon-fri`" });

const timeZone = z
  .string()
  .max(100)
  .refine(isTimeZone, "is no time zone; take IANA's name, e.g. Europe/Berlin")
  .meta({ description: "IANA's name" });

/** A year. */
const MAX_SECONDS = 31_622_400;

/** Which of the two a request means is told by its fields, so that what is wrong with it is told of that one. */
export const cronSpec = z.strictObject({ cron, time_zone: timeZone.default("UTC") });
export const intervalSpec = z
  .strictObject({
    every_seconds: z.int().min(1).max(MAX_SECONDS),
    offset_seconds: z.int().min(0).max(MAX_SECONDS).default(0),
  })
  .refine(({ every_seconds, offset_seconds }) => offset_seconds < every_seconds, {
    path: ["offset_seconds"],
    message: "must be less than every_seconds",
  });

const terms = {
  name: z.string().trim().min(1).max(100).meta({ description: "Unique within the tenant" }),
  type: z.string().meta({ description: "Of the jobs that it starts" }),
  payload: z.record(z.string(), z.unknown()).default({}),
  title: z.string().min(1).max(200).optional(),
  priority: z.int().min(1).max(5).default(3).meta({ description: "1 first, 5 last" }),
  spec: z
    .looseObject({})
    .meta({ description: "`{cron, time_zone}` or `{every_seconds, offset_seconds}`; in UTC unless it says otherwise" }),
  overlap: z
    .enum(OVERLAPS)
    .default("skip")
    .meta({ description: "When a run is due and the job of the one before has not ended" }),
  catchup_window_seconds: z
    .int()
    .min(10)
    .max(MAX_SECONDS)
    .default(3_600)
    .meta({ description: "What was missed while Temporal was away is made up for, if it is no older" }),
};

export const scheduleBody = z.strictObject({
  ...terms,
  paused: z.boolean().default(false),
  note: z.string().max(1_000).optional(),
});

/** All but whether it is paused, which has routes of its own. */
export const scheduleChange = z.strictObject(terms);

export const pressBody = z.strictObject({ note: z.string().max(1_000).optional() });

const moment = z.iso.datetime();

export const schedule = z.object({
  id: z.string(),
  name: z.string(),
  type: z.string(),
  payload: z.record(z.string(), z.unknown()),
  title: z.string().nullable(),
  priority: z.int(),
  spec: z.record(z.string(), z.unknown()),
  overlap: z.enum(OVERLAPS),
  catchup_window_seconds: z.int(),
  paused: z.boolean().nullable().meta({ description: "Null while Temporal does not say" }),
  note: z.string().nullable(),
  next: z.array(moment).nullable().meta({ description: "The next five times; null while Temporal does not say" }),
  created_by: z.string(),
  created_at: moment,
  updated_at: moment,
  links: z.object({ self: z.string() }),
});

export const scheduleDetail = schedule.extend({
  runs: z
    .array(
      z.object({
        scheduled_at: moment,
        job_id: z.string().nullable(),
        status: z.enum(JOB_STATUSES).nullable(),
        error_code: z.string().nullable().meta({ description: "Why no job was started" }),
        error: z.string().nullable(),
        links: z.object({ job: z.string().nullable() }),
      }),
    )
    .meta({ description: "The last ten, newest first" }),
});

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name }).format();
    // Offsets pass here, and Temporal does not know them.
    return /^[A-Z]\w+(\/[\w+-]+)*$/.test(name);
  } catch {
    return false;
  }
}
