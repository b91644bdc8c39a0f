/** Jobs in the middle of a publish, as the row of one has it that uploads. */
import { v7 as uuidv7 } from "uuid";
import { pendingSteps, type StepState } from "../../contract/progress.ts";
import { PUBLISH_STEPS } from "../../contract/publish.ts";
import { workflowId } from "../../contract/workflow-id.ts";
import { query, transaction, type Database } from "../../src/db.ts";
import type { Grip } from "../../src/jobs/protocol/attempt.ts";
import { createProject } from "../../src/projects/project-store.ts";
import { insertVersion } from "../../src/projects/version-store.ts";
import { ensurePrincipal, ensureTenant } from "../../src/tenants/tenant-store.ts";

/** The step that they are at. */
export const STEP = "upload";
export const PERCENT = 30;
/** Of their ledgers. */
export const FIRST_SEQ = 0;

/** Inserts `count` jobs of one version, and answers the terms on which an attempt may write to each. */
export async function makeRunningJobs(database: Database, count: number): Promise<Grip[]> {
  const steps = stepsAtWork();
  return transaction(database, async (tx) => {
    const tenant_id = (await ensureTenant(tx, { slug: "demo", name: "Demo" })).id;
    const principal = await ensurePrincipal(tx, { tenant_id, name: "demo-admin" });
    const project = await createProject(tx, {
      tenant_id,
      slug: "harbour-town",
      name: "Harbour town",
      created_by: null,
    });
    const version = await insertVersion(tx, { tenant_id, project_id: project.id, created_by: null });
    const grips: Grip[] = Array.from({ length: count }, () => ({
      ...{ job_id: uuidv7(), run_id: uuidv7(), attempt_at: 1, generation: 1 },
      held: { job_type: "publish", environment: "dev", step: STEP, steps },
    }));
    await query(
      tx,
      `
      insert into jobs (id, run_id, workflow_id, tenant_id, job_type, status, progress, step, steps, message, payload, project_id,
        version_id, environment, created_by, attempt_at, started_at, last_activity_at)
      select id, run_id, workflow_id, $4, 'publish', 'running', $5, $6, $7::jsonb, 'Uploading', $8::jsonb, $9, $10, 'dev', $11, 1,
        now(), now()
      from unnest($1::uuid[], $2::text[], $3::text[]) as j (id, run_id, workflow_id)
      `,
      [
        ...[grips.map((each) => each.job_id), grips.map((each) => each.run_id)],
        ...[grips.map((each) => workflowId("publish", each.job_id)), tenant_id, PERCENT, STEP, JSON.stringify(steps)],
        ...[JSON.stringify({ project: "harbour-town", version: 1 }), project.id, version.id, principal.id],
      ],
    );
    return grips;
  });
}

/** Done up to the one that they are at. */
export function stepsAtWork(): StepState[] {
  const now = new Date().toISOString();
  const at = PUBLISH_STEPS.findIndex(({ name }) => name === STEP);
  return pendingSteps(PUBLISH_STEPS).map((step, index) => {
    if (index > at) return step;
    if (index === at) return { ...step, status: "running", started_at: now };
    return { ...step, status: "done", started_at: now, finished_at: now };
  });
}

/** Where to watch it. */
export const streamOf = ({ job_id }: Pick<Grip, "job_id">): string => `/jobs/${job_id}/stream`;
