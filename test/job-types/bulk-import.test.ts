/** Bulk imports on a real server: what is imported, and what is told of the rest. */
import { readdir } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BulkImportPayload } from "../../contract/bulk-import.ts";
import { retryJob } from "../../src/jobs/protocol/retry.ts";
import { startFileServer, type FileServer } from "../fetch/file-server.ts";
import { workbook } from "../imports/workbook.ts";
import { overlaysOf } from "../support/job-samples/bulk-import.ts";
import { contentOf } from "../support/job-samples/sample.ts";
import { reset } from "../support/operator.ts";
import { jobRow, ledger, until } from "../support/publishing.ts";
import { createImportRoom, type ImportRoom } from "./import-room.ts";

let room: ImportRoom;
let server: FileServer;
/** What the server answers, by path. */
const files: Record<string, string | Buffer> = {};
beforeAll(async () => {
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
  room = await createImportRoom();
});
afterAll(async () => {
  await server?.close();
  await room?.close();
});

describe("an import", () => {
  it("takes in what can be used, and lists the rest with line, column, value and reason, safely for spreadsheets", async () => {
    const draft = await room.draftOf();
    const body = [
      "ref,label_en,area,=cmd",
      'plot-1,"First, renewed",412.5,x',
      "nowhere,,1,",
      "plot-1,Again,2,",
      ",Nameless,3,",
      '"=HYPERLINK(""http://evil"")",,1,',
      "plot-2,Second,7,=1+1",
    ].join("\n");
    const { row, result } = await room.run(draft, await room.fromText(body));
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
    const csv = await room.errorFile(result?.errors_artifact ?? "");
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
    expect(await room.revisionOf(draft)).toBe(2);
  });

  it("that is tried dry reports the same and changes nothing", async () => {
    const draft = await room.draftOf();
    const body = "ref,area\nplot-1,1\nplot-2,2\nnowhere,3\n";
    const before = await overlaysOf(room, draft.version_id);
    const dry = await room.run(draft, await room.fromText(body, { dry_run: true }));
    expect(await overlaysOf(room, draft.version_id)).toEqual(before);
    expect(await room.revisionOf(draft)).toBe(1);
    const real = await room.run(draft, await room.fromText(body));
    expect({ ...dry.result, errors_artifact: null }).toEqual({ ...real.result, dry_run: true, errors_artifact: null });
    expect(dry.row.errors).toEqual(real.row.errors);
    expect(await room.errorFile(dry.result?.errors_artifact ?? "")).toBe(
      await room.errorFile(real.result?.errors_artifact ?? ""),
    );
  });

  it("of records says what its payload names and none of them has", async () => {
    const body = '{"ref":"plot-1","price":5}\n{"ref":"plot-2","Area":7}\n';
    const payload = { columns: { Area: "area", Prize: null, secret: null } };
    const { row, job } = await room.run(await room.draftOf(), await room.fromText(body, payload));
    expect(row.status).toBe("completed");
    const warnings = (await ledger(room, job)).filter(({ data }) => data["level"] === "warn");
    expect(warnings).toMatchObject([
      { kind: "log", data: { message: 'No record of plots.csv has "Prize" (columns), "secret" (columns)' } },
    ]);
  });

  it("that comes twice changes nothing the second time", async () => {
    const draft = await room.draftOf();
    const body = "ref,area,label\nplot-1,1,x\n";
    expect((await room.run(draft, await room.fromText(body))).result).toMatchObject({ changed: 1, unchanged: 0 });
    const revision = await room.revisionOf(draft);
    const again = await room.run(draft, await room.fromText(body));
    expect(again.row.status).toBe("completed");
    expect(again.result).toMatchObject({ imported: 1, changed: 0, unchanged: 1 });
    expect(await room.revisionOf(draft)).toBe(revision);
  });

  it("of nothing that can be used fails, with the error file", async () => {
    const draft = await room.draftOf();
    const { row, job } = await room.run(draft, await room.fromText("ref,area\na,1\nb,2\n"));
    expect(row).toMatchObject({ status: "failed", error_code: "import_nothing_usable" });
    expect(row.errors).toMatchObject([{ code: "ref_unknown", path: "/rows/2/ref" }, { path: "/rows/3/ref" }]);
    const [, id = ""] = /\/artifacts\/([\w-]+)/.exec(row.error ?? "") ?? [];
    expect(await room.errorFile(id)).toContain("3,b,ref,b,ref_unknown");
    expect(await room.revisionOf(draft)).toBe(1);
    await until("the staged rows to be gone", async () => (await room.staged(job)) === 0);
  });

  it("makes overlays for unknown refs where it is told to, if they have a shape; then the draft can be published", async () => {
    const draft = await room.draftOf();
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
    const { result, row } = await room.run(
      draft,
      await room.fromText(JSON.stringify({ type: "FeatureCollection", features }), { create: "pier" }),
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
    const late = await room.run(draft, await room.fromText("ref,area\nplot-1,9\n"));
    expect(late.row).toMatchObject({ status: "failed", error_code: "version_published" });
  });

  it("of a workbook behind a URL", async () => {
    const draft = await room.draftOf();
    files["/plots.xlsx"] = await workbook([
      ["ref", "since"],
      ["plot-1", { date: 45_000 }],
    ]);
    const { result, row } = await room.run(draft, { source: { url: `${server.url}/plots.xlsx?key=s3cret` } });
    expect(result).toMatchObject({ changed: 1, rejected: 0 });
    expect((await overlaysOf(room, draft.version_id))[0]?.properties).toEqual({ since: "2023-03-15" });
    const told = JSON.stringify({ row: { ...row, payload: null }, events: await ledger(room, row.id) });
    expect(told).not.toContain("s3cret");
  });

  it("without a draft only says whether the file can be used", async () => {
    files["/rows.csv"] = "ref,area\na,1\na,2\n,3\n";
    const { row, result } = await room.run(null, { file_url: `${server.url}/rows.csv`, format: "csv" });
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
  ["has a header only", () => room.fromText("ref,area\n"), "import_empty", /has no rows/],
  [
    "is a zip bomb",
    async () => room.fromText(await workbook([["ref"]], { "xl/sharedStrings.xml": Buffer.alloc(40_000_000, "A") })),
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
    const draft = await room.draftOf();
    const openFiles = async (): Promise<number> => (await readdir(`/proc/${room.firstWorker.pid}/fd`)).length;
    await room.run(draft, await room.fromText("ref,area\nplot-1,0\n"));
    const before = { files: await openFiles(), revision: await room.revisionOf(draft) };
    const jobs = await Promise.all(BAD.map(async ([, payload]) => room.run(draft, await payload())));
    expect(jobs.map(({ row }, at) => [BAD[at]![0], row.status, row.error_code])).toEqual(
      BAD.map(([name, , code]) => [name, "failed", code]),
    );
    for (const [at, { row }] of jobs.entries()) expect(row.error).toMatch(BAD[at]![3]);
    expect(await room.revisionOf(draft)).toBe(before.revision);
    // Connections to PostgreSQL stay open for a while.
    await until("the worker's files to be closed", async () => (await openFiles()) <= before.files + 12, 30_000);
    expect((await room.run(draft, await room.fromText("ref,area\nplot-1,1\n"))).row.status).toBe("completed");
  },
);

it.each([
  ["be there", undefined],
  ["be mended, of which no row was read", "ref,area\n"],
  ["be mended, of which no row could be used", "ref,area\nnowhere,5\n"],
])("a retry fetches anew: the file may %s by now", async (_, first) => {
  const draft = await room.draftOf();
  if (first === undefined) delete files["/late.csv"];
  else files["/late.csv"] = first;
  const { job, row } = await room.run(draft, { file_url: `${server.url}/late.csv` });
  expect(row.status).toBe("failed");
  files["/late.csv"] = "ref,area\nplot-1,5\n";
  await retryJob(room.deps, { job_id: job, by: room.principal });
  // The run that failed may not be closed yet: then it is the reconciler that starts the next one.
  await until("the retry to end", async () => {
    await room.reconciler.round();
    return (await jobRow(room, job)).status === "completed";
  });
  expect(await jobRow(room, job)).toMatchObject({ generation: 2, result: { changed: 1 } });
});

it.each([
  ["to its first task", undefined],
  ["to its last step", "applyRows"],
])("a job that has ended and is reset %s answers what it did, although its source is gone", async (_, activity) => {
  const draft = await room.draftOf();
  files["/once.csv"] = "ref,label_en\nplot-1,Imported\nnowhere,x\n";
  const { job, row } = await room.run(draft, { file_url: `${server.url}/once.csv` });
  expect(row.status).toBe("partially_completed");
  delete files["/once.csv"];
  const later = await room.run(draft, await room.fromText("ref,label_en\nplot-1,Corrected\n"));
  expect(later.row.status).toBe("completed");
  const content = await contentOf(room, draft);
  await reset(room, job, activity);
  await until("the next generation", async () => (await jobRow(room, job)).generation === 2);
  const { status, result, errors } = await room.told(job);
  expect({ status, result, errors }).toEqual({ status: row.status, result: row.result, errors: row.errors });
  expect(await contentOf(room, draft)).toEqual(content);
});
