/** Step 3: what can be used goes into the draft, what cannot into the error file; the draft changes and the job ends in one commit. */
import type { BulkImportPayload, BulkImportResult } from "../../contract/bulk-import.ts";
import type { Problem } from "../../contract/problem.ts";
import { fileName } from "../../src/artifacts/file-name.ts";
import { transaction, type Db } from "../../src/db.ts";
import { AppError } from "../../src/errors.ts";
import { applyImport, judgeRows } from "../../src/imports/apply-import.ts";
import { errorFile, firstProblems } from "../../src/imports/error-file.ts";
import { countStaged, deleteStage, type Applied } from "../../src/imports/import-rows-store.ts";
import { stageOf } from "../../src/imports/stage-rows.ts";
import { writeDone, type Done } from "../../src/jobs/protocol/finish.ts";
import { demandMine } from "../../src/jobs/protocol/ledger-writes.ts";
import { findDraft, type Version } from "../../src/projects/version-store.ts";
import { keptAs } from "../applied.ts";
import { keepMade } from "../keep-made.ts";
import type { ActivityDeps } from "../activity-deps.ts";
import type { StepTools } from "../beating.ts";
import { inLastStep } from "../steps.ts";
import { onFile } from "./refused-file.ts";
import { stageFile } from "./read-rows.ts";
import type { AfterRead } from "./step-input.ts";

/** How much of the step passes before the first row is applied. */
const JUDGED = 0.3;

type Ending = Omit<Done, "result"> & { result: BulkImportResult };

/** What was rejected, and where it is listed. */
interface Rejected {
  count: number;
  artifact: string | null;
  problems: Problem[];
}

/** Errors: import_nothing_usable, version_published, version_not_found: all final. */
export async function applyRows(deps: ActivityDeps, input: AfterRead): Promise<BulkImportResult> {
  const begins = `Changing overlays by ${input.read.rows} rows`;
  return inLastStep(deps, input, { name: "apply_rows", begins }, async (tools) => {
    const db = deps.database.em.fork();
    const stage = stageOf({ ...tools.row, generation: tools.grip.generation }, input.file);
    // After an operator's reset the rows may be gone, or this be another generation than the one that has read them.
    if ((await countStaged(db, stage.id)).rows !== input.read.rows) await stageFile(deps, input, tools, JUDGED);
    const forget = () =>
      transaction(db, async (tx) => {
        await deleteStage(tx, stage.id);
        // Another attempt may be at work with them.
        await demandMine(tx, tools.grip, { orEnded: true });
      }).catch((error: unknown) => {
        deps.log.warn({ error, job_id: tools.row.id }, "staged rows were not removed; maintenance does it");
      });
    try {
      const done = await onFile(deps, tools, () => endingOf(deps, input, tools, { db, stage: stage.id }));
      deps.notifier.touch(tools.row.id);
      await forget();
      return done;
    } catch (error) {
      // Whoever is tried again needs them.
      if (error instanceof AppError && error.code === "import_nothing_usable") await forget();
      throw error;
    }
  });
}

async function endingOf(
  deps: ActivityDeps,
  input: AfterRead,
  tools: StepTools,
  at: { db: Db; stage: string },
): Promise<Ending> {
  const { db, stage } = at;
  const { create = false, dry_run = false } = tools.row.payload as BulkImportPayload;
  const { rows: total } = input.read;
  for (;;) {
    tools.signal.throwIfAborted();
    const version = await draftOf(db, input, tools);
    const draft = version && { version_id: version.id, create: create !== false };
    const count = await judgeRows(db, { stage, draft, demand: (tx) => demandMine(tx, tools.grip) });
    const rejected = await keepErrors(deps, input, tools, { ...at, count });
    if (count === total) throw nothingUsable(input, rejected);
    tools.report(JUDGED, `${count} of ${total} rows cannot be used`);
    if (!version) return checked(input, rejected);
    let ending: Ending | undefined;
    const applied = await applyImport(db, {
      ...{
        stage,
        version,
        total,
        rejected: count,
        create: create === false ? null : create,
        dry_run,
        signal: tools.signal,
      },
      onProgress: (rows) => tools.report(JUDGED + (1 - JUDGED) * (rows / total), `${rows} of ${total} rows applied`),
      async finish(tx, found) {
        ending = endingWith(input, { ...found, dry_run }, rejected);
        const kept = keptAs(ending, { fetch_file: input.file, read_rows: input.read });
        if (!(await writeDone(tx, tools.grip, ending, kept))) throw new AppError("superseded", { job: tools.row.id });
      },
    });
    if (applied) return ending ?? endingWith(input, { ...applied, dry_run }, rejected);
    await tools.log("The draft was changed meanwhile; looking at the rows again");
  }
}

async function draftOf(db: Db, { target }: AfterRead, { row }: StepTools): Promise<Version | null> {
  const { project, version } = target;
  return project === null || version === null ? null : findDraft(db, { tenant_id: row.tenant_id, project, version });
}

/** Written again after each look at the rows: under the same id, so there is one. */
async function keepErrors(
  deps: ActivityDeps,
  { file, target }: AfterRead,
  tools: StepTools,
  { db, stage, count }: { db: Db; stage: string; count: number },
): Promise<Rejected> {
  if (count === 0) return { count, artifact: null, problems: [] };
  const made = {
    ...{ what: "errors", tenant: target.tenant, kind: "errors" as const, expires_at: null },
    ...{ name: fileName(`${file.name}.errors.csv`), media_type: "text/csv; charset=utf-8" },
  };
  const { id } = await keepMade(deps, tools, made, errorFile(db, stage));
  return { count, artifact: id, problems: await firstProblems(db, stage) };
}

function nothingUsable({ file, read }: AfterRead, { artifact, problems }: Rejected): AppError {
  const [first] = problems;
  const facts = { name: file.name, rows: read.rows, first: first?.message ?? "", errors: `/artifacts/${artifact}` };
  return new AppError("import_nothing_usable", facts, { problems });
}

/** Without a draft: the file was read, and that is all. */
const checked = (input: AfterRead, rejected: Rejected): Ending => {
  const ending = endingWith(input, { used: 0, changed: 0, created: 0, dry_run: true }, rejected);
  const usable = input.read.rows - rejected.count;
  return {
    ...ending,
    message: `${usable} of ${input.read.rows} rows can be used; no draft was named to import them into`,
  };
};

function endingWith(
  { read }: AfterRead,
  { used, changed, created, dry_run }: Applied & { dry_run: boolean },
  rejected: Rejected,
): Ending {
  const unchanged = used - changed - created;
  const { count, artifact, problems } = rejected;
  const result = {
    ...{ dry_run, rows: read.rows, imported: used, unchanged, changed, created, rejected: count },
    errors_artifact: artifact,
  };
  const would = dry_run ? "Would import" : "Imported";
  const message = `${would} ${used} of ${read.rows} rows: ${changed} overlays changed, ${created} made, ${unchanged} were so already; ${count} rows rejected`;
  return { status: count > 0 ? "partially_completed" : "completed", message, result, errors: problems };
}
