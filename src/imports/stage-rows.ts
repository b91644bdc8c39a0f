/**
 * Reads a file and stages its rows: each is checked once and is durable from then on. Who comes after a worker that died reads the file
 * again, which is quick, and goes on behind the last row that is staged.
 */
import { v5 as uuidv5 } from "uuid";
import type { BulkImportPayload, FetchedFile, ReadRows } from "../../contract/bulk-import.ts";
import type { Db } from "../db.ts";
import { AppError } from "../errors.ts";
import type { ObjectStore } from "../storage/object-store.ts";
import { createColumns, recordColumns, tableColumns, toldUnseen, type Column, type Columns } from "./columns.ts";
import { countStaged, insertRows, lastStaged, type Stage, type StagedRow } from "./import-rows-store.ts";
import { openRows } from "./open-rows.ts";
import type { RawRow } from "./raw-row.ts";
import { toRow } from "./to-row.ts";

/** Rows of one insert: beyond some thousands it gets no faster, only larger. */
const BATCH_ROWS = 5_000;
/** Characters of one insert, for rows that are large. */
const BATCH_LENGTH = 4_000_000;
/** Rows of a file, as far as a number of one counts. */
const MAX_ROWS = 100_000_000;

export function stageOf(
  job: { id: string; tenant_id: string; generation: number },
  file: Pick<FetchedFile, "sha256">,
): Stage {
  return { id: uuidv5(`${job.generation} ${file.sha256}`, job.id), job_id: job.id, tenant_id: job.tenant_id };
}

export interface StageOptions {
  stage: Stage;
  file: FetchedFile;
  payload: BulkImportPayload;
  signal: AbortSignal;
  /** What the file turned out to be, and where reading goes on. */
  onOpen: (told: string, behind: number) => Promise<void>;
  onProgress: (fraction: number, rows: number) => void;
  /** Members that the payload names and no record has: one record may lack them, all of them hardly. */
  onUnseen: (told: string) => Promise<void>;
}

/** Errors: those of `openRows`, and `import_empty`. */
export async function stageRows(db: Db, store: ObjectStore, options: StageOptions): Promise<ReadRows> {
  const { stage, file, payload, signal } = options;
  const staged = await lastStaged(db, stage.id);
  const opened = await openRows(store, file, payload);
  await options.onOpen(opened.told, staged);
  const isTable = ["csv", "tsv", "xlsx"].includes(opened.format);
  const columns = createColumns(payload);
  const columnsOf = createColumnsOf(file.name, columns, isTable);
  const batch = createBatch(db, stage);
  let number = 0;
  try {
    for await (const rows of opened.rows) {
      signal.throwIfAborted();
      for (const raw of rows) {
        number += 1;
        if (number > staged) await batch.add(number, raw, raw.fault ? [] : columnsOf(raw));
      }
      if (number > MAX_ROWS)
        throw new AppError("import_unreadable", {
          name: file.name,
          format: opened.format,
          reason: `it has more than ${MAX_ROWS} rows`,
        });
      options.onProgress(opened.progress(), number);
    }
    await batch.flush();
  } finally {
    await opened.rows.return();
    await batch.ended();
  }
  if (number === 0) throw new AppError("import_empty", { name: file.name });
  // Who goes on behind the rows of another attempt has not seen all of them.
  const unseen = staged === 0 && !isTable ? toldUnseen(columns) : null;
  if (unseen !== null) await options.onUnseen(unseen);
  return countStaged(db, stage.id);
}

/** The columns of a table are looked at once, those of records each time. */
function createColumnsOf(name: string, columns: Columns, isTable: boolean): (row: RawRow) => readonly Column[] {
  let known: { names: readonly string[]; columns: readonly Column[] } | null = null;
  return ({ names }) => {
    if (known?.names === names) return known.columns;
    if (!isTable) return recordColumns(names, columns);
    known = { names, columns: tableColumns(name, names, columns) };
    return known.columns;
  };
}

interface Batch {
  add(number: number, raw: RawRow, columns: readonly Column[]): Promise<void>;
  /** Resolves when all rows are staged. Error: PostgreSQL's. */
  flush(): Promise<void>;
  /** Resolves when nothing is on its way any more. */
  ended(): Promise<unknown>;
}

/** While one batch is on its way, the next one is read; in their order all the same. */
function createBatch(db: Db, stage: Stage): Batch {
  let texts: string[] = [];
  let length = 0;
  let sent: Promise<void> = Promise.resolve();
  const send = async (): Promise<void> => {
    const batch = `[${texts.join(",")}]`;
    texts = [];
    length = 0;
    await sent;
    sent = insertRows(db, stage, batch);
    // Told by the next one that is sent, or by the flush.
    sent.catch(() => undefined);
  };
  return {
    async add(number, raw, columns) {
      const { ref, label, properties, patch, problems } = toRow(raw, columns);
      // Of a row that cannot be used only what is told of it.
      const row: StagedRow =
        problems.length > 0
          ? [number, raw.line, ref, null, null, null, problems]
          : [number, raw.line, ref, label, properties, patch, null];
      const text = JSON.stringify(row);
      texts.push(text);
      length += text.length;
      if (texts.length >= BATCH_ROWS || length >= BATCH_LENGTH) await send();
    },
    async flush() {
      if (texts.length > 0) await send();
      await sent;
    },
    ended: () => sent.catch(() => undefined),
  };
}
