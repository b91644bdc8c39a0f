/** The same five steps as a publish, with nothing around them; and five activities that do nothing. */
import { proxyActivities } from "@temporalio/workflow";
import type { BareActivities } from "./activities.ts";
import type { BareJob } from "./records.ts";

const bare = proxyActivities<BareActivities>({ startToCloseTimeout: "1 minute" });

export async function publishBare(job: BareJob): Promise<string> {
  const validated = await bare.validateBare(job);
  const generated = await bare.generateBare(job, validated);
  await bare.uploadBare(job, validated, generated);
  await bare.verifyBare(job);
  return bare.markBare(job, validated, generated);
}

export async function publishNothing(job: BareJob): Promise<string> {
  for (let step = 0; step < 5; step += 1) await bare.nothing(job);
  return job.job_id;
}
