/** What has ended, counted: docs/statistics.md. */
import { defineEntity, p } from "@mikro-orm/core";
import { moment, reference } from "./columns.ts";
import { Tenant } from "./tenants.ts";

/** A generation that has ended and is not counted yet. No reference to jobs: a deleted project's jobs have happened. */
export const JobEnding = defineEntity({
  name: "JobEnding",
  tableName: "job_endings",
  properties: {
    job_id: p.uuid().primary(),
    generation: p.integer().primary().autoincrement(false),
    tenant_id: reference(Tenant),
    job_type: p.text(),
    status: p.text(),
    error_code: p.text().nullable(),
    queued_at: moment(),
    /** Null for one that ended before it started. */
    started_at: moment().nullable(),
    ended_at: moment(),
    size: p.double().nullable(),
    steps: p.json(),
  },
});

/** How many ended in an hour or a day (UTC) as what. */
export const JobCount = defineEntity({
  name: "JobCount",
  tableName: "job_counts",
  checks: [{ name: "job_counts_grain_check", expression: "grain in ('hour', 'day')" }],
  properties: {
    tenant_id: reference(Tenant).primary(),
    grain: p.text().primary(),
    at: moment().primary(),
    job_type: p.text().primary(),
    status: p.text().primary(),
    /** Empty for none. */
    error_code: p.text().primary(),
    count: p.integer(),
  },
});

/** How long they waited and ran, as counts per bucket: src/jobs/statistics/histogram.ts. */
export const JobTime = defineEntity({
  name: "JobTime",
  tableName: "job_times",
  checks: [
    { name: "job_times_grain_check", expression: "grain in ('hour', 'day', 'week')" },
    { name: "job_times_measure_check", expression: "measure in ('wait', 'run')" },
  ],
  properties: {
    tenant_id: reference(Tenant).primary(),
    grain: p.text().primary(),
    at: moment().primary(),
    job_type: p.text().primary(),
    status: p.text().primary(),
    measure: p.text().primary(),
    /** By bucket. */
    counts: p.json(),
  },
});

/** One of the last runs of a type that went through. */
export const JobSample = defineEntity({
  name: "JobSample",
  tableName: "job_samples",
  indexes: [{ name: "job_samples_type_index", properties: ["tenant_id", "job_type", "ended_at"] }],
  properties: {
    job_id: p.uuid().primary(),
    generation: p.integer().primary().autoincrement(false),
    tenant_id: reference(Tenant),
    job_type: p.text(),
    ended_at: moment(),
    size: p.double().nullable(),
    /** By step. */
    seconds: p.json(),
  },
});
