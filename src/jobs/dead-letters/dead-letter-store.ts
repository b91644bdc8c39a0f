/**
 * Dead letters: jobs that have failed for good, with a code that does not mend itself or with their retries used up, and that nobody has
 * put away. The index `jobs_dead_index` has all that decides of one, so a million rows are as good as a hundred.
 */
import { FAILURES } from "../../../contract/failures.ts";
import { definitionOf, JOB_TYPES, type JobType } from "../../../contract/job-types.ts";
import { query, type Db } from "../../db.ts";
import { RECORDS, type JobRecord } from "../job-queries-store.ts";

export interface DeadLetterFilter {
  tenant_id: string;
  type?: string | undefined;
  /** Slug. A project that the tenant has not has no jobs. */
  project?: string | undefined;
  /** Of the failure. */
  code?: string | undefined;
  /** ISO 8601: only those that ended then or later. */
  since?: string | undefined;
  /** UUIDs: only these. */
  ids?: readonly string[] | undefined;
}

/** Where a page ends: as PostgreSQL gave it, with microseconds. */
export interface DeadLetterPlace {
  completed_at: string;
  id: string;
}

export interface FoundDeadLetter extends DeadLetterPlace {
  generation: number;
}

export interface DeadLetterCount {
  type: JobType;
  code: string | null;
  count: number;
}

const RETRYABLE = Object.entries(FAILURES).flatMap(([code, { retryable }]) => (retryable ? [code] : []));
const MAX_RETRIES = JSON.stringify(
  Object.fromEntries((Object.keys(JOB_TYPES) as JobType[]).map((type) => [type, definitionOf(type).max_retries])),
);

/** The conditions of a filter, and what fills them. Only those that are asked for: see `listJobs`. */
function conditionsOf(filter: DeadLetterFilter): { where: string; params: unknown[]; place(value: unknown): string } {
  const params: unknown[] = [];
  const place = (value: unknown): string => `$${params.push(value)}`;
  const conditions = [
    `j.tenant_id = ${place(filter.tenant_id)}`,
    "j.status = 'failed'",
    "j.discarded_at is null",
    `(
      j.error_code is null or j.error_code <> all(${place(RETRYABLE)}::text[])
      or j.generation - 1 >= coalesce(j.max_retries, (${place(MAX_RETRIES)}::jsonb ->> j.job_type)::int, 0)
    )`,
  ];
  if (filter.type !== undefined) conditions.push(`j.job_type = ${place(filter.type)}`);
  if (filter.code !== undefined) conditions.push(`j.error_code = ${place(filter.code)}`);
  if (filter.since !== undefined) conditions.push(`j.completed_at >= ${place(filter.since)}::timestamptz`);
  if (filter.ids !== undefined) conditions.push(`j.id = any(${place(filter.ids)}::uuid[])`);
  if (filter.project !== undefined) {
    conditions.push(
      `j.project_id in (select id from projects where tenant_id = $1 and slug = ${place(filter.project)})`,
    );
  }
  return { where: conditions.join(" and "), params, place };
}

/** The newest first. `before`: where the page before ended. */
export async function listDeadLetters(
  db: Db,
  filter: DeadLetterFilter & { before?: DeadLetterPlace | undefined; limit: number },
): Promise<JobRecord[]> {
  const { where, params, place } = conditionsOf(filter);
  const { before } = filter;
  const older = before
    ? `and (j.completed_at, j.id) < (${place(before.completed_at)}::timestamptz, ${place(before.id)}::uuid)`
    : "";
  return query<JobRecord>(
    db,
    `${RECORDS} where ${where} ${older} order by j.completed_at desc, j.id desc limit ${place(filter.limit)}`,
    params,
  );
}

/** The oldest first, for those who do something to each. `after`: where the page before ended. */
export async function findDeadLetters(
  db: Db,
  filter: DeadLetterFilter & { after?: DeadLetterPlace | undefined; limit: number },
): Promise<FoundDeadLetter[]> {
  const { where, params, place } = conditionsOf(filter);
  const { after } = filter;
  const newer = after
    ? `and (j.completed_at, j.id) > (${place(after.completed_at)}::timestamptz, ${place(after.id)}::uuid)`
    : "";
  return query<FoundDeadLetter>(
    db,
    `
    select j.id, j.completed_at, j.generation from jobs j
    where ${where} ${newer} order by j.completed_at, j.id limit ${place(filter.limit)}
    `,
    params,
  );
}

/** By type and code, the most frequent first. */
export async function countDeadLetters(db: Db, filter: DeadLetterFilter): Promise<DeadLetterCount[]> {
  const { where, params } = conditionsOf(filter);
  return query<DeadLetterCount>(
    db,
    `
    select j.job_type as type, j.error_code as code, count(*)::int as count from jobs j
    where ${where} group by j.job_type, j.error_code order by count desc, type, code
    `,
    params,
  );
}
