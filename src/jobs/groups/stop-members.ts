/**
 * A group that is cancelled, or stopped for its deadline, cancels its open members, each as if somebody had asked for it: with a receipt of
 * its own, and with as long to stop as the group has. Where that has no limit of its own they have what any request for a cancel gives.
 */
import { AppError, reasonOf } from "../../errors.ts";
import { inParallel } from "../../storage/in-parallel.ts";
import { cancelJob } from "../protocol/cancel.ts";
import type { ProtocolDeps } from "../protocol/attempt.ts";
import { findCanceller } from "./member-store.ts";

const AT_A_TIME = 8;

/**
 * Never fails for a member: what was written down reaches Temporal by the reconciler, and who has ended or switched needs no cancel.
 * `deadlineSeconds`: where the group has no limit of its own.
 */
export async function stopMembers(
  deps: Pick<ProtocolDeps, "database" | "executions" | "notifier" | "log">,
  group: { id: string; tenant_id: string },
  members: readonly { job_id: string }[],
  deadlineSeconds: number,
): Promise<void> {
  if (members.length === 0) return;
  const canceller = await findCanceller(deps.database.em.fork(), group.id);
  const { id, name } = canceller;
  const deadline_seconds = canceller.deadline_seconds ?? deadlineSeconds;
  const reason = canceller.reason === null ? "its group is cancelled" : `its group is cancelled: ${canceller.reason}`;
  const asked = { by: { tenant_id: group.tenant_id, id, name }, reason, deadline_seconds };
  await inParallel(members, { atATime: AT_A_TIME }, async ({ job_id }) => {
    await cancelJob(deps, { job_id, ...asked }).catch((error: unknown) => {
      if (error instanceof AppError && (error.code === "job_final" || error.code === "past_the_switch")) return;
      deps.log.warn({ job_id, reason: reasonOf(error) }, "the cancel of a member is noted, and reaches it later");
    });
  });
}
