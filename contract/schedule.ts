/** Schedules: when a job is started by itself. Never reorder or rename fields of the run's input: histories hold them. */
import type { Queue } from "./job-type-definition.ts";

/** What happens when a run is due and the one before it has not ended. */
export const OVERLAPS = ["skip", "buffer_one", "buffer_all", "cancel_other", "terminate_other", "allow_all"] as const;

export type Overlap = (typeof OVERLAPS)[number];

/** `cron`: five fields, in `time_zone` (IANA's name). Or every so many seconds since 1970, `offset_seconds` later. */
export type ScheduleSpec = { cron: string; time_zone: string } | { every_seconds: number; offset_seconds: number };

/** Export of `workflows/index.ts` that a schedule starts; no job type: it starts a job and ends with it. */
export const SCHEDULED_RUN = "scheduledJob";

/** Where it runs: its activities take milliseconds, and must not wait behind work that holds a queue's few slots for hours. */
export const SCHEDULED_QUEUE = "publish" satisfies Queue;

/** Begins the id of such a run; Temporal adds the moment. No job's id begins so. */
export const SCHEDULED_PREFIX = "scheduled-";

export interface ScheduledRunInput {
  schedule_id: string;
  /** Slug. */
  tenant: string;
  /** Of the schedule as it was when Temporal was told. */
  revision: number;
  /** Of a run that goes on in another: the job that it waits for. */
  job_id?: string;
}
