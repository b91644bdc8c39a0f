/**
 * Permits of throttled jobs. One is the job's and not its run's: whatever becomes of attempts and runs, the job keeps it.
 *
 *   none ──asks for the first time──► waits in line ──first, and one is free──► granted ──final state, in its statement──► none
 *
 * Who asks, who ends, and the reconciler grant what is free, under the line's lock. Only an open job can ask: its row is locked meanwhile,
 * so no permit comes after a final state.
 */
import { isFinal } from "../../../contract/job-state.ts";
import type { Queue } from "../../../contract/job-type-definition.ts";
import { definitionOf } from "../../../contract/job-types.ts";
import { permitsByQueue } from "../../../contract/permits.ts";
import { transaction, type Db } from "../../db.ts";
import { lockJob, type JobRow } from "../job-store.ts";
import { writeJob } from "../job-writes-store.ts";
import type { Attempt, ProtocolDeps } from "../protocol/attempt.ts";
import { tellGranted } from "./pass-on.ts";
import {
  findPlace,
  grantFree,
  hasPermit,
  lockLine,
  noteWoken,
  takePlace,
  type Granted,
  type Place,
} from "./permit-store.ts";

export type Asked =
  /** `permits`: of the line. */
  | { kind: "waits"; message: string; queue: Queue; permits: number; place: Place }
  | { kind: "granted" }
  /** It has ended, does not exist, or is another run's: nothing to wait for. */
  | { kind: "ended" };

type Deps = Pick<ProtocolDeps, "database" | "executions" | "notifier" | "log">;

/** Who asks, if it is a run: one of an older generation never begins again, unless it comes from a reset. */
type Asking = Pick<Attempt, "generation" | "reset">;

/**
 * Asking again changes nothing but what the job says of its place. `permits`: of the line; what the table says by default.
 */
export async function askForPermit(
  deps: Deps,
  jobId: string,
  permits = permitsByQueue(),
  run: Asking | null = null,
): Promise<Asked> {
  if (await hasPermit(deps.database.em.fork(), jobId)) return { kind: "granted" };
  const { asked, others } = await transaction(deps.database, (tx) => ask(tx, jobId, permits, run));
  deps.notifier.touch(jobId);
  await tellGranted(deps, others);
  return asked;
}

async function ask(
  tx: Db,
  jobId: string,
  numbers: ReadonlyMap<Queue, number>,
  run: Asking | null,
): Promise<{ asked: Asked; others: Granted[] }> {
  const row = await lockJob(tx, jobId);
  if (!row || isFinal(row.status)) return { asked: { kind: "ended" }, others: [] };
  if (run && !run.reset && run.generation < row.generation) return { asked: { kind: "ended" }, others: [] };
  const queue = definitionOf(row.job_type).task_queue;
  const permits = numbers.get(queue);
  if (permits === undefined) return { asked: { kind: "granted" }, others: [] };
  const line = { tenant_id: row.tenant_id, queue };
  const isNew = await takePlace(tx, line, row);
  await lockLine(tx, line);
  const granted = await grantFree(tx, line, permits);
  const others = granted.filter(({ job_id }) => job_id !== jobId);
  const place = await findPlace(tx, jobId);
  if (!place || place.granted) {
    await noteWoken(tx, [jobId]);
    return { asked: { kind: "granted" }, others };
  }
  const message = waitingMessage({ ...place, queue, permits });
  await tellWaiting(tx, row, message, isNew);
  return { asked: { kind: "waits", message, queue, permits, place }, others };
}

/** In the row, and the first time in the log. */
async function tellWaiting(tx: Db, row: JobRow, message: string, isNew: boolean): Promise<void> {
  if (!isNew && row.message === message) return;
  const data = { level: "info", message };
  await writeJob(tx, row.id, { message }, isNew ? [{ kind: "log", data }] : []);
}

/** What a job says that waits. */
export function waitingMessage(of: {
  queue: Queue;
  tenant: string;
  running: number;
  permits: number;
  place: number;
}): string {
  const { queue, tenant, running, permits, place } = of;
  return `Waiting for a permit: ${running} of ${permits} ${queue} jobs of ${tenant} run; place ${place} in line`;
}
