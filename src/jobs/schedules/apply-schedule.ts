/**
 * Tells Temporal of a schedule as its row is. The row is written first and is the outbox, as with jobs:
 *
 *   written ──told──► applied ──changed──► written …        marked as deleted ──Temporal has forgotten it──► gone
 *
 * Whoever dies in between is healed by the reconciler's round, which tells it again. Telling twice does no harm; an older telling that lands
 * late is found out by the next run, whose input names the revision it came of (`start-run.ts`).
 */
import { reasonOf } from "../../errors.ts";
import type { ProtocolDeps } from "../protocol/attempt.ts";
import { SCHEDULE_BATCH, TELL_SECONDS } from "./limits.ts";
import { dropSchedule, noteApplied, readSchedule, untoldSchedules } from "./schedule-store.ts";

type Deps = Pick<ProtocolDeps, "database" | "executions" | "log">;

/** Errors: invalid_request, where Temporal refuses what it is told; whatever its client throws. */
export async function applySchedule({ database, executions }: Deps, id: string): Promise<void> {
  const row = await readSchedule(database.em.fork(), id);
  if (!row) return;
  if (row.deleted_at !== null) {
    await executions.schedules.remove(id);
    return dropSchedule(database.em.fork(), id);
  }
  const { tenant, spec, overlap, catchup_window_seconds, paused, note, revision } = row;
  const input = { schedule_id: id, tenant, revision };
  await executions.schedules.put({ id, input, spec, overlap, catchup_window_seconds, first: { paused, note } });
  await noteApplied(database.em.fork(), id, revision);
}

/** What nobody has told Temporal, or nobody who lived to note it. In a round of the reconciler. */
export async function applyUntold(deps: Deps, seconds = TELL_SECONDS): Promise<void> {
  for (const id of await untoldSchedules(deps.database.em.fork(), { seconds, limit: SCHEDULE_BATCH })) {
    await applySchedule(deps, id).catch((error: unknown) =>
      deps.log.warn(
        { schedule_id: id, reason: reasonOf(error) },
        "a schedule could not be told to Temporal; tried again",
      ),
    );
  }
}
