/** A file as a bulk import reads it, from a real store, without a job around it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BulkImportPayload } from "../../contract/bulk-import.ts";
import { AppError } from "../../src/errors.ts";
import { createColumns, recordColumns, tableColumns } from "../../src/imports/columns.ts";
import { openRows } from "../../src/imports/open-rows.ts";
import { toRow, type Row } from "../../src/imports/to-row.ts";
import { createStores } from "../../src/storage/stores.ts";

export interface ReadFile {
  told: string;
  rows: (Row & { line: number })[];
}

/** `name` is in sentences only. */
export async function readFile(
  bytes: Buffer | string,
  payload: BulkImportPayload = {},
  name = "plots",
): Promise<ReadFile> {
  const folder = await mkdtemp(join(tmpdir(), "platen-rows-"));
  try {
    const store = createStores({ folder, durable: false }).private;
    const body = Buffer.from(bytes);
    const put = await store.put("a/b", body);
    const file = { ...put, name, media_type: "" };
    const opened = await openRows(store, file, payload);
    const columns = createColumns(payload);
    const isTable = ["csv", "tsv", "xlsx"].includes(opened.format);
    const rows: ReadFile["rows"] = [];
    for await (const batch of opened.rows)
      for (const raw of batch) {
        const found = isTable
          ? raw.fault
            ? []
            : tableColumns(name, raw.names, columns)
          : recordColumns(raw.names, columns);
        rows.push({ line: raw.line, ...toRow(raw, found) });
      }
    return { told: opened.told, rows };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What it fails with as a whole. Error: it does not. */
export async function failureOf(
  bytes: Buffer | string,
  payload?: BulkImportPayload,
): Promise<{ code: string; message: string }> {
  const error = await readFile(bytes, payload).then(
    () => new Error("it was read"),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof AppError)) throw error;
  return { code: error.code, message: error.message };
}
