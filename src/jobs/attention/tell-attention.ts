/**
 * Attention: what an operator should look at in a job that goes on being what it is. It begins and ends with an entry in the log.
 *
 *   none ──noticed──► stuck | paused | no_worker | stalled ──over──► none
 *
 * The worse one stays: stuck before paused before no_worker before stalled. A final state, a retry and a reset end all of them.
 */
import type { Attention, AttentionCode } from "../../../contract/attention.ts";
import type { JobPatch, JobRow } from "../job-store.ts";
import { writeJob } from "../job-writes-store.ts";
import { LAST_REPORT } from "../protocol/ledger-writes.ts";
import type { ProtocolDeps } from "../protocol/attempt.ts";

type Deps = Pick<ProtocolDeps, "database" | "notifier">;

/** From the worst: one that is noticed does not displace one that stands before it. */
const ORDER: readonly AttentionCode[] = ["stuck", "paused", "no_worker", "stalled"];

/** These stand between a job and its next step: what is shown of it says so. A stalled step's last words are worth more. */
const IN_MESSAGE = new Set<AttentionCode>(["stuck", "paused", "no_worker"]);

/**
 * Begins it, unless it or a worse one is noted in the row, which is as `row` was read or nothing is written. Answers whether it was.
 */
export async function beginAttention(deps: Deps, row: JobRow, attention: Attention): Promise<boolean> {
  const known = row.attention?.code;
  if (known && ORDER.indexOf(known) <= ORDER.indexOf(attention.code)) return false;
  const shown: JobPatch = IN_MESSAGE.has(attention.code) ? { message: attention.message } : {};
  // An attempt that has not heard of its pause yet must not report over what is told of it.
  const last: JobPatch = attention.code === "paused" ? { report: LAST_REPORT } : {};
  return write(deps, row, { attention, ...shown, ...last }, { level: "warn", ...attention });
}

/** Ends it, with a sentence. */
export async function endAttention(deps: Deps, row: JobRow, message: string): Promise<boolean> {
  const { attention } = row;
  if (!attention) return false;
  // Only what it had put there: since then the job may have said something itself.
  const shown: JobPatch = row.message === attention.message ? { message } : {};
  return write(deps, row, { attention: null, ...shown }, { level: "info", code: attention.code, message });
}

async function write(
  deps: Deps,
  row: JobRow,
  patch: JobPatch,
  { level, code, message }: { level: string; code: AttentionCode; message: string },
): Promise<boolean> {
  const data = { level, message, attention: code, ...(row.step === null ? {} : { step: row.step }) };
  const written = await writeJob(deps.database.em.fork(), row.id, patch, [{ kind: "log", data }], { fence: row });
  if (written) deps.notifier.touch(row.id);
  return written;
}
