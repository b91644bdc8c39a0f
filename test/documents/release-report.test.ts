/** The report on a release, in every format. */
import { Workbook, type Cell } from "@cj-tech-master/excelts";
import { unzipSync } from "fflate";
import QRCode from "qrcode";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { query } from "../../src/db.ts";
import { replaceLayers } from "../../src/projects/content-store.ts";
import { enterStep } from "../../src/jobs/protocol/enter-step.ts";
import { switchRelease } from "../../src/jobs/protocol/switch.ts";
import { firstAttempt } from "../gateway/gateway-room.ts";
import { EXTENSIONS, FORMATS, makeFile } from "../support/documents.ts";
import { openOffice } from "../support/office.ts";
import { createDraft, createPublishing, queueJob, type Draft, type Publishing } from "../support/publishing.ts";
import { scriptedExecutions } from "../support/scripted-executions.ts";

const office = await openOffice();

let room: Publishing;
let first: Draft;
let second: Draft;
beforeAll(async () => {
  room = await createPublishing({ executions: scriptedExecutions() });
  first = await createDraft(room, { overlays: [{}, { ref: "gone" }, { ref: "same", type: "road", layer: "streets" }] });
  await release(first, "rel_20261101000000_00000001", "2026-11-01T00:00:00.000Z");
  const changed = { label: { en: "Plot one" }, properties: { use: "homes" } };
  second = await createDraft(room, {
    project: first,
    overlays: [changed, { ref: "new" }, { ref: "same", type: "road", layer: "streets" }],
  });
  const streets = { ref: "streets", label: { en: "Streets" }, style: null, visible: true };
  await replaceLayers(room.database.em.fork(), second, [streets]);
  await release(second, "rel_20261126000000_00000002", "2026-11-26T00:00:00.000Z");
});
afterAll(async () => {
  await room?.close();
  await office?.close();
});

/** Makes the draft live in dev, as a publish does. */
async function release(draft: Draft, release_id: string, published_at: string): Promise<void> {
  const job = await queueJob(room, draft);
  const outcome = await enterStep(room.deps, firstAttempt(job), { step: "mark_published", message: "Switching" });
  if (outcome.kind !== "entered") throw new Error(outcome.kind);
  const sizes = { bytes: 10, overlay_count: 3, tile_count: 1, revision: 1, digest: "ab".repeat(32) };
  await switchRelease(room.deps, outcome.grip, {
    ...sizes,
    release_id,
    published_at,
    tile_set_digest: "cd".repeat(32),
  });
  await query(room.database.em.fork(), `delete from publish_guards where job_id = $1`, [job]);
}

const make = (format: string, draft: Draft) =>
  makeFile(room, { format, title: "Release report", report: "release" }, draft);

describe("in every format", () => {
  const texts: string[] = [];
  // One start of LibreOffice for all of them.
  beforeAll(async () => {
    const files = [];
    for (const format of FORMATS) files.push({ bytes: (await make(format, second)).bytes, from: EXTENSIONS[format] });
    for (const pdf of (await office?.toPdfs(files)) ?? []) texts.push((await office!.pagesOf(pdf)).join("\n"));
  }, 120_000);

  it.skipIf(!office).each(FORMATS)("a %s says what was published, what is in it and what has changed", (format) => {
    const text = texts[FORMATS.indexOf(format)]!;
    // Cells break their texts where they are narrow.
    const bare = text.replaceAll(/\s+/g, "");
    const parts = [
      "Version 2 of Town was published as rel_20261126000000_00000002 and is live in dev.",
      "2026-11-26 00:00",
      "ab".repeat(32),
      `http://platen.test/dev/${second.project}/release.json`,
      "Compared with rel_20261101000000_00000001 (version 1, 2026-11-01): 1 added, 1 removed, 1 changed.",
      "gone removed",
      "new added",
    ];
    for (const part of parts) expect(bare).toContain(part.replaceAll(" ", ""));
    expect(text).toMatch(/plot-1\s+changed\s+plot\s+Plot one\s+label,\s+properties|shape, label, properties/);
    expect(text).toMatch(/road\s+1\s+1/);
    expect(text).toMatch(/Total\s+3\s+3/);
    expect(text).toMatch(/Streets\s+1\s+1/);
  });
});

it("has its facts as texts, numbers and days, all beginning at the same edge", { timeout: 60_000 }, async () => {
  const { bytes } = await make("spreadsheet", second);
  const workbook = new Workbook();
  await workbook.xlsx.load(bytes as never);
  const sheet = workbook.getWorksheet("Release")!;
  const facts = new Map<unknown, Cell>();
  sheet.eachRow((row) => facts.set(row.getCell(1).value, row.getCell(2)));
  for (const [name, value] of Object.entries({ Version: 2, Overlays: 3, Tiles: 1, Bytes: 10 })) {
    expect(facts.get(name)!.value).toBe(value);
    expect(facts.get(name)!.numFmt ?? "General").toBe("General");
  }
  expect(facts.get("Published (UTC)")!.value).toEqual(new Date("2026-11-26T00:00:00.000Z"));
  for (const [name, { alignment }] of facts)
    if (name !== "What") expect(alignment?.horizontal, String(name)).toBe("left");
});

it("of a first release says so", { timeout: 60_000 }, async () => {
  const { bytes } = await make("document", first);
  expect(wordText(bytes)).toContain("This is the first release of the project.");
});

it("of a release that is not live any more leads to the release itself", { timeout: 60_000 }, async () => {
  const { bytes } = await make("document", first);
  expect(wordText(bytes)).toContain("is not live in any environment");
  const url = `http://platen.test/${first.project}/releases/rel_20261101000000_00000001/release.json`;
  expect(wordText(bytes)).toContain(url);
  await expectCode(bytes, url);
});

it("shows the address of the live release as a QR code", { timeout: 60_000 }, async () => {
  await expectCode((await make("document", second)).bytes, `http://platen.test/dev/${second.project}/release.json`);
});

const wordText = (bytes: Buffer): string =>
  Buffer.from(unzipSync(bytes)["word/document.xml"]!)
    .toString()
    .replaceAll(/<[^>]+>/g, "");

/** One of the document's pictures is the code of the address. */
async function expectCode(bytes: Buffer, url: string): Promise<void> {
  const code = await QRCode.toBuffer(url, { errorCorrectionLevel: "M", margin: 2, scale: 10 });
  const pictures = Object.entries(unzipSync(bytes)).filter(([name]) => name.startsWith("word/media/"));
  expect(pictures.some(([, picture]) => code.equals(picture))).toBe(true);
}
