/** Documents made as the job makes them, without the job. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { DocumentFormat, DocumentGenerationPayload } from "../../contract/document-generation.ts";
import type { AppError } from "../../src/errors.ts";
import { makeDocument } from "../../src/documents/make-document.ts";
import { pictureSettings } from "../../src/tiles/cut/picture-settings.ts";
import type { Draft, Publishing } from "./publishing.ts";

export const FORMATS = ["spreadsheet", "document", "pdf", "presentation"] as const satisfies readonly DocumentFormat[];

export const EXTENSIONS = { spreadsheet: "xlsx", document: "docx", pdf: "pdf", presentation: "pptx" } as const;

export const CREATED_AT = "2026-11-26T20:00:00.000Z";

export interface Made {
  bytes: Buffer;
  sha256: string;
  left_out: string[];
}

/** `draft`: the version that it is about; none by default. `payload`: as a request has it, whatever that is. */
export async function makeFile(
  room: Publishing,
  payload: object,
  draft?: Draft,
  signal = new AbortController().signal,
): Promise<Made> {
  return makeDocument(
    {
      ...{
        database: room.database,
        store: room.stores.private,
        scratch: pictureSettings(room.config).scratch,
        tenant_id: room.tenant_id,
        created_at: CREATED_AT,
        signal,
      },
      ...{
        version_id: draft?.version_id ?? null,
        gateway: "http://platen.test",
        upload_days: 3,
        report: () => undefined,
        size: async () => undefined,
      },
      payload: payload as DocumentGenerationPayload,
    },
    async (file, left_out) => {
      const bytes = await readFile(file);
      return { bytes, left_out, sha256: createHash("sha256").update(bytes).digest("hex") };
    },
  );
}

/** What making it fails with. */
export async function failureOf(made: Promise<unknown>): Promise<AppError> {
  return made.then(
    () => {
      throw new Error("it was made");
    },
    (error: unknown) => error as AppError,
  );
}
