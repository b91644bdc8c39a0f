/**
 * Attention: what an operator should look at in a job that goes on being what it is. It begins and ends with an entry in the log.
 *
 *   none ──noticed──► stuck | paused | no_worker | stalled ──over──► none
 *
 * The worse one stays: stuck before paused before no_worker before stalled. A final state, a retry and a reset end all of them.
 */
import type { Attention, AttentionCode } from "../../../contract/attention.ts";
import { transaction, type Db } from "../../db.ts";
import type { JobRow } from "../job-store.ts";
import { writeJob } from "../job-writes-store.ts";
import type { ProtocolDeps } from "../protocol/attempt.ts";
import { writeTellings, type Noted, type Telling } from "./attention-store.ts";

type Deps = Pick<ProtocolDeps, "database" | "notifier">;

/** From the worst: one that is noticed does not displace one that stands before it. */
const ORDER: readonly AttentionCode[] = ["stuck", "paused", "no_worker", "stalled"];

/** These stand between a job and its next step: what is shown of it says so. A stalled step's last words are worth more. */
const IN_MESSAGE = new Set<AttentionCode>(["stuck", "paused", "no_worker"]);

/** What is said when it is over, unless who ends it knows better. */
const GOES_ON: Record<AttentionCode, string> = {
  stuck: "The workflow goes on.",
  paused: "Unpaused in Temporal: the step goes on.",
  no_worker: "A worker has taken the job up.",
  stalled: "There is progress again.",
};

/** Null where it or a worse one is noted already. */
export function beginning(row: Noted, attention: Attention): Telling | null {
  const known = row.attention?.code;
  if (known && ORDER.indexOf(known) <= ORDER.indexOf(attention.code)) return null;
  const shown = IN_MESSAGE.has(attention.code) ? { message: attention.message } : {};
  const { code, message } = attention;
  return { attention, ...shown, freed: false, entry: entryOf(row, { level: "warn", code, message }) };
}

/** Null where nothing is noted. */
export function ending(row: Noted, sentence?: string): Telling | null {
  if (!row.attention) return null;
  const { code, message: noted } = row.attention;
  const message = sentence ?? GOES_ON[code];
  // Only what it had put there: since then the job may have said something itself.
  const shown = row.message === noted ? { message } : {};
  // A stalled step has gone on by itself. A queued job has nothing to go on with: it is as old as it is.
  const freed = code !== "stalled" && row.status === "running";
  return { attention: null, ...shown, freed, entry: entryOf(row, { level: "info", code, message }) };
}

const entryOf = (
  { step }: Noted,
  { level, code, message }: { level: string; code: AttentionCode; message: string },
): Record<string, unknown> => ({ level, message, attention: code, ...(step === null ? {} : { step }) });

/**
 * Begins it, unless it or a worse one is noted in the row, which is as `row` was read or nothing is written. Answers whether it was.
 */
export async function beginAttention(deps: Deps, row: JobRow, attention: Attention): Promise<boolean> {
  return tell(deps, row, beginning(row, attention));
}

/** Ends it, in the usual words. The row is as `row` was read, or nothing is written. Answers whether it was. */
export async function endAttention(deps: Deps, row: JobRow): Promise<boolean> {
  return tell(deps, row, ending(row));
}

async function tell(deps: Deps, row: JobRow, telling: Telling | null): Promise<boolean> {
  if (!telling) return false;
  const { entry, freed, ...noted } = telling;
  const patch = { ...noted, ...(freed ? { last_activity_at: "now" as const } : {}) };
  const events = [{ kind: "log" as const, data: entry }];
  const written = await writeJob(deps.database.em.fork(), row.id, patch, events, { fence: row });
  if (written) deps.notifier.touch(row.id);
  return written;
}

/** Jobs to a transaction: their rows are locked meanwhile. */
const BATCH = 500;

/**
 * Tells of all jobs that `lock` finds, many at a time; it locks them, so what is decided about a row is true of it when it is written.
 * What has been told of must not be found again. Answers of how many it told.
 */
export async function tellAll<Row extends Noted>(
  deps: Deps,
  lock: (tx: Db, limit: number) => Promise<Row[]>,
  telling: (row: Row) => Telling | null,
): Promise<number> {
  for (let told = 0; ;) {
    const ids = await transaction(deps.database, async (tx) => {
      const tellings = (await lock(tx, BATCH)).flatMap((row) => {
        const each = telling(row);
        return each ? [{ id: row.id, ...each }] : [];
      });
      if (tellings.length > 0) await writeTellings(tx, tellings);
      return tellings.map(({ id }) => id);
    });
    for (const id of ids) deps.notifier.touch(id);
    told += ids.length;
    if (ids.length < BATCH) return told;
  }
}
