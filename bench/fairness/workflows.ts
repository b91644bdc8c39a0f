/** A bulk job without a row: one activity, by the options that the product's activities have. */
import type { JobInput } from "../../contract/job-input.ts";
import { proxy, WRITING } from "../../workflows/activity-options.ts";

const sweeping = { sweep: proxy("sweep", WRITING) };

/** By the name of a product's workflow, so that the product starts it. */
export async function maintenance(input: JobInput): Promise<void> {
  const { job_id, generation, tenant } = input;
  const target = { tenant, project: null, version: null, environment: null };
  await sweeping.sweep({ job: { job_id, generation, first_run_id: "" }, target });
}
