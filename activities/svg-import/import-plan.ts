/**
 * The one step of a plan's import: the plan is read in a thread, into a file; then it is put into the draft in one transaction, together
 * with the job's end. So a draft is as it was, or has all of the plan and the job has ended; and a job does it once.
 */
import type { FileHandle } from "node:fs/promises";
import { PROBLEMS } from "../../contract/failures.ts";
import type { StepInput } from "../../contract/job-input.ts";
import type { Problem } from "../../contract/problem.ts";
import type { SvgImportPayload, SvgImportResult } from "../../contract/svg-import.ts";
import { keepInUse, type Artifact } from "../../src/artifacts/artifact-store.ts";
import type { Db } from "../../src/db.ts";
import { AppError } from "../../src/errors.ts";
import { writeDone, type Done } from "../../src/jobs/protocol/finish.ts";
import { limitLockWait } from "../../src/projects/merge-overlays-store.ts";
import { mergeLayers, mergeOverlays } from "../../src/projects/merge-overlays.ts";
import { editDraft, findDraft, type Version } from "../../src/projects/version-store.ts";
import { LAYERS_TOO_MANY, type LeftOut } from "../../src/svg/plan-fault.ts";
import { planOverlays } from "../../src/svg/plan-overlays.ts";
import type { ReadPlan } from "../../src/svg/plan-thread.ts";
import { createPlanThreads } from "../../src/svg/plan-threads.ts";
import { openSpool, spoolPlan } from "../../src/svg/spool-plan.ts";
import { keptAs } from "../applied.ts";
import { keepMade } from "../keep-made.ts";
import type { ActivityDeps } from "../activity-deps.ts";
import type { StepTools } from "../beating.ts";
import { inLastStep } from "../steps.ts";

/** Elements left out that the job tells itself; all of them are in the artifact. */
const TOLD = 20;
/** Less than PostgreSQL takes to tell a deadlock. */
const LOCK_WAIT_MS = 800;
/** Of this step: the plan has been read. */
const READ = 0.5;

const threads = createPlanThreads();

interface Applied {
  result: SvgImportResult;
  errors: Problem[];
}

/**
 * Errors: svg_source_missing, svg_source_damaged, svg_too_large, svg_too_complex, svg_invalid, version_published, version_not_found,
 * project_not_found (all final); upload_not_kept, store_unavailable, unavailable (retried).
 */
export async function importPlan(deps: ActivityDeps, input: StepInput): Promise<SvgImportResult> {
  return inLastStep(deps, input, { name: "import_plan", begins: "Reading the plan" }, async (tools) => {
    return doneOf(await readAndApply(deps, deps.database.em.fork(), tools));
  });
}

async function readAndApply(deps: ActivityDeps, db: Db, tools: StepTools): Promise<Applied> {
  const { row, signal } = tools;
  const payload = row.payload as unknown as SvgImportPayload;
  const { project, version, layer_prefix: layerPrefix, type, size } = payload;
  const draft = await findDraft(db, { tenant_id: row.tenant_id, project, version });
  const days = deps.config.PLATEN_UPLOAD_DAYS;
  const source = await keepInUse(db, { tenant_id: row.tenant_id, id: payload.source.artifact, days });
  if (!source) throw new AppError("svg_source_missing", { artifact: payload.source.artifact });
  await tools.size(source.size);
  const files = await Promise.all([openSpool(), openSpool(), openSpool()]);
  const [plan, texts, changes] = files;
  try {
    await spoolPlan(deps.stores.private, source, plan, signal);
    const told = ({ bytes, overlays }: { bytes: number; overlays: number }): void =>
      tools.report(
        READ * Math.min(1, bytes / source.size),
        overlays > 0 ? `${overlays} overlays` : `${bytes >> 10} KiB read`,
      );
    const read = await threads.read(
      { input: plan.fd, output: texts.fd, options: { layerPrefix, type, size } },
      { signal, told },
    );
    return await apply(deps, db, tools, { draft, read, texts, changes, dryRun: payload.dry_run ?? false });
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}

/** Ends a transaction that only looked, and undoes it. */
class DryRun extends Error {
  readonly applied: Applied;
  constructor(applied: Applied) {
    super("nothing is kept");
    this.applied = applied;
  }
}

async function apply(
  deps: ActivityDeps,
  db: Db,
  tools: StepTools,
  work: {
    draft: Version;
    read: ReadPlan;
    texts: FileHandle;
    changes: FileHandle;
    dryRun: boolean;
  },
): Promise<Applied> {
  const { draft, dryRun } = work;
  const { grip, signal } = tools;
  const owner = { version_id: draft.id, tenant_id: draft.tenant_id };
  const total = work.read.batches.reduce((sum, { rows }) => sum + rows, 0);
  const edited = editDraft(db, draft, async (tx) => {
    const lines = lineWriter(work.changes);
    const { changed: layersChanged, tooMany } = await mergeLayers(tx, owner, work.read.layers);
    const read = withoutLayers(work.read, tooMany);
    const without = new Set(tooMany.map(({ ref }) => ref));
    let done = 0;
    const batches = async function* () {
      for await (const batch of planOverlays(work.texts, read.batches, { signal, without })) {
        await lines.flush();
        tools.report(READ + (1 - READ) * (done / total), `${done} of ${total} overlays in the draft`);
        done += batch.length;
        yield batch;
      }
    };
    const merged = await mergeOverlays(tx, owner, batches(), (ref, change) => lines.push({ ref, change }));
    for (const { from, to } of read.renamed) lines.push({ ref: to, change: "renamed", from });
    await lines.flush();
    const errors = await keepLeftOut(deps, tools, draft, read);
    const changes = await keepLines(deps, tools, draft, { name: "changes", kind: "result", lines: work.changes });
    const result: SvgImportResult = {
      ...{
        dry_run: dryRun,
        ...merged,
        left_out: read.leftOutCount,
        renamed: read.renamed.length,
        without_id: read.generated,
      },
      ...{ layers: read.layers.map(({ ref }) => ref), size: read.size, changes, errors_artifact: errors },
    };
    const applied: Applied = { result, errors: problemsOf(read) };
    signal.throwIfAborted();
    if (dryRun) throw new DryRun(applied);
    await limitLockWait(tx, LOCK_WAIT_MS);
    const ending = doneOf(applied);
    if (!(await writeDone(tx, grip, ending, keptAs(ending)))) throw new AppError("superseded", { job: grip.job_id });
    return { changed: layersChanged || merged.added > 0 || merged.changed > 0, applied };
  });
  const { applied } = await edited.catch((error: unknown) => {
    if (error instanceof DryRun) return error;
    throw error;
  });
  deps.notifier.touch(grip.job_id);
  return applied;
}

/** As read of a plan that leaves them out itself. */
function withoutLayers(read: ReadPlan, tooMany: ReadPlan["layers"]): ReadPlan {
  const leftOut = tooMany.map(({ group }): LeftOut => ({
    ...group,
    ...{ code: "svg_layers_too_many", reason: LAYERS_TOO_MANY },
  }));
  return {
    ...read,
    layers: read.layers.filter((layer) => !tooMany.includes(layer)),
    leftOut: [...read.leftOut, ...leftOut],
    leftOutCount: read.leftOutCount + leftOut.length,
  };
}

function doneOf({ result, errors }: Applied): Omit<Done, "result"> & { result: SvgImportResult } {
  const status = result.left_out > 0 ? "partially_completed" : "completed";
  return { status, message: sentenceOf(result), result, errors };
}

function sentenceOf({ dry_run, added, changed, unchanged, kept, left_out }: SvgImportResult): string {
  const would = dry_run ? "Would be: " : "";
  const left = left_out > 0 ? `; ${left_out} elements of the plan could not be imported` : "";
  return `${would}${added} overlays added, ${changed} changed, ${unchanged} unchanged, ${kept} kept that the plan does not have${left}`;
}

/** The first of them, for the job itself. */
function problemsOf({ leftOut, leftOutCount }: ReadPlan): Problem[] {
  const told = leftOut.slice(0, TOLD).map(({ code, element, id, line, column, reason, value }) => {
    const what = id === null ? `<${element}>` : `<${element} id=${JSON.stringify(id)}>`;
    const message = `${PROBLEMS[code]} ${what} at line ${line}, column ${column}: ${reason}.`;
    return { code, path: `/line/${line}/column/${column}`, message, ...(value === undefined ? {} : { value }) };
  });
  const last = told.at(-1);
  const more = leftOutCount - told.length;
  if (more <= 0 || !last) return told;
  return [...told, { code: last.code, path: "/", message: `There are ${more} more; the artifact of errors has them.` }];
}

async function keepLeftOut(
  deps: ActivityDeps,
  tools: StepTools,
  draft: Version,
  read: ReadPlan,
): Promise<string | null> {
  if (read.leftOut.length === 0) return null;
  const file = await openSpool();
  try {
    const lines = lineWriter(file);
    for (const each of read.leftOut) lines.push(each satisfies LeftOut);
    await lines.flush();
    return await keepLines(deps, tools, draft, { name: "errors", kind: "errors", lines: file });
  } finally {
    await file.close();
  }
}

/** Lines of JSON at the end of a file, together when `flush` is called. */
function lineWriter(file: FileHandle): { push(line: object): void; flush(): Promise<void> } {
  let lines: string[] = [];
  return {
    push: (line) => void lines.push(JSON.stringify(line)),
    async flush() {
      if (lines.length > 0) await file.writeFile(`${lines.join("\n")}\n`);
      lines = [];
    },
  };
}

/** As long as the job. */
async function keepLines(
  deps: ActivityDeps,
  tools: StepTools,
  draft: Version,
  { name, kind, lines }: { name: string; kind: Artifact["kind"]; lines: FileHandle },
): Promise<string> {
  const made = {
    ...{ what: name, tenant: draft.tenant, kind, expires_at: null },
    ...{ name: `${draft.project}-v${draft.number}-${name}.ndjson`, media_type: "application/x-ndjson" },
  };
  return (await keepMade(deps, tools, made, lines.createReadStream({ start: 0, autoClose: false }))).id;
}
