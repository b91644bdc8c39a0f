/** What runs in a namespace as ours, whatever starts it. */
import { JOB_TYPES } from "./job-types.ts";
import { SCHEDULED_RUN } from "./schedule.ts";

/** Names of the exports of `workflows/index.ts` (tested): that of each job type, and that which schedules start. */
export const WORKFLOWS: readonly string[] = [
  ...Object.values(JOB_TYPES).map(({ workflow }) => workflow),
  SCHEDULED_RUN,
];
