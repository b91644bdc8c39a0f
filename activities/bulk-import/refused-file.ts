/** Work on the fetched file, which may turn out to be of no use. */
import type { FailureCode } from "../../contract/failures.ts";
import { transaction } from "../../src/db.ts";
import { AppError } from "../../src/errors.ts";
import { demandMine } from "../../src/jobs/protocol/ledger-writes.ts";
import { forgetStep } from "../../src/jobs/step-results-store.ts";
import type { ActivityDeps } from "../activity-deps.ts";
import type { StepTools } from "../beating.ts";

/** What a file is refused for. */
const REFUSALS: ReadonlySet<string> = new Set<FailureCode>([
  "import_unreadable",
  "import_header_invalid",
  "import_archive_refused",
  "import_empty",
  "import_nothing_usable",
]);

/** A file that is refused is not carried over: it may be mended where it comes from, and a retry fetches it anew. */
export async function onFile<T>(
  { database, log }: Pick<ActivityDeps, "database" | "log">,
  { row, grip }: Pick<StepTools, "row" | "grip">,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AppError && REFUSALS.has(error.code))
      await transaction(database, async (tx) => {
        // First, as leaving a step locks the two in this order.
        await demandMine(tx, grip);
        await forgetStep(tx, { job_id: row.id, step: "fetch_file" });
      }).catch((failed: unknown) => {
        log.warn({ error: failed, job_id: row.id }, "a refused file was not forgotten: a retry begins with it");
      });
    throw error;
  }
}
