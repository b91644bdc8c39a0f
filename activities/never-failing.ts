import { inTime } from "../src/in-time.ts";
import type { Grip } from "../src/jobs/protocol/attempt.ts";
import type { ActivityDeps } from "./activity-deps.ts";

/** An interrupted attempt waits no longer than this for what it tells: Temporal waits for its end. */
const TELL_MS = 2_000;

/** Of what is told beside the work: no failure of it, and no wait for it, is one of the work. */
export async function neverFailing(deps: ActivityDeps, grip: Grip, telling: Promise<void>): Promise<void> {
  await inTime(telling, TELL_MS).catch((error: unknown) => {
    deps.log.warn({ error, job_id: grip.job_id }, "what an operator did to a job could not be written into it");
  });
}
