/**
 * Makes a document of what a job asks for:
 *
 *   payload ──► specification (given, of a report, of code) ──► checked ──► resolved ──► rendered apart ──► file
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { DocumentGenerationPayload } from "../../contract/document-generation.ts";
import type { DocumentSpecification } from "../../contract/document-specification.ts";
import { keepInUse } from "../artifacts/artifact-store.ts";
import { snapshot, type Database } from "../db.ts";
import { AppError, reasonOf } from "../errors.ts";
import { findVersion } from "../projects/version-store.ts";
import type { ObjectStore } from "../storage/object-store.ts";
import { inScratch } from "../tiles/cut/scratch.ts";
import { ApartEnded, runApart } from "./apart.ts";
import { checkSpecification, invalid } from "./check-specification.ts";
import { codeInput } from "./code-input.ts";
import { readSubject } from "./document-store.ts";
import { fontconfigFile } from "./fonts.ts";
import { releaseReport } from "./release-report.ts";
import type { RenderOrder } from "./render-document.ts";
import { isArtifactId, resolveDocument } from "./resolve-document.ts";
import { rowCount } from "./resolved-document.ts";
import { runCode } from "./run-code.ts";

export interface DocumentOrder {
  database: Database;
  store: ObjectStore;
  /** Where its folder is made; a worker that starts removes what a killed one left in it. */
  scratch: string;
  tenant_id: string;
  version_id: string | null;
  payload: DocumentGenerationPayload;
  /** So long pictures that the document shows are kept from now on, at least. */
  upload_days: number;
  /** ISO 8601. */
  created_at: string;
  /** What links begin with, without a slash at the end. */
  gateway: string;
  signal: AbortSignal;
  /** `fraction`: 0 to 1. */
  report(fraction: number, message: string): void;
  /** Told once, when it is known: how many blocks and cells there are to write. */
  size(units: number): Promise<void>;
}

/** Longest rendering, seconds, and its heap, megabytes: 500,000 cells in memory, or 5,000 rows on paper, and some. */
const RENDER = { seconds: 300, heapMb: 1_536 } as const;
const SOURCES = ["specification", "report", "code"] as const;

/**
 * Calls `keep` with the finished file, which is removed after it. Errors: specification_invalid, document_too_large,
 * document_not_rendered, code_failed, code_limit, not_released, and the signal's reason.
 */
export async function makeDocument<T>(
  order: DocumentOrder,
  keep: (file: string, left_out: string[]) => Promise<T>,
): Promise<T> {
  return inScratch(order.scratch, async (folder) => {
    const left_out: string[] = [];
    const leaveOut = (what: string): void => void left_out.push(what);
    const { specification, path } = await specificationOf(order, leaveOut);
    await keepPictures(order, specification);
    order.report(0.3, "Collecting what it needs");
    const document = await resolved(order, { specification, path, folder, leaveOut });
    await order.size(sizeOf(document.blocks));
    order.report(0.6, `Writing the ${order.payload.format}`);
    const output = join(folder, "output");
    const rendered = await render({ format: order.payload.format, document, folder, output }, order.signal);
    return await keep(output, [...new Set([...left_out, ...rendered.left_out])]);
  });
}

/** Before they are read, which is one view of the database that changes nothing. */
async function keepPictures(order: DocumentOrder, { content }: DocumentSpecification): Promise<void> {
  const { tenant_id, upload_days: days } = order;
  const db = order.database.em.fork();
  const ids = content.flatMap((block) => (block.type === "picture" && block.artifact ? [block.artifact] : []));
  for (const id of new Set(ids)) if (isArtifactId(id)) await keepInUse(db, { tenant_id, id, days });
}

async function specificationOf(order: DocumentOrder, leaveOut: (what: string) => void) {
  const { database, tenant_id, version_id, payload, signal, report } = order;
  const { title } = payload;
  const named = SOURCES.filter((source) => payload[source] !== undefined);
  if (named.length !== 1) {
    const message = `give exactly one of ${SOURCES.join(", ")}; there is ${named.join(" and ") || "none"}`;
    throw invalid([{ code: "source_unclear", path: "/payload", message }]);
  }
  const [source] = named;
  if (source === "specification") {
    const path = "/payload/specification";
    return { path, specification: checkSpecification(payload.specification, path) };
  }
  if (source === "report") {
    report(0.05, "Reading the release");
    if (payload.report !== "release") {
      const problem = { code: "report_unknown", path: "/payload/report", message: "there is only the report release" };
      throw invalid([{ ...problem, value: String(payload.report) }]);
    }
    if (version_id === null) {
      throw new AppError("not_released", { reason: "the job names no project and version" });
    }
    const made = await snapshot(database, async (db) =>
      releaseReport({ ...order, db, title, subject: await readSubject(db, version_id) }),
    );
    return { path: "/report", specification: checkSpecification(made, "/report") };
  }
  report(0.05, "Running the code");
  const input = await snapshot(database, async (db) => {
    const subject = version_id === null ? null : await readSubject(db, version_id);
    const version =
      subject && (await findVersion(db, { tenant_id, project: subject.project, version: subject.number }));
    return codeInput({ db, title, subject, version, signal, leaveOut });
  });
  const returned = await runCode({ code: payload.code!, input, signal });
  // What the code returned, not the payload.
  return { path: "", specification: checkSpecification(returned) };
}

async function resolved(
  order: DocumentOrder,
  made: Pick<Parameters<typeof resolveDocument>[0], "specification" | "path" | "folder" | "leaveOut">,
): Promise<RenderOrder["document"]> {
  const { database, tenant_id, version_id, payload } = order;
  return snapshot(database, async (db) => {
    const subject = version_id === null ? null : await readSubject(db, version_id);
    const version =
      subject && (await findVersion(db, { tenant_id, project: subject.project, version: subject.number }));
    const report = (message: string): void => order.report(0.4, message);
    return resolveDocument({ ...order, ...made, db, version, title: payload.title, report });
  });
}

const sizeOf = (blocks: RenderOrder["document"]["blocks"]): number =>
  blocks.reduce((sum, block) => sum + 1 + (block.type === "table" ? rowCount(block) * block.columns.length : 0), 0);

async function render(order: RenderOrder, signal: AbortSignal) {
  const fonts = join(order.folder, "fonts.conf");
  await writeFile(fonts, fontconfigFile(join(order.folder, "font-cache")));
  try {
    return await runApart(
      { task: "render", input: order },
      { ...RENDER, signal, env: { FONTCONFIG_FILE: fonts, TMPDIR: order.folder } },
    );
  } catch (error) {
    if (!(error instanceof ApartEnded)) throw error;
    throw new AppError("document_not_rendered", { format: order.format, reason: reasonOf(error) }, { cause: error });
  }
}
