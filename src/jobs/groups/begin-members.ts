/**
 * Makes jobs of members that are due: rows as a request would leave them, for the parent's workflow to start. What is refused now (the
 * project is gone, another publish runs) is that member's failure.
 */
import type { Environment } from "../../../contract/publish.ts";
import { titleOf } from "../../../contract/job-title.ts";
import { definitionOf } from "../../../contract/job-types.ts";
import { transaction, type Db } from "../../db.ts";
import { AppError } from "../../errors.ts";
import { insertJobs, type NewJob } from "../new-job-store.ts";
import type { JobRow } from "../job-store.ts";
import { keepNamedUploads } from "../named-uploads.ts";
import { reopenJob } from "../protocol/retry.ts";
import { insertPublish } from "../request-publish.ts";
import { subjectOf, type JobSubject } from "../job-subject.ts";
import { markBegun, markRefused, readPayloads, type MemberRow, type Refusal } from "./member-store.ts";

/** `group`: under its lock, held by who calls. */
export async function beginMembers(tx: Db, group: JobRow, due: readonly MemberRow[]): Promise<void> {
  const payloads = await readPayloads(
    tx,
    group.id,
    due.map(({ position }) => position),
  );
  const subjects = createSubjects(tx, group.tenant_id);
  const refused: { position: number; refused: Refusal }[] = [];
  const jobs: NewJob[] = [];
  for (const member of due) {
    const payload = payloads.get(member.position) ?? {};
    try {
      if (member.status !== null) await reopen(tx, group, member);
      else if (member.job_type === "publish") await publish(tx, group, member, payload);
      else jobs.push(await newJob(group, member, payload, subjects));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const { code, message, action, problems } = error;
      const errors = problems.length > 0 ? { errors: problems.slice(0, MAX_PROBLEMS) } : {};
      refused.push({ position: member.position, refused: { code, message: `${message} ${action}`, ...errors } });
    }
  }
  await insertJobs(tx, jobs);
  const isRefused = new Set(refused.map(({ position }) => position));
  const begun = due.filter(({ position }) => !isRefused.has(position));
  await markBegun(
    tx,
    group.id,
    begun.map(({ position }) => position),
  );
  // They may stand in line from now on. What has gone by now is told by the job that reads it.
  const naming = begun.map(({ position, job_type: type }) => ({ type, payload: payloads.get(position) ?? {}, at: "" }));
  await keepNamedUploads(tx, { tenant_id: group.tenant_id, jobs: naming });
  if (refused.length > 0) await markRefused(tx, group.id, refused);
}

/** Of one member's refusal. */
const MAX_PROBLEMS = 20;

/** In a savepoint, as all that may be refused after it has written. */
async function reopen(tx: Db, { tenant_id }: JobRow, { job_id, force }: MemberRow): Promise<void> {
  await transaction(tx, (inner) => reopenJob(inner, { job_id, by: { tenant_id, name: "its group" }, force }));
}

async function publish(tx: Db, group: JobRow, member: MemberRow, payload: Record<string, unknown>): Promise<void> {
  const { project, version, target_environment } = payload as {
    project: string;
    version: number;
    target_environment: Environment;
  };
  const { job_id: id, title, priority, key } = member;
  await transaction(tx, (inner) =>
    insertPublish(inner, {
      ...{ id, project, version, environment: target_environment, priority, ...(title === null ? {} : { title }) },
      by: { id: group.created_by, tenant_id: group.tenant_id },
      parent: { id: group.id, member_key: key },
    }),
  );
}

async function newJob(
  group: JobRow,
  member: MemberRow,
  payload: Record<string, unknown>,
  subjects: (member: MemberRow, payload: Record<string, unknown>) => Promise<JobSubject>,
): Promise<NewJob> {
  const subject = await subjects(member, payload);
  const { job_id: id, job_type, title, priority, key } = member;
  return {
    ...{ id, tenant_id: group.tenant_id, job_type, payload, priority, ...(title === null ? {} : { title }) },
    message: `${titleOf(job_type, title, { ...subject, environment: null })} is queued`,
    ...{ project_id: subject.project_id, version_id: subject.version_id, environment: null },
    created_by: group.created_by,
    parent: { id: group.id, member_key: key },
  };
}

/** A thousand members are mostly about the same few versions. */
export function createSubjects(
  db: Db,
  tenant_id: string,
): (member: Pick<MemberRow, "job_type">, payload: Record<string, unknown>) => Promise<JobSubject> {
  const known = new Map<string, Promise<JobSubject>>();
  return ({ job_type }, payload) => {
    const key = JSON.stringify([definitionOf(job_type).resource, payload["project"], payload["version"]]);
    const found = known.get(key) ?? subjectOf(db, { type: job_type, payload, by: { tenant_id } });
    known.set(key, found);
    return found;
  };
}
