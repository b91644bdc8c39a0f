/** What the tables over job types (test/job-types) need to know of a type, to run what every type must hold. */
import type { JobType } from "../../../contract/job-types.ts";
import { query } from "../../../src/db.ts";
import { checkMembers } from "../../../src/jobs/groups/check-members.ts";
import { insertGroup } from "../../../src/jobs/groups/insert-group.ts";
import { payloadSchema } from "../../../src/jobs/payload-schema.ts";
import { insertJob, type JobTerms } from "../../../src/jobs/new-job-store.ts";
import { transaction } from "../../../src/db.ts";
import { startJob } from "../../../src/jobs/protocol/start.ts";
import { v7 as uuidv7 } from "uuid";
import type { Draft, Publishing } from "../publishing.ts";

export interface JobSample {
  type: JobType;
  /**
   * The payload of a job that completes, with everything that it needs; of the draft, where the type is about one. Small: some seconds of
   * work at most, however often the job is begun anew.
   */
  happy(room: Publishing, draft: Draft): Promise<Record<string, unknown>>;
  /** A payload whose job fails for good, and with which code; null for a type that cannot be made to fail by what it is given. */
  failing: ((room: Publishing, draft: Draft) => Promise<{ payload: Record<string, unknown>; code: string }>) | null;
  /**
   * A job that comes to its busy step, or `step`, and stays in it until it is stopped, or let go; null for a type whose work cannot be made to wait. What
   * is let go completes.
   */
  stalling: ((room: Publishing, draft: Draft) => Promise<StallingJob>) | null;
  /** Of a job of the type that changes again what the happy one has changed, after it; null for a type that changes no draft. */
  later: ((room: Publishing, draft: Draft) => Promise<Record<string, unknown>>) | null;
  /** The step in which the most is done: where workers are killed and operators press. */
  busy: string;
  /** Everything is there, once, and right; whatever happened on the way. `result`: of the job's row. */
  expectDone(room: Publishing, draft: Draft, result: Record<string, unknown>): Promise<void>;
}

export interface StallingJob {
  payload: Record<string, unknown>;
  step?: string;
  letGo(): Promise<void>;
}

/** What POST /jobs leaves behind, with a draft where the type is about one; started, unless told otherwise. Answers the job's id. */
export async function startSample(
  room: Publishing,
  draft: Draft,
  job: { type: JobType; payload: Record<string, unknown>; terms?: JobTerms; start?: boolean },
): Promise<string> {
  const id = uuidv7();
  if (job.type === "group") {
    await transaction(room.database, async (tx) => {
      const by = { ...room.principal, role: "admin" as const, tenant: "harbour" };
      const payload = payloadSchema("group").parse(job.payload);
      const members = await checkMembers(tx, { payload, by, at: "" });
      await insertGroup(tx, { ...job.terms, id, by, payload }, members);
    });
    if (job.start !== false) await startJob(room.deps, id, 1);
    return id;
  }
  const about = typeof job.payload["project"] === "string";
  const withVersion = about && typeof job.payload["version"] === "number";
  await transaction(room.database, (tx) =>
    insertJob(tx, {
      ...{
        id,
        tenant_id: draft.tenant_id,
        job_type: job.type,
        message: "queued",
        payload: job.payload,
        environment: null,
      },
      project_id: about ? draft.project_id : null,
      version_id: withVersion ? draft.version_id : null,
      created_by: room.principal.id,
      ...job.terms,
    }),
  );
  if (job.start !== false) await startJob(room.deps, id, 1);
  return id;
}

/** Everything that jobs change in a draft, with its revision. */
export async function contentOf(room: Publishing, { version_id }: Draft): Promise<unknown> {
  const [row] = await query<{ content: unknown }>(
    room.database.em.fork(),
    `
    select jsonb_build_object(
      'revision', v.revision,
      'overlays', (select jsonb_agg(to_jsonb(o) order by o.sort_order) from overlays o where o.version_id = v.id),
      'tile_set', (select to_jsonb(s) from tile_sets s where s.version_id = v.id),
      'tiles', (select jsonb_agg(jsonb_build_array(t.key, t.sha256) order by t.key) from tiles t where t.version_id = v.id)) as content
    from versions v where v.id = $1
    `,
    [version_id],
  );
  return row?.content;
}

/** The number of the draft's version. */
export async function versionOf(room: Publishing, draft: Draft): Promise<number> {
  const [row] = await query<{ number: number }>(room.database.em.fork(), `select number from versions where id = $1`, [
    draft.version_id,
  ]);
  return row?.number ?? 1;
}
