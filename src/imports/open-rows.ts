/** A file in the store as rows, whatever its format. */
import type { BulkImportPayload, FetchedFile, ImportFormat } from "../../contract/bulk-import.ts";
import { AppError } from "../errors.ts";
import type { ObjectStore } from "../storage/object-store.ts";
import { decodeText } from "./decode-text.ts";
import { detectEncoding, markedEncoding, type Encoding } from "./detect-encoding.ts";
import { detectFormat } from "./detect-format.ts";
import { detectDelimiter, readCsv } from "./read-csv.ts";
import { readGeoJson, readNdjson } from "./read-json-rows.ts";
import type { RowReader } from "./raw-row.ts";
import { readXlsx } from "./xlsx/read-xlsx.ts";

export interface OpenedRows extends RowReader {
  format: ImportFormat;
  /** What was detected, for people. */
  told: string;
}

/** Bytes of the beginning by which format and delimiter are told. */
const HEAD_BYTES = 131_072;

type Options = Pick<BulkImportPayload, "format" | "delimiter" | "encoding" | "sheet">;

/** Errors, also of the rows: `import_unreadable`, `import_header_invalid`, `import_archive_refused`, `import_empty`, the store's. */
export async function openRows(store: ObjectStore, file: FetchedFile, options: Options): Promise<OpenedRows> {
  const { key, name, size } = file;
  const head = await readHead(store, key);
  if (head.length === 0) throw new AppError("import_empty", { name });
  const text = (bytes: Buffer): string => new TextDecoder(markedEncoding(bytes)?.label ?? "utf-8").decode(bytes);
  const format = await detectFormat(head, { name, said: options.format, text });
  if (format === "xlsx") {
    const reader = await readXlsx(store, { key, size, name, sheet: options.sheet });
    return { ...reader, format, told: "an XLSX workbook" };
  }
  const named = { name, format };
  const chunks = () => readBytes(store, key);
  const encoding = await detectEncoding(named, { said: options.encoding, head, chunks });
  let read = 0;
  const texts = decodeText(named, chunks(), { encoding, onBytes: (bytes) => (read = bytes) });
  const progress = (): number => read / size;
  const told = `${NAMES[format]} in ${encoding.label} (${encoding.told})`;
  if (format === "ndjson") return { format, told, progress, rows: readNdjson(texts) };
  if (format === "geojson") return { format, told, progress, rows: readGeoJson(named, texts) };
  const delimiter = options.delimiter ?? (format === "tsv" ? "\t" : detectDelimiter(decodeHead(head, encoding)));
  const divided = `${told}, divided by ${delimiter === "\t" ? "tabs" : JSON.stringify(delimiter)}`;
  return { format, told: divided, progress, rows: readCsv(named, texts, delimiter) };
}

const NAMES = { csv: "CSV", tsv: "TSV", ndjson: "NDJSON", geojson: "GeoJSON" } as const;

/** Not fatal: it may end within a character. */
const decodeHead = (head: Buffer, { label }: Encoding): string => new TextDecoder(label).decode(head);

async function readHead(store: ObjectStore, key: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const chunk of readBytes(store, key, { start: 0, end: HEAD_BYTES - 1 })) parts.push(chunk);
  return Buffer.concat(parts);
}

async function* readBytes(
  store: ObjectStore,
  key: string,
  range?: { start: number; end: number },
): AsyncGenerator<Buffer> {
  const found = await store.get(key, range);
  if (!found) throw new AppError("upload_not_found", { id: key.split("/").at(-1) });
  yield* found.body as AsyncIterable<Buffer>;
}
