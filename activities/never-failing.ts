/** What an attempt tells of itself beside its work, which must not wait for it or fail by it. */
import { inTime } from "../src/in-time.ts";
import type { Grip } from "../src/jobs/protocol/attempt.ts";
import type { ActivityDeps } from "./activity-deps.ts";

/** Temporal waits for an attempt that was interrupted, and for one that enters its step. */
const TELL_MS = 2_000;

export async function neverFailing(deps: ActivityDeps, grip: Grip, telling: Promise<void>): Promise<void> {
  await inTime(telling, TELL_MS).catch((error: unknown) => {
    deps.log.warn({ error, job_id: grip.job_id }, "how an attempt goes on or was interrupted could not be written");
  });
}
