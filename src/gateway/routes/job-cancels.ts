/** Asking a job to stop: what /jobs and /groups share. */
import { z } from "zod";
import { jobView } from "../../jobs/job-view.ts";
import { cancelJob } from "../../jobs/protocol/cancel.ts";
import { asAppError } from "../middleware/problems.ts";
import type { RouteAnswer, RouteRequest } from "../route.ts";
import { jobOf, linkBases, type jobParams } from "./job-lookup.ts";

export const cancelBody = z.strictObject({ reason: z.string().max(1_000).optional() });

export async function cancelled(
  request: RouteRequest<z.output<typeof jobParams>, unknown, z.output<typeof cancelBody>>,
): Promise<RouteAnswer> {
  const { deps, principal: by, body } = request;
  const { id } = await jobOf(request);
  const deadline_seconds = deps.config.PLATEN_CANCEL_DEADLINE_SECONDS;
  const asked = { job_id: id, by, deadline_seconds, ...(body.reason ? { reason: body.reason } : {}) };
  await cancelJob(deps, asked).catch((error: unknown) => {
    // The request is written down by then: the reconciler passes it on when Temporal is back.
    if (asAppError(error, null).facts["service"] !== "Temporal") throw error;
    const message = "the cancel is noted and reaches the workflow when Temporal can be reached";
    deps.log.warn({ error, job_id: id }, message);
  });
  return { status: 202, body: jobView(await jobOf(request), linkBases(deps)) };
}
