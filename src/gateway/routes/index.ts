/** Every route of the gateway. Delivery comes last: its paths begin with names that projects choose. */
import type { Route } from "../route.ts";
import { deadLetterRoutes } from "./dead-letters.ts";
import { auditRoutes } from "./audit.ts";
import { artifactRoutes } from "./artifacts.ts";
import { deliveryRoutes } from "./delivery.ts";
import { descriptionRoutes } from "./description.ts";
import { draftRoutes } from "./drafts.ts";
import { groupRoutes } from "./groups.ts";
import { healthRoutes } from "./health.ts";
import { jobHistoryRoutes } from "./job-history.ts";
import { jobRetryRoutes } from "./job-retries.ts";
import { jobStatsRoutes } from "./job-stats.ts";
import { jobStreamRoutes } from "./job-streams.ts";
import { jobTypeRoutes } from "./job-types.ts";
import { jobRoutes } from "./jobs.ts";
import { publishRoutes } from "./publish.ts";
import { releaseRoutes } from "./releases.ts";
import { uploadRoutes } from "./uploads.ts";
import { scheduleRoutes } from "./schedules.ts";

export const routes: Route[] = [
  ...healthRoutes,
  ...descriptionRoutes(() => routes),
  ...draftRoutes,
  ...publishRoutes,
  ...releaseRoutes,
  ...jobTypeRoutes,
  ...deadLetterRoutes,
  ...uploadRoutes,
  // Before the jobs: /jobs/stream is no job called stream.
  ...jobStreamRoutes,
  ...jobStatsRoutes,
  ...jobRoutes,
  ...jobRetryRoutes,
  ...groupRoutes,
  ...jobHistoryRoutes,
  ...auditRoutes,
  ...artifactRoutes,
  ...scheduleRoutes,
  ...deliveryRoutes,
];
