/**
 * What is left of permits when somebody died between two writes: free ones that were not passed on, runs that were not told. In a round of
 * the reconciler, and with it what the first in each line say of their place.
 */
import { permitsByQueue } from "../../../contract/permits.ts";
import type { ProtocolDeps } from "../protocol/attempt.ts";
import { waitingMessage } from "./ask-for-permit.ts";
import { grantIn, tellGranted } from "./pass-on.ts";
import { dropOfEnded, firstInLine, untoldJobs, waitingLines, writePlaces } from "./sweep-store.ts";

/** Who granted it tells within this, or has died. */
const TELL_SECONDS = 3;
const UNTOLD = 200;
/** In each line: for those behind, what they said when they came is near enough. */
const PLACES = 25;

/** `permits`: by queue; what the table says by default. */
export async function sweepPermits(
  deps: Pick<ProtocolDeps, "database" | "executions" | "notifier" | "log">,
  permits = permitsByQueue(),
): Promise<void> {
  const db = () => deps.database.em.fork();
  const lingering = await dropOfEnded(db());
  if (lingering.length > 0) deps.log.error({ jobs: lingering }, "jobs that had ended still had permits");
  for (const line of await waitingLines(db())) {
    // A queue whose types are not throttled any more holds nobody up.
    await grantIn(deps, line, permits.get(line.queue) ?? Number.MAX_SAFE_INTEGER);
  }
  await tellGranted(deps, await untoldJobs(db(), { seconds: TELL_SECONDS, limit: UNTOLD }));
  const news = (await firstInLine(db(), PLACES)).flatMap((job) => {
    const message = waitingMessage({ ...job, permits: permits.get(job.queue) ?? 0 });
    return message === job.message ? [] : [{ job_id: job.job_id, message }];
  });
  if (news.length === 0) return;
  for (const id of await writePlaces(db(), news)) deps.notifier.touch(id);
}
