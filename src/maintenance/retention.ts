/** Tasks about jobs and what belongs to them. */
import { transaction } from "../db.ts";
import { sqlState } from "../outage.ts";
import { expireArtifacts } from "./objects-store.ts";
import { compactableJobs, compactLedgers, deleteJob, expiredJobs, stayingJobs } from "./retention-store.ts";
import type { TaskRun } from "./tasks.ts";

const PAGE = 200;
const FIRST = "00000000-0000-0000-0000-000000000000";
/** SQLSTATE of a row that others refer to. */
const REFERRED_TO = "23503";

/** Pages of rows, each behind the last of the one before. */
async function* pages<Row extends { id: string }>(read: (after: string) => Promise<Row[]>): AsyncGenerator<Row[]> {
  for (let after = FIRST; ;) {
    const rows = await read(after);
    if (rows.length > 0) yield rows;
    if (rows.length < PAGE) return;
    after = rows.at(-1)?.id ?? after;
  }
}

/** Answers how many jobs, members of groups among them. Says of those that stay why. */
export async function removeJobs({ deps, tenant, dry_run, signal, found, told }: TaskRun): Promise<number> {
  const retention = { tenant_id: tenant.id, keepDays: deps.retention.keepJobsDays };
  const db = deps.database.em.fork();
  let count = 0;
  for await (const rows of pages((after) => expiredJobs(db, retention, { after, limit: PAGE }))) {
    for (const { id, members } of rows) {
      signal.throwIfAborted();
      if (dry_run) {
        count += 1 + members;
        found({ job: id, ...(members > 0 ? { members } : {}) });
        continue;
      }
      const gone = await transaction(deps.database, (tx) => deleteJob(tx, id, retention)).catch((error: unknown) => {
        // Something that this code does not know of refers to the job: then it stays.
        if (sqlState(error) !== REFERRED_TO) throw error;
        deps.log.warn({ error, job_id: id }, "an expired job is referred to and stays");
        found({ job: id, stays: "something refers to it" });
        return null;
      });
      for (const job of gone ?? [])
        found({ job: job.id, type: job.job_type, status: job.status, ended: job.completed_at });
      count += gone?.length ?? 0;
    }
    told(`${count} jobs`);
  }
  for (const { stays, count: jobs, job } of await stayingJobs(db, retention)) found({ stays, jobs, such_as: job });
  return count;
}

/** Answers events; when it only counts, jobs. */
export async function compactLogs({ deps, tenant, dry_run, signal, told }: TaskRun): Promise<number> {
  const { keepLogsDays: days } = deps.retention;
  if (days === 0) return 0;
  const db = deps.database.em.fork();
  let count = 0;
  for await (const rows of pages((after) =>
    compactableJobs(db, { tenant_id: tenant.id, days }, { after, limit: PAGE }),
  )) {
    signal.throwIfAborted();
    const ids = rows.map(({ id }) => id);
    count += dry_run ? ids.length : await compactLedgers(db, ids, days);
    told(`${count} events`);
  }
  return count;
}

/**
 * Records only. Their objects have no record then, and go when the grace time is over: a job that makes the same artifact again just now
 * would otherwise lose its bytes.
 */
export async function expireArtifactsOf({ deps, tenant, dry_run, signal, found, told }: TaskRun): Promise<number> {
  const db = deps.database.em.fork();
  let count = 0;
  for (;;) {
    signal.throwIfAborted();
    const gone = await expireArtifacts(db, { tenant_id: tenant.id, dry_run, limit: PAGE });
    for (const { id, name, size } of gone) found({ artifact: id, name, size });
    count += gone.length;
    told(`${count} artifacts`);
    if (dry_run || gone.length < PAGE) return count;
  }
}
