/** What a retry would do, told before: which steps run again and why, what is reused, what it touches. Read in one view; changes nothing. */
import { snapshot, type Database, type Db } from "../db.ts";
import { AppError } from "../errors.ts";
import { listLive } from "../releases/delivery-store.ts";
import { foretellMembers, type ForetoldMembers } from "./groups/foretell-members.ts";
import { readMembers } from "./groups/member-store.ts";
import { readGuard } from "./guard-store.ts";
import { findJob, type JobRecord } from "./job-queries-store.ts";
import { readJob, type JobRow } from "./job-store.ts";
import { guardKey, publishTarget, stepsOf } from "./protocol/attempt.ts";
import { isIndependent, planRetry, type RetryPlan } from "./protocol/retry-plan.ts";
import { demandRetryable } from "./protocol/retry.ts";
import { findReservedRelease, measureDraft } from "./retry-preview-store.ts";
import { countWork, tellSteps, type PlannedStep, type Work } from "./retry-steps.ts";
import { findStepRecords, type StepRecords } from "./step-results-store.ts";

export interface RetryPreview {
  allowed: boolean;
  /** Why a retry would be refused now: the code and the sentences of the refusal. */
  refused: { code: string; message: string; link?: string } | null;
  /** Name of the first step that would run. */
  from: string;
  /** That the retry would open. */
  generation: number;
  /** Of the draft; null for a job that is about none. `validated`: that the finished steps worked on; null where they did not. */
  revision: { validated: number | null; current: number; unchanged: boolean } | null;
  steps: PlannedStep[];
  reuse: Work;
  run_again: Work;
  /** Of a group; null for any other job. */
  members: ForetoldMembers | null;
  /** What it would make public; null for a job that publishes nothing. */
  touches: {
    environment: string;
    /** Slug. */
    project: string;
    version: number;
    /** Null until the draft, as it is now, was validated once. */
    release_id: string | null;
    live_now: LiveRelease | null;
    /** If nothing else is published there before. */
    becomes: Omit<LiveRelease, "since" | "release_id"> & { release_id: string | null };
  } | null;
}

interface LiveRelease {
  release_id: string;
  epoch: number;
  version: number;
  since: string;
}

/** `from`: name of a step. Errors: job_not_found, retry_step_unknown; what else a retry would be refused for is told in the preview. */
export async function previewRetry(
  deps: { database: Database },
  request: { job_id: string; tenant_id: string; from?: string },
): Promise<RetryPreview> {
  return snapshot(deps.database, async (db) => {
    const row = await readJob(db, request.job_id);
    const record = await findJob(db, { tenant_id: request.tenant_id, id: request.job_id });
    if (!row || !record) throw new AppError("job_not_found", { job: request.job_id });
    const records = await findStepRecords(db, row);
    const { plan, refusal } = await planned(db, row, records, request.from);
    const draft = guardKey(row) === null ? null : await measureDraft(db, row.version_id);
    const yielded = new Map(records.kept.map(({ step, result }) => [step, result]));
    const first = stepsOf(row)[0]?.name;
    const finished = records.kept.find(({ step }) => step === first && !isIndependent(row, step));
    const validated = finished?.revision ?? null;
    const revision = row.version_id === null ? null : records.revision;
    const members = row.job_type === "group" ? foretellMembers(await readMembers(db, row.id)) : null;
    const told = { plan, yielded, draft, members, revision, job: row, wanted: request.from };
    return {
      allowed: refusal === null,
      refused: refusal && refusalOf(refusal),
      ...{ from: plan.from, generation: row.generation + 1 },
      revision: revision === null ? null : { validated, current: revision, unchanged: validated === revision },
      steps: tellSteps(told),
      ...countWork(told),
      members,
      touches: await touched(db, row, record, records.revision),
    };
  });
}

/** The plan as asked for, or the one without a wish that cannot be met; and the first thing that is in the way. */
async function planned(
  db: Db,
  row: JobRow,
  records: StepRecords,
  from?: string,
): Promise<{ plan: RetryPlan; refusal: AppError | null }> {
  const refusal = refusedBy(() => demandRetryable(row));
  const notReached = refusedBy(() => void planRetry(row, records, from));
  if (notReached?.code === "retry_step_unknown") throw notReached;
  const plan = planRetry(row, records, notReached ? undefined : from);
  return { plan, refusal: refusal ?? notReached ?? (await guardedBy(db, row)) };
}

function refusedBy(check: () => void): AppError | null {
  try {
    check();
    return null;
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}

async function guardedBy(db: Db, row: JobRow): Promise<AppError | null> {
  const key = guardKey(row);
  const holder = key && (await readGuard(db, key));
  if (holder === null || holder === row.id) return null;
  return new AppError("publish_running", { job: holder, environment: row.environment, link: `/jobs/${holder}` });
}

function refusalOf({ code, message, action, facts }: AppError): RetryPreview["refused"] {
  const link = facts["link"];
  return { code, message: `${message} ${action}`, ...(typeof link === "string" ? { link } : {}) };
}

async function touched(
  db: Db,
  row: JobRow,
  { project, version }: JobRecord,
  revision: number,
): Promise<RetryPreview["touches"]> {
  if (guardKey(row) === null) return null;
  const { tenant_id } = row;
  const { project_id, version_id, environment } = publishTarget(row);
  const release_id = await findReservedRelease(db, { version_id, revision });
  const live = (await listLive(db, { tenant_id, project_id })).find((each) => each.environment === environment);
  const target = { environment, project: project ?? "", version: version ?? 0, release_id };
  return {
    ...target,
    live_now: live
      ? { release_id: live.release_id, epoch: live.epoch, version: live.version, since: live.switched_at }
      : null,
    becomes: { release_id, epoch: (live?.epoch ?? 0) + 1, version: target.version },
  };
}
