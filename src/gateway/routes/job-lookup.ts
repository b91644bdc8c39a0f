/** What the routes of one job share: its path parameter, its record, its logs. */
import { z } from "zod";
import { parseJobId } from "../../../contract/workflow-id.ts";
import type { Db } from "../../db.ts";
import { AppError } from "../../errors.ts";
import { logEntryOf, type LogEntry } from "../../jobs/job-moments.ts";
import { findJob, type JobRecord } from "../../jobs/job-queries-store.ts";
import type { LinkBases } from "../../jobs/job-view.ts";
import { eventsAfter } from "../../jobs/ledger-store.ts";
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

const PAGE = 1_000;

/** All log entries of the job up to the record's `seq`. */
export async function readLogs(db: Db, job: Pick<JobRecord, "id" | "seq">): Promise<LogEntry[]> {
  const logs: LogEntry[] = [];
  for (let after = 0; after < job.seq;) {
    const events = await eventsAfter(db, job.id, after, Math.min(PAGE, job.seq - after));
    for (const event of events) {
      const entry = logEntryOf(event);
      if (entry) logs.push(entry);
    }
    after = events.at(-1)?.seq ?? job.seq;
  }
  return logs;
}

export function linkBases({ config }: Pick<GatewayDeps, "config">): LinkBases {
  const bare = (url: string): string => url.replace(/\/+$/, "");
  return {
    gateway: bare(config.PLATEN_PUBLIC_URL),
    temporal_ui: bare(config.PLATEN_TEMPORAL_UI_URL),
    namespace: config.PLATEN_TEMPORAL_NAMESPACE,
  };
}
