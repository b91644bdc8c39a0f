/** The one step of a document generation: makes the file and keeps it as the job's artifact. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import {
  DOCUMENT_FORMATS,
  type DocumentGenerationPayload,
  type DocumentGenerationResult,
} from "../../contract/document-generation.ts";
import type { StepInput } from "../../contract/job-input.ts";
import { fileName } from "../../src/artifacts/file-name.ts";
import { jobTimes } from "../../src/documents/document-store.ts";
import { makeDocument } from "../../src/documents/make-document.ts";
import { keepMade } from "../keep-made.ts";
import type { ActivityDeps } from "../activity-deps.ts";
import { inLastStep } from "../steps.ts";

/** Begins anew when it died: the same job makes the same bytes. Errors: those of `makeDocument`. */
export async function generateDocument(deps: ActivityDeps, input: StepInput): Promise<DocumentGenerationResult> {
  return inLastStep(deps, input, { name: "generate", begins: "Making the document" }, async (tools) => {
    const { row, signal, report, size } = tools;
    const payload = row.payload as unknown as DocumentGenerationPayload;
    const { extension, media_type } = DOCUMENT_FORMATS[payload.format];
    const { database, stores } = deps;
    const db = database.em.fork();
    const { created_at, expires_at } = await jobTimes(db, row.id);
    const { tenant_id, version_id } = row;
    const { scratch } = deps.pictures;
    const order = {
      database,
      store: stores.private,
      scratch,
      tenant_id,
      version_id,
      payload,
      upload_days: deps.config.PLATEN_UPLOAD_DAYS,
    };
    const gateway = (deps.publicUrl ?? "").replace(/\/+$/, "");
    return makeDocument({ ...order, created_at, gateway, signal, report, size }, async (file, left_out) => {
      const { size: bytes } = await stat(file);
      report(0.9, `Keeping ${bytes} bytes`);
      const name = `${fileName(payload.title, "document")}.${extension}`;
      const kept = await keepMade(
        deps,
        tools,
        { what: "document", tenant: input.target.tenant, kind: "result", name, media_type, expires_at },
        createReadStream(file),
      );
      for (const what of left_out) await tools.log(`Left out: ${what}`, "warn");
      const { format } = payload;
      const artifact = { id: kept.id, name, media_type, size: kept.size, sha256: kept.sha256 };
      return { message: `${name}, ${bytes} bytes`, result: { artifact, format, left_out } };
    });
  });
}
