/** Tasks about jobs and what belongs to them. */
import { transaction } from "../db.ts";
import { sqlState } from "../outage.ts";
import { expireArtifacts } from "./objects-store.ts";
import { compactableJobs, compactLedgers, deleteJob, expiredJobs } from "./retention-store.ts";
import type { TaskRun } from "./tasks.ts";

const PAGE = 200;
const FIRST = "00000000-0000-0000-0000-000000000000";
/** SQLSTATE of a row that others refer to. */
const REFERRED_TO = "23503";

/** Pages of ids, each behind the last of the one before. */
async function* pages(read: (after: string) => Promise<string[]>): AsyncGenerator<string[]> {
  for (let after = FIRST; ;) {
    const ids = await read(after);
    if (ids.length > 0) yield ids;
    if (ids.length < PAGE) return;
    after = ids.at(-1) ?? after;
  }
}

/** Again until a round finds none: a parent may go once its children have. */
export async function removeJobs({ deps, tenant, dry_run, signal, found, told }: TaskRun): Promise<number> {
  const retention = { tenant_id: tenant.id, keepDays: deps.retention.keepJobsDays };
  const db = deps.database.em.fork();
  let count = 0;
  for (let before = -1; before < count;) {
    before = count;
    for await (const ids of pages((after) => expiredJobs(db, retention, { after, limit: PAGE }))) {
      for (const id of ids) {
        signal.throwIfAborted();
        if (dry_run) {
          count += 1;
          found({ job: id });
          continue;
        }
        const gone = await transaction(deps.database, (tx) => deleteJob(tx, id, retention)).catch((error: unknown) => {
          // Something that this code does not know of refers to the job: then it stays.
          if (sqlState(error) !== REFERRED_TO) throw error;
          deps.log.warn({ error, job_id: id }, "an expired job is referred to and stays");
          return null;
        });
        if (!gone) continue;
        count += 1;
        found({ job: gone.id, type: gone.job_type, status: gone.status, ended: gone.completed_at });
      }
      told(`${count} jobs`);
    }
    if (dry_run) break;
  }
  return count;
}

/** Answers events; when it only counts, jobs. */
export async function compactLogs({ deps, tenant, dry_run, signal, told }: TaskRun): Promise<number> {
  const { keepLogsDays: days } = deps.retention;
  if (days === 0) return 0;
  const db = deps.database.em.fork();
  let count = 0;
  for await (const ids of pages((after) =>
    compactableJobs(db, { tenant_id: tenant.id, days }, { after, limit: PAGE }),
  )) {
    signal.throwIfAborted();
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
