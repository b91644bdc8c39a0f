/** The long form: a million rows through a worker process, in memory that does not grow with them. */
import { createReadStream } from "node:fs";
import { open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { v7 as uuidv7 } from "uuid";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readMemory, resetPeak } from "../../bench/support/memory.ts";
import { keepUpload } from "../../src/artifacts/keep-upload.ts";
import { query } from "../../src/db.ts";
import { createChaosRoom, type ChaosRoom } from "../support/chaos-room.ts";
import { startSample } from "../support/job-samples/sample.ts";
import { createDraft, SMALL, until } from "../support/publishing.ts";

const ROWS = 1_000_000;
/** By then the worker has what it needs: batches on their way, buffers, and the garbage that V8 lets lie with 25 GB around it. */
const WARM = 250_000;
/** MB above that, for three quarters of a million rows more; one by one they would have 200 MB. */
const MAX_GROWN = 60;

let room: ChaosRoom;
const path = join(tmpdir(), `platen-million-${process.pid}.csv`);
beforeAll(async () => {
  room = await createChaosRoom();
});
afterAll(async () => {
  await rm(path, { force: true });
  await room?.close();
});

/** Every thousandth row cannot be used. */
async function writeRows(): Promise<void> {
  const file = await open(path, "w");
  await file.write("ref,label_en,area,geometry\n");
  for (let first = 0; first < ROWS; first += 10_000) {
    let lines = "";
    for (let at = first; at < first + 10_000; at += 1) {
      const ref = at % 1_000 === 999 ? "" : `spot-${at}`;
      lines += `${ref},Spot ${at},${at % 977},"{""type"":""Point"",""coordinates"":[${at % 1_000},${Math.floor(at / 1_000)}]}"\n`;
    }
    await file.write(lines);
  }
  await file.close();
}

it("a million rows are imported in flat memory", { timeout: 1_800_000 }, async () => {
  await writeRows();
  const db = room.database.em.fork();
  const id = uuidv7();
  const record = { id, tenant_id: room.tenant_id, tenant: "harbour", name: "million.csv", expires_at: null };
  const place = { job_id: null, project_id: null, created_by: null };
  await keepUpload({ db, store: room.stores.private }, { ...record, ...place }, createReadStream(path));
  const draft = await createDraft(room, { descriptor: SMALL });
  const worker = await room.worker();
  const idle = await readMemory(worker.pid);
  await resetPeak(worker.pid);
  const payload = { project: draft.project, version: 1, source: { artifact: id }, create: "spot" };
  const job = await startSample(room, draft, { type: "bulk_import", payload });
  const sql = "select max(number) as last from import_rows where job_id = $1";
  await until(
    "a quarter of the rows",
    async () => ((await query<{ last: number }>(db, sql, [job]))[0]?.last ?? 0) >= WARM,
    600_000,
  );
  const warm = await readMemory(worker.pid);
  const row = await room.ended(job, 1_500_000);
  const used = await readMemory(worker.pid);
  expect(row).toMatchObject({
    status: "partially_completed",
    result: { rows: ROWS, created: 999_000, rejected: 1_000 },
  });
  const [counted] = await query<{ count: number }>(
    db,
    "select count(distinct ref)::int as count from overlays where version_id = $1",
    [draft.version_id],
  );
  expect(counted?.count).toBe(999_002);
  console.log(
    `worker: ${idle.rss} MB at rest, ${warm.peak} MB at most for a quarter of the rows, ${used.peak} MB for all`,
  );
  expect(used.peak - warm.peak).toBeLessThan(MAX_GROWN);
});
