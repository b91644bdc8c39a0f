/** bulk_import: the file is fetched, its rows are staged, and all of them go into the draft at once. */
import type { BulkImportResult } from "../contract/bulk-import.ts";
import type { JobInput } from "../contract/job-input.ts";
import { proxy, writingInTurn } from "./activity-options.ts";
import { runJob } from "./run-job.ts";

const inTurn = writingInTurn("bulk_import");
const staging = { fetchFile: proxy("fetchFile", inTurn), readRows: proxy("readRows", inTurn) };
/** In one transaction: tried again, it does everything or finds the job ended. */
const applying = { applyRows: proxy("applyRows", inTurn) };

export async function bulkImport(input: JobInput): Promise<BulkImportResult> {
  return runJob("bulk_import", input, async ({ job, target, step, summary, note }) => {
    const file = await step("fetch_file", () =>
      staging.fetchFile.executeWithOptions(summary("fetch the file"), [{ job, target }]),
    );
    const read = await step("read_rows", () =>
      staging.readRows.executeWithOptions(summary(`read ${file.name}`), [{ job, target, file }]),
    );
    const result = await step("apply_rows", () =>
      applying.applyRows.executeWithOptions(summary(`apply ${read.rows} rows`), [{ job, target, file, read }]),
    );
    note(`${result.imported} rows imported, ${result.rejected} rejected`);
    return result;
  });
}
