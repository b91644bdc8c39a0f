/** What the routes of one job share: its path parameter, its record, its logs. */
import { z } from "zod";
import { parseJobId } from "../../../contract/workflow-id.ts";
import { downloadUrl } from "../../artifacts/signed-link.ts";
import { AppError } from "../../errors.ts";
import { findJob, type JobRecord } from "../../jobs/job-queries-store.ts";
import type { LinkBases } from "../../jobs/job-view.ts";
import type { GatewayDeps, RouteRequest } from "../route.ts";

/** Any text: what is no id of a job is a job that does not exist. */
export const jobParams = z.strictObject({ id: z.string().describe("UUID or `job_<32 hex>`") });

/** Error: `job_not_found`, for another tenant's too. */
export async function jobOf(
  request: Pick<RouteRequest<z.output<typeof jobParams>>, "params" | "db" | "principal">,
): Promise<JobRecord> {
  const id = parseJobId(request.params.id);
  const job = id && (await findJob(request.db, { tenant_id: request.principal.tenant_id, id }));
  if (!job) throw new AppError("job_not_found", { job: request.params.id });
  return job;
}

export function linkBases({ config }: Pick<GatewayDeps, "config">): LinkBases {
  const bare = (url: string): string => url.replace(/\/+$/, "");
  return {
    gateway: bare(config.PLATEN_PUBLIC_URL),
    temporal_ui: bare(config.PLATEN_TEMPORAL_UI_URL),
    namespace: config.PLATEN_TEMPORAL_NAMESPACE,
    download: (artifactId) => downloadUrl(config, artifactId),
  };
}
