/** Bulk imports on a real server with worker processes: what is imported, what is told, and what stays whatever happens on the way. */
import { readdir } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { v7 as uuidv7 } from "uuid";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BulkImportPayload, BulkImportResult } from "../../contract/bulk-import.ts";
import { findArtifact } from "../../src/artifacts/artifact-store.ts";
import { query, transaction } from "../../src/db.ts";
import { AppError } from "../../src/errors.ts";
import { applyImport } from "../../src/imports/apply-import.ts";
import { insertRows, sweepRows, type Stage } from "../../src/imports/import-rows-store.ts";
import { findJob } from "../../src/jobs/job-queries-store.ts";
import { cancelJob } from "../../src/jobs/protocol/cancel.ts";
import { retryJob } from "../../src/jobs/protocol/retry.ts";
import { startJob } from "../../src/jobs/protocol/start.ts";
import { findDraft } from "../../src/projects/version-store.ts";
import { artifactKey } from "../../src/storage/keys.ts";
import { startFileServer, type FileServer } from "../fetch/file-server.ts";
import { workbook } from "../imports/workbook.ts";
import { createChaosRoom, type ChaosRoom } from "../support/chaos-room.ts";
import { overlaysOf, uploadOf } from "../support/job-samples/bulk-import.ts";
import { startSample } from "../support/job-samples/sample.ts";
import { createDraft, jobRow, ledger, SMALL, until, type Draft } from "../support/publishing.ts";
import type { WorkerProcess } from "../support/worker-process.ts";

let room: ChaosRoom;
let server: FileServer;
let worker: WorkerProcess;
/** What the server answers, by path. */
const files: Record<string, string | Buffer> = {};
const SETTINGS = { PLATEN_FETCH_ALLOW: "127.0.0.0/8", PLATEN_FETCH_IDLE_SECONDS: "1" };
const startWorker = () => room.worker({ settings: SETTINGS });
beforeAll(async () => {
  room = await createChaosRoom();
  server = await startFileServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://x").pathname;
    const file = files[path];
    if (path === "/trickle") response.writeHead(200).write("ref");
    else if (path === "/loop") response.writeHead(302, { location: "/loop" }).end();
    else if (path === "/short")
      response.writeHead(200, { "content-length": 99 }).write("ref", () => response.destroy());
    else if (file === undefined) response.writeHead(404).end();
    else response.end(file);
  });
  worker = await startWorker();
});
afterAll(async () => {
  await server?.close();
  await room?.close();
});

const draftOf = (overlays = 2): Promise<Draft> =>
  createDraft(room, { descriptor: SMALL, overlays: Array.from({ length: overlays }, () => ({})) });

async function begin(draft: Draft | null, payload: BulkImportPayload, start = true): Promise<string> {
  const target = draft ? { project: draft.project, version: 1 } : {};
  const owner = draft ?? { project: "", project_id: "", version_id: "", tenant_id: room.tenant_id };
  return startSample(room, owner, {
    type: "bulk_import",
    payload: { ...target, ...payload } as Record<string, unknown>,
    start,
  });
}

/** The job as everyone reads it, once it has ended. */
async function ended(job: string) {
  const row = await room.ended(job, 60_000);
  const record = await findJob(room.database.em.fork(), { tenant_id: room.tenant_id, id: job });
  return { ...row, error: record?.error ?? null, errors: record?.errors ?? null };
}

async function run(draft: Draft | null, payload: BulkImportPayload) {
  const job = await begin(draft, payload);
  const row = await ended(job);
  return { job, row, result: row.result as BulkImportResult | null };
}

const fromText = async (
  body: string | Buffer,
  more: BulkImportPayload = {},
  name?: string,
): Promise<BulkImportPayload> => ({
  source: { artifact: await uploadOf(room, body, name) },
  ...more,
});

async function revisionOf({ version_id }: Draft): Promise<number> {
  const [row] = await query<{ revision: number }>(
    room.database.em.fork(),
    "select revision from versions where id = $1",
    [version_id],
  );
  return row?.revision ?? 0;
}

async function errorFile(id: string): Promise<string> {
  const artifact = await findArtifact(room.database.em.fork(), { tenant_id: room.tenant_id, id });
  expect(artifact).toMatchObject({ kind: "errors", media_type: "text/csv; charset=utf-8" });
  const found = await room.stores.private.get(artifactKey("harbour", id));
  if (!found) throw new Error("there is no error file");
  // `text` would take its mark away.
  return (await buffer(found.body)).toString();
}

const staged = async (job: string): Promise<number> => {
  const [row] = await query<{ count: number }>(
    room.database.em.fork(),
    "select count(*)::int as count from import_rows where job_id = $1",
    [job],
  );
  return row?.count ?? 0;
};

describe("an import", () => {
  it("takes in what can be used, and lists the rest with line, column, value and reason, safely for spreadsheets", async () => {
    const draft = await draftOf();
    const body = [
      "ref,label_en,area,=cmd",
      'plot-1,"First, renewed",412.5,x',
      "nowhere,,1,",
      "plot-1,Again,2,",
      ",Nameless,3,",
      '"=HYPERLINK(""http://evil"")",,1,',
      "plot-2,Second,7,=1+1",
    ].join("\n");
    const { row, result } = await run(draft, await fromText(body));
    expect(row).toMatchObject({ status: "partially_completed", progress: 100 });
    expect(result).toMatchObject({
      dry_run: false,
      rows: 6,
      imported: 2,
      changed: 2,
      unchanged: 0,
      created: 0,
      rejected: 4,
    });
    expect(row.errors).toMatchObject([
      { code: "ref_unknown", path: "/rows/3/ref", value: "nowhere" },
      { code: "ref_repeated", path: "/rows/4/ref", message: expect.stringContaining("Line 2 has the same ref") },
      { code: "ref_missing", path: "/rows/5" },
      { code: "ref_unknown", path: "/rows/6/ref" },
    ]);
    const csv = await errorFile(result?.errors_artifact ?? "");
    expect(csv.split("\r\n")).toEqual([
      "\ufeffline,ref,column,value,code,reason",
      '3,nowhere,ref,nowhere,ref_unknown,"The draft has no overlay of this ref, and none was to be made."',
      "4,plot-1,ref,plot-1,ref_repeated,Line 2 has the same ref.",
      "5,,,,ref_missing,The row has no ref.",
      `6,"'=HYPERLINK(""http://evil"")",ref,"'=HYPERLINK(""http://evil"")",ref_unknown,"The draft has no overlay of this ref, and none was to be made."`,
      "",
    ]);
    expect(await overlaysOf(room, draft.version_id)).toMatchObject([
      { ref: "plot-1", label: { en: "First, renewed", ar: "قطعة 1" }, properties: { area: 412.5, "=cmd": "x" } },
      { ref: "plot-2", label: { en: "Second", ar: "قطعة 2" }, properties: { area: 7, "=cmd": "=1+1" } },
    ]);
    expect(await revisionOf(draft)).toBe(2);
  });

  it("that is tried dry reports the same and changes nothing", async () => {
    const draft = await draftOf();
    const body = "ref,area\nplot-1,1\nplot-2,2\nnowhere,3\n";
    const before = await overlaysOf(room, draft.version_id);
    const dry = await run(draft, await fromText(body, { dry_run: true }));
    expect(await overlaysOf(room, draft.version_id)).toEqual(before);
    expect(await revisionOf(draft)).toBe(1);
    const real = await run(draft, await fromText(body));
    expect({ ...dry.result, errors_artifact: null }).toEqual({ ...real.result, dry_run: true, errors_artifact: null });
    expect(dry.row.errors).toEqual(real.row.errors);
    expect(await errorFile(dry.result?.errors_artifact ?? "")).toBe(
      await errorFile(real.result?.errors_artifact ?? ""),
    );
  });

  it("that comes twice changes nothing the second time", async () => {
    const draft = await draftOf();
    const body = "ref,area,label\nplot-1,1,x\n";
    expect((await run(draft, await fromText(body))).result).toMatchObject({ changed: 1, unchanged: 0 });
    const revision = await revisionOf(draft);
    const again = await run(draft, await fromText(body));
    expect(again.row.status).toBe("completed");
    expect(again.result).toMatchObject({ imported: 1, changed: 0, unchanged: 1 });
    expect(await revisionOf(draft)).toBe(revision);
  });

  it("of nothing that can be used fails, with the error file", async () => {
    const draft = await draftOf();
    const { row, job } = await run(draft, await fromText("ref,area\na,1\nb,2\n"));
    expect(row).toMatchObject({ status: "failed", error_code: "import_nothing_usable" });
    expect(row.errors).toMatchObject([{ code: "ref_unknown", path: "/rows/2/ref" }, { path: "/rows/3/ref" }]);
    const [, id = ""] = /\/artifacts\/([\w-]+)/.exec(row.error ?? "") ?? [];
    expect(await errorFile(id)).toContain("3,b,ref,b,ref_unknown");
    expect(await revisionOf(draft)).toBe(1);
    await until("the staged rows to be gone", async () => (await staged(job)) === 0);
  });

  it("makes overlays for unknown refs where it is told to, if they have a shape; then the draft can be published", async () => {
    const draft = await draftOf();
    const shape = {
      type: "Polygon",
      coordinates: [
        [
          [50, 0],
          [60, 0],
          [60, 10],
          [50, 10],
          [50, 0],
        ],
      ],
    };
    const features = [
      { type: "Feature", id: "pier-1", geometry: shape, properties: { label: { en: "Pier" }, length: 30 } },
      { type: "Feature", id: "pier-2", geometry: null, properties: {} },
      { type: "Feature", id: "plot-2", geometry: shape, properties: { type: "villa" } },
    ];
    const { result, row } = await run(
      draft,
      await fromText(JSON.stringify({ type: "FeatureCollection", features }), { create: "pier" }),
    );
    expect(result).toMatchObject({ imported: 2, changed: 1, created: 1, rejected: 1 });
    expect(row.errors).toMatchObject([{ code: "geometry_needed", path: "/rows/2/ref" }]);
    const overlays = await overlaysOf(room, draft.version_id);
    expect(overlays.map(({ ref, type }) => [ref, type])).toEqual([
      ["plot-1", "plot"],
      ["plot-2", "villa"],
      ["pier-1", "pier"],
    ]);
    const publish = await room.ended(await room.publish(draft), 60_000);
    expect(publish).toMatchObject({ status: "completed", result: { overlay_count: 3 } });
    // A release is for ever: the next import says so.
    const late = await run(draft, await fromText("ref,area\nplot-1,9\n"));
    expect(late.row).toMatchObject({ status: "failed", error_code: "version_published" });
  });

  it("of a workbook behind a URL", async () => {
    const draft = await draftOf();
    files["/plots.xlsx"] = await workbook([
      ["ref", "since"],
      ["plot-1", { date: 45_000 }],
    ]);
    const { result, row } = await run(draft, { source: { url: `${server.url}/plots.xlsx?key=s3cret` } });
    expect(result).toMatchObject({ changed: 1, rejected: 0 });
    expect((await overlaysOf(room, draft.version_id))[0]?.properties).toEqual({ since: "2023-03-15" });
    const told = JSON.stringify({ row: { ...row, payload: null }, events: await ledger(room, row.id) });
    expect(told).not.toContain("s3cret");
  });

  it("without a draft only says whether the file can be used", async () => {
    files["/rows.csv"] = "ref,area\na,1\na,2\n,3\n";
    const { row, result } = await run(null, { file_url: `${server.url}/rows.csv`, format: "csv" });
    expect(row.status).toBe("partially_completed");
    expect(result).toMatchObject({ dry_run: true, rows: 3, imported: 0, rejected: 2 });
    expect(row.message).toMatch(/^1 of 3 rows can be used; no draft was named/);
  });
});

const BAD: [string, () => Promise<BulkImportPayload> | BulkImportPayload, string, RegExp][] = [
  ["names no file", () => ({}), "import_source_invalid", /names 0 files/],
  [
    "names two files",
    () => ({ file_url: "http://x/", source: { url: "http://y/" } }),
    "import_source_invalid",
    /names 2 files/,
  ],
  [
    "names an upload that there is not",
    () => ({ source: { artifact: "plots.csv" } }),
    "upload_not_found",
    /no upload plots\.csv/,
  ],
  ["has an empty body", () => ({ file_url: `${server.url}/empty.csv` }), "upload_empty", /empty\.csv is empty/],
  ["has a header only", () => fromText("ref,area\n"), "import_empty", /has no rows/],
  [
    "is a zip bomb",
    async () => fromText(await workbook([["ref"]], { "xl/sharedStrings.xml": Buffer.alloc(40_000_000, "A") })),
    "import_archive_refused",
    /unpacks to/,
  ],
  ["leads into the network", () => ({ file_url: "http://169.254.169.254/latest/" }), "url_refused", /link-local/],
  ["is not there", () => ({ file_url: `${server.url}/nothing.csv` }), "url_answered", /404/],
  ["is nowhere", () => ({ file_url: "http://127.0.0.1:1/a.csv" }), "url_unreachable", /tried 3 times/],
  ["leads in a circle", () => ({ file_url: `${server.url}/loop` }), "url_redirects", /in a circle/],
  ["comes too slowly", () => ({ file_url: `${server.url}/trickle` }), "url_too_slow", /sent 3 bytes/],
  ["is shorter than announced", () => ({ file_url: `${server.url}/short` }), "url_broke_off", /3 of 99 bytes/],
];

it(
  "what cannot be imported at all fails at once, with its code, and leaves the worker as it was",
  { timeout: 120_000 },
  async () => {
    files["/empty.csv"] = "";
    const draft = await draftOf();
    const openFiles = async (): Promise<number> => (await readdir(`/proc/${worker.pid}/fd`)).length;
    await run(draft, await fromText("ref,area\nplot-1,0\n"));
    const before = { files: await openFiles(), revision: await revisionOf(draft) };
    const jobs = await Promise.all(BAD.map(async ([, payload]) => run(draft, await payload())));
    expect(jobs.map(({ row }, at) => [BAD[at]![0], row.status, row.error_code])).toEqual(
      BAD.map(([name, , code]) => [name, "failed", code]),
    );
    for (const [at, { row }] of jobs.entries()) expect(row.error).toMatch(BAD[at]![3]);
    expect(await revisionOf(draft)).toBe(before.revision);
    // Connections to PostgreSQL stay open for a while.
    await until("the worker's files to be closed", async () => (await openFiles()) <= before.files + 12, 30_000);
    expect((await run(draft, await fromText("ref,area\nplot-1,1\n"))).row.status).toBe("completed");
  },
);

it("a retry fetches anew: the file may be there by now", async () => {
  const draft = await draftOf();
  delete files["/late.csv"];
  const { job } = await run(draft, { file_url: `${server.url}/late.csv` });
  files["/late.csv"] = "ref,area\nplot-1,5\n";
  await retryJob(room.deps, { job_id: job, by: room.principal });
  expect(await room.ended(job, 60_000)).toMatchObject({ status: "completed", generation: 2, result: { changed: 1 } });
});

it("an older attempt that wakes up has lost the job's row, and changes nothing", async () => {
  const draft = await draftOf();
  const db = room.database.em.fork();
  const stage: Stage = { id: uuidv7(), job_id: uuidv7(), tenant_id: room.tenant_id };
  await insertRows(db, stage, JSON.stringify([{ number: 1, line: 2, ref: "plot-1", properties: { area: 1 } }]));
  const version = await findDraft(db, { tenant_id: room.tenant_id, project: draft.project, version: 1 });
  const apply = (finish: () => Promise<void>) =>
    applyImport(db, {
      ...{ stage: stage.id, version, total: 1, create: null, dry_run: false, signal: new AbortController().signal },
      ...{ finish, onProgress: () => undefined },
    });
  const lost = new AppError("superseded", { job: stage.job_id });
  await expect(apply(() => Promise.reject(lost))).rejects.toBe(lost);
  expect([await revisionOf(draft), (await overlaysOf(room, draft.version_id))[0]?.properties]).toEqual([1, {}]);
  // Of two that both may, the second finds that the draft is not what it has looked at.
  const done = () => Promise.resolve();
  expect(await Promise.all([apply(done), apply(done)])).toEqual(
    expect.arrayContaining([null, { used: 1, changed: 1, created: 0 }]),
  );
  expect(await revisionOf(draft)).toBe(2);
  expect(await sweepRows(db, true)).toBeGreaterThanOrEqual(1);
  expect(await sweepRows(db, false)).toBeGreaterThanOrEqual(1);
  expect(await sweepRows(db, true)).toBe(0);
});

/** Holds the draft as an edit of it does, until it is let go. */
async function holdDraft({ version_id }: Draft, edit: string): Promise<() => Promise<void>> {
  const held = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const holding = transaction(room.database, async (tx) => {
    await query(tx, "select 1 from versions where id = $1 for no key update", [version_id]);
    held.resolve();
    await go.promise;
    if (edit !== "") await query(tx, edit, [version_id]);
  });
  await held.promise;
  return async () => {
    go.resolve();
    await holding;
  };
}

it("a cancel leaves the draft as it was, however many rows were applied already", async () => {
  const draft = await draftOf();
  const before = await overlaysOf(room, draft.version_id);
  const letGo = await holdDraft(draft, "");
  const job = await begin(draft, await fromText("ref,area\nplot-1,1\n"));
  await room.gates.somebodyWaits("versions");
  await cancelJob(room.deps, { job_id: job, by: room.principal });
  await until("the cancel to arrive", async () => (await jobRow(room, job)).cancel_acknowledged_at !== null);
  await letGo();
  expect((await room.ended(job, 60_000)).status).toBe("cancelled");
  expect(await overlaysOf(room, draft.version_id)).toEqual(before);
  expect(await revisionOf(draft)).toBe(1);
});

it("a draft that is edited between the look at its refs and the change is looked at again", async () => {
  const draft = await draftOf(3);
  const edit =
    "with gone as (delete from overlays where version_id = $1 and ref = 'plot-2') update versions set revision = revision + 1 where id = $1";
  const letGo = await holdDraft(draft, edit);
  const job = await begin(draft, await fromText("ref,area\nplot-1,1\nplot-2,2\nplot-3,3\n"));
  await room.gates.somebodyWaits("versions");
  await letGo();
  const row = await ended(job);
  expect(row).toMatchObject({ status: "partially_completed", result: { imported: 2, changed: 2, rejected: 1 } });
  expect(row.errors).toMatchObject([{ code: "ref_unknown", value: "plot-2" }]);
  expect((await ledger(room, job)).map(({ data }) => data["message"])).toContain(
    "The draft was changed meanwhile; looking at the rows again",
  );
});

describe("a worker that is killed", { timeout: 120_000 }, () => {
  const ROWS = 50_000;

  it("while it reads is followed by one that goes on behind the last row; none comes twice", async () => {
    const draft = await draftOf();
    const lines = Array.from(
      { length: ROWS },
      (_, at) => `spot-${at},Spot ${at},${at},"{""type"":""Point"",""coordinates"":[${at % 100},1]}"\n`,
    );
    const job = await begin(draft, await fromText(`ref,label_en,area,geometry\n${lines.join("")}`, { create: "spot" }));
    await until("rows to be staged", async () => (await staged(job)) >= 4_000, 60_000);
    await room.killWorkers();
    const behind = await staged(job);
    expect(behind).toBeLessThan(ROWS);
    worker = await startWorker();
    const row = await room.ended(job, 90_000);
    expect(row).toMatchObject({
      status: "completed",
      generation: 1,
      result: { rows: ROWS, created: ROWS, rejected: 0 },
    });
    const [resumed] = (await ledger(room, job))
      .flatMap(({ data }) => /Going on behind row (\d+)/.exec(String(data["message"])) ?? [])
      .slice(1);
    expect(Number(resumed)).toBeGreaterThanOrEqual(4_000);
    const refs = (await overlaysOf(room, draft.version_id)).map(({ ref }) => ref);
    expect([refs.length, new Set(refs).size]).toEqual([ROWS + 2, ROWS + 2]);
    await until("the staged rows to be gone", async () => (await staged(job)) === 0);
  });

  it("in the very commit of the change leaves a job that has ended: what came about is told, once", async () => {
    const draft = await draftOf();
    const job = await begin(draft, await fromText("ref,area\nplot-1,1\n"), false);
    const gate = await room.gates.close({ job_id: job, kind: "status", data: { status: "completed" } });
    await startJob(room.deps, job, 1);
    await gate.reached();
    await room.killWorkers();
    await gate.open();
    expect((await jobRow(room, job)).status).toBe("completed");
    expect(await revisionOf(draft)).toBe(2);
    worker = await startWorker();
    const { workflow_id } = await jobRow(room, job);
    expect(await room.temporal.client.workflow.getHandle(workflow_id).result()).toMatchObject({ changed: 1 });
    expect(await revisionOf(draft)).toBe(2);
  });

  it("before that commit leaves a draft that is as it was, and the next one changes it, once", async () => {
    const draft = await draftOf();
    const job = await begin(draft, await fromText("ref,area\nplot-1,1\n"), false);
    const gate = await room.gates.close({ job_id: job, kind: "status", data: { status: "completed" } });
    await startJob(room.deps, job, 1);
    await gate.reached();
    await room.killWorkers();
    await gate.abort();
    expect([await revisionOf(draft), (await overlaysOf(room, draft.version_id))[0]?.properties]).toEqual([1, {}]);
    worker = await startWorker();
    expect(await room.ended(job, 60_000)).toMatchObject({ status: "completed", result: { changed: 1 } });
    expect(await revisionOf(draft)).toBe(2);
  });
});
