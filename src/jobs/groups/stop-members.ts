/** A group that is cancelled cancels its open members, each as if somebody had asked for it: with a receipt of its own. */
import { AppError, reasonOf } from "../../errors.ts";
import { inParallel } from "../../storage/in-parallel.ts";
import { cancelJob } from "../protocol/cancel.ts";
import type { ProtocolDeps } from "../protocol/attempt.ts";
import { findCanceller, type MemberRow } from "./member-store.ts";

const AT_A_TIME = 8;

/** Never fails for a member: what was written down reaches Temporal by the reconciler, and who has ended or switched needs no cancel. */
export async function stopMembers(
  deps: Pick<ProtocolDeps, "database" | "executions" | "notifier" | "log">,
  group: { id: string; tenant_id: string },
  members: readonly MemberRow[],
): Promise<void> {
  if (members.length === 0) return;
  const canceller = await findCanceller(deps.database.em.fork(), group.id);
  const { id, name, deadline_seconds } = canceller;
  const reason = canceller.reason === null ? "its group is cancelled" : `its group is cancelled: ${canceller.reason}`;
  const asked = {
    ...{ by: { tenant_id: group.tenant_id, id, name }, reason },
    ...(deadline_seconds === null ? {} : { deadline_seconds }),
  };
  await inParallel(members, { atATime: AT_A_TIME }, async ({ job_id }) => {
    await cancelJob(deps, { job_id, ...asked }).catch((error: unknown) => {
      if (error instanceof AppError && (error.code === "job_final" || error.code === "past_the_switch")) return;
      deps.log.warn({ job_id, reason: reasonOf(error) }, "the cancel of a member is noted, and reaches it later");
    });
  });
}
