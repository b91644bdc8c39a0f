/** Who runs and who waits among the jobs of throttled types. */
import { defineEntity, p } from "@mikro-orm/core";
import { moment, now, reference } from "./columns.ts";
import { Job } from "./jobs.ts";
import { Tenant } from "./tenants.ts";

/** One row per job, from its first request to its final state: the statement that writes that removes the row. */
export const JobPermit = defineEntity({
  name: "JobPermit",
  tableName: "job_permits",
  indexes: [{ name: "job_permits_line_index", properties: ["tenant_id", "queue", "turn_at", "job_id"] }],
  properties: {
    job_id: reference(Job).primary(),
    tenant_id: reference(Tenant),
    /** Task queue, without the installation's prefix. */
    queue: p.text(),
    requested_at: now(),
    /** Place in line: the moment of the request, later by ten minutes for each step of priority. */
    turn_at: moment(),
    /** Null while it waits. */
    granted_at: moment().nullable(),
    /** When its run was told; null where the one who granted it may have died before. */
    woken_at: moment().nullable(),
  },
});
