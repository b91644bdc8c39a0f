/** Every route of the gateway. Delivery comes last: its paths begin with names that projects choose. */
import type { Route } from "../route.ts";
import { deliveryRoutes } from "./delivery.ts";
import { descriptionRoutes } from "./description.ts";
import { draftRoutes } from "./drafts.ts";
import { healthRoutes } from "./health.ts";
import { jobHistoryRoutes } from "./job-history.ts";
import { jobRetryRoutes } from "./job-retries.ts";
import { jobStreamRoutes } from "./job-streams.ts";
import { jobRoutes } from "./jobs.ts";
import { publishRoutes } from "./publish.ts";
import { releaseRoutes } from "./releases.ts";

export const routes: Route[] = [
  ...healthRoutes,
  ...descriptionRoutes(() => routes),
  ...draftRoutes,
  ...publishRoutes,
  ...releaseRoutes,
  // Before the jobs: /jobs/stream is no job called stream.
  ...jobStreamRoutes,
  ...jobRoutes,
  ...jobRetryRoutes,
  ...jobHistoryRoutes,
  ...deliveryRoutes,
];
