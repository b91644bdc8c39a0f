/** The example of docs/documents.md, sent as it stands there, by the lines that stand below it. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Workbook } from "@cj-tech-master/excelts";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startWorker, type RunningWorker } from "../../src/worker/create-worker.ts";
import { createCliRoom, type CliRoom } from "../cli/publishing-room.ts";
import { ROOT } from "../rules/source-files.ts";
import { createDraft, until } from "../support/publishing.ts";

const page = await readFile(join(ROOT, "docs/documents.md"), "utf8");
const blockOf = (language: string): string => new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(page)![1]!;

let room: CliRoom;
let worker: RunningWorker;
let cwd: string;
beforeAll(async () => {
  room = await createCliRoom();
  worker = await startWorker({ config: room.config, log: room.deps.log, stores: room.stores });
  cwd = await mkdtemp(join(tmpdir(), "platen-docs-"));
});
afterAll(async () => {
  await worker?.stop();
  await room?.close();
  await rm(cwd, { recursive: true, force: true });
});

async function start(body: string): Promise<string> {
  const headers = { authorization: `Bearer ${room.key}`, "content-type": "application/json" };
  const answer = await fetch(`${room.url}/jobs`, { method: "POST", headers, body });
  const accepted = (await answer.json()) as { job_id?: string };
  expect(answer.status, JSON.stringify(accepted)).toBe(202);
  return accepted.job_id!;
}

it("the example is made, and downloaded with its name", { timeout: 60_000 }, async () => {
  const job = await start(blockOf("json"));
  await until("the job's end", async () => /completed/.test((await room.platen(["watch", job])).stdout));
  const { code, stdout } = await room.platen(["download", job], { cwd });
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^✓ Sales of the harbour\.xlsx: \d+ bytes\n$/)]);
  const workbook = new Workbook();
  await workbook.xlsx.load((await readFile(join(cwd, "Sales of the harbour.xlsx"))) as never);
  const sheet = workbook.getWorksheet("Plots")!;
  expect(sheet.getCell("C2").value).toEqual(new Date("2026-11-27T00:30:00Z"));
  expect(sheet.getCell("B4").value).toMatchObject({ formula: "SUM(B2:B3)" });
});

it("the code of the example makes a document, and the job links to it", { timeout: 60_000 }, async () => {
  const { project } = await createDraft(room, { overlays: [{ properties: { use: "homes" } }, {}] });
  const payload = { format: "pdf", title: "Homes", project, version: 1, code: blockOf("js") };
  const job = await start(JSON.stringify({ type: "document_generation", payload }));
  const ended = await until("the job's end", async () => {
    const answer = await fetch(`${room.url}/jobs/${job}`, { headers: { authorization: `Bearer ${room.key}` } });
    const body = (await answer.json()) as { status: string; download_url: string | null; error: string | null };
    return ["completed", "failed"].includes(body.status) && body;
  });
  expect([ended.status, ended.error]).toEqual(["completed", null]);
  const { pathname, search } = new URL(ended.download_url!);
  const file = await fetch(`${room.url}${pathname}${search}`);
  expect([file.status, file.headers.get("content-disposition")]).toEqual([200, 'attachment; filename="Homes.pdf"']);
  const bytes = Buffer.from(await file.arrayBuffer());
  expect(bytes.subarray(0, 5).toString()).toBe("%PDF-");
  await writeFile(join(cwd, "Homes.pdf"), bytes);
});
