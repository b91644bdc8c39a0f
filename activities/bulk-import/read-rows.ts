/** Step 2: every row of the file is checked and staged, where a kill does not reach it. */
import type { BulkImportPayload, ReadRows } from "../../contract/bulk-import.ts";
import { keepInUse } from "../../src/artifacts/artifact-store.ts";
import { stageOf, stageRows } from "../../src/imports/stage-rows.ts";
import type { ActivityDeps } from "../activity-deps.ts";
import type { StepTools } from "../beating.ts";
import { inStep } from "../steps.ts";
import { onFile } from "./refused-file.ts";
import type { AfterFetch } from "./step-input.ts";

/** Errors: import_unreadable, import_header_invalid, import_archive_refused, import_empty: all final. */
export async function readRows(deps: ActivityDeps, input: AfterFetch): Promise<ReadRows> {
  const begins = `Reading ${input.file.name}`;
  return inStep(deps, input, { name: "read_rows", begins }, async (tools) => {
    const read = await onFile(deps, tools, () => stageFile(deps, input, tools, 1));
    const malformed = read.malformed === 0 ? "" : `, ${read.malformed} of which cannot be used`;
    return { result: read, message: `Read ${read.rows} rows${malformed}` };
  });
}

/** `share`: of the step that this is, 0 to 1. */
export async function stageFile(
  { database, stores, config }: ActivityDeps,
  { file }: AfterFetch,
  { row, grip, signal, report, log }: StepTools,
  share: number,
): Promise<ReadRows> {
  const db = database.em.fork();
  // A retry goes on behind the fetching, which may be days ago: the file stays while it is read.
  const id = file.key.split("/").at(-1) ?? "";
  await keepInUse(db, { tenant_id: row.tenant_id, id, days: config.PLATEN_UPLOAD_DAYS });
  return stageRows(db, stores.private, {
    stage: stageOf({ ...row, generation: grip.generation }, file),
    ...{ file, signal, payload: row.payload as BulkImportPayload },
    onOpen: (told, behind) =>
      log(behind === 0 ? `${file.name} is ${told}` : `Going on behind row ${behind} of ${file.name}`),
    onProgress: (fraction, rows) => report(fraction * share, `${rows} rows read`),
    onUnseen: (told) => log(`No record of ${file.name} has ${told}`, "warn"),
  });
}
