/** Puts dead letters away: they are listed no more, and can still be read and retried. Who, when and why is in the row and in the ledger. */
import { transaction, type Db } from "../../db.ts";
import { AppError } from "../../errors.ts";
import type { Principal } from "../../tenants/principal.ts";
import type { Also } from "../accept-job.ts";
import { lockJob } from "../job-store.ts";
import { writeJob } from "../job-writes-store.ts";
import type { ProtocolDeps } from "../protocol/attempt.ts";
import {
  findDeadLetters,
  type DeadLetterFilter,
  type DeadLetterPlace,
  type FoundDeadLetter,
} from "./dead-letter-store.ts";
import { notFound, type Refused } from "./retry-dead-letters.ts";

export interface DiscardDeadLetters {
  filter: Omit<DeadLetterFilter, "tenant_id">;
  by: Principal;
  /** For those who find them later. */
  reason: string;
  after?: DeadLetterPlace | undefined;
  limit: number;
  /** Written of each that is put away, with it. */
  also?: Also;
}

export interface DiscardedDeadLetters {
  discarded: string[];
  refused: Refused[];
  /** Where the next request goes on; null when there are no more. */
  next: DeadLetterPlace | null;
}

/** A repeat finds none of those that are put away. */
export async function discardDeadLetters(
  deps: Pick<ProtocolDeps, "database" | "notifier">,
  { filter, by, reason, after, limit, also }: DiscardDeadLetters,
): Promise<DiscardedDeadLetters> {
  const scope = { ...filter, tenant_id: by.tenant_id };
  const found = await findDeadLetters(deps.database.em.fork(), { ...scope, after, limit: limit + 1 });
  const page = found.slice(0, limit);
  const discarded: string[] = [];
  const refused = notFound(filter.ids, found);
  for (const letter of page) {
    if (await transaction(deps.database, (tx) => discard(tx, letter, { by, reason, ...(also ? { also } : {}) }))) {
      discarded.push(letter.id);
      deps.notifier.touch(letter.id);
    } else {
      const { code, message, action } = new AppError("not_a_dead_letter", { job: letter.id });
      refused.push({ job: letter.id, code, message: `${message} ${action}` });
    }
  }
  const last = page.at(-1);
  return {
    discarded,
    refused,
    next: last && found.length > limit ? { completed_at: last.completed_at, id: last.id } : null,
  };
}

/** False when it was retried or put away since it was found. */
async function discard(
  tx: Db,
  letter: FoundDeadLetter,
  { by, reason, also }: Pick<DiscardDeadLetters, "by" | "reason" | "also">,
): Promise<boolean> {
  const row = await lockJob(tx, letter.id);
  if (row?.status !== "failed" || row.generation !== letter.generation || row.discarded_at !== null) return false;
  const message = `Discarded by ${by.name}: ${reason}`;
  await writeJob(tx, row.id, { discarded_at: "now", discarded_by: by.id, discard_reason: reason }, [
    { kind: "log", data: { level: "warn", message } },
    // The last event of a job that has ended is its final state: streams end with it.
    { kind: "status", data: { status: row.status, generation: row.generation, message, discarded: true } },
  ]);
  await also?.(tx, row.id);
  return true;
}
