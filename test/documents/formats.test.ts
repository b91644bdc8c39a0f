/** One specification in every format, from left to right and from right to left, as LibreOffice opens it. */
import { randomUUID } from "node:crypto";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keepArtifact } from "../../src/artifacts/keep-artifact.ts";
import { EXTENSIONS, FORMATS, makeFile, type Made } from "../support/documents.ts";
import { openOffice } from "../support/office.ts";
import { createDraft, createPublishing, type Draft, type Publishing } from "../support/publishing.ts";
import { scriptedExecutions } from "../support/scripted-executions.ts";

const office = await openOffice();

let room: Publishing;
let draft: Draft;
let picture: string;
beforeAll(async () => {
  room = await createPublishing({ executions: scriptedExecutions() });
  draft = await createDraft(room);
  const photo = await sharp({ create: { width: 300, height: 200, channels: 3, background: "#c8604a" } })
    .webp()
    .toBuffer();
  const kept = await keepArtifact(
    { db: room.database.em.fork(), store: room.stores.private },
    {
      ...{
        id: randomUUID(),
        tenant_id: room.tenant_id,
        tenant: "harbour",
        kind: "upload",
        job_id: null,
        project_id: null,
      },
      ...{ name: "photo.webp", media_type: "image/webp", created_by: null, expires_at: null },
    },
    photo,
  );
  picture = kept.id;
});
afterAll(async () => {
  await room?.close();
  await office?.close();
});

const english = () => ({
  content: [
    { type: "heading", text: "Quarter of the harbour" },
    { type: "paragraph", text: "What was built, & what <was> not.\nA second line." },
    { type: "list", items: ["piers", "sheds"] },
    { type: "list", items: ["first", "second"], ordered: true },
    {
      type: "table",
      title: "Plots",
      columns: [
        { header: "Ref" },
        { header: "Price", type: "number", format: "#,##0.00" },
        { header: "Sold", type: "date" },
      ],
      rows: [
        ["A-1", 1234.5, "2026-11-26"],
        ["A-2", { formula: "B2*2", value: 2469 }, null],
      ],
    },
    { type: "page_break" },
    { type: "heading", text: "Pictures", level: 1 },
    { type: "picture", artifact: picture, caption: "A photo" },
    { type: "map_view", caption: "The map" },
    { type: "qr_code", text: "https://example.com/r" },
  ],
});

const arabic = () => ({
  language: "ar",
  time_zone: "Asia/Dubai",
  content: [
    { type: "heading", text: "مدينة الميناء" },
    { type: "paragraph", text: "هذه فقرة عن المشروع (Platen) وفيها رقم 42." },
    {
      type: "table",
      title: "القطع",
      columns: [{ header: "المرجع" }, { header: "الوقت", type: "datetime" }],
      rows: [["قطعة", "2026-11-26T20:30:00Z"]],
    },
  ],
});

interface Opened extends Made {
  /** The text of each page of what LibreOffice makes of it. */
  pages: string[];
}

/** Made once, and opened by one start of LibreOffice. */
const made = { english: [] as Opened[], arabic: [] as Opened[] };
beforeAll(async () => {
  const files: Made[] = [];
  for (const format of FORMATS)
    files.push(await makeFile(room, { format, title: "Report", specification: english() }, draft));
  for (const format of FORMATS) files.push(await makeFile(room, { format, title: "تقرير", specification: arabic() }));
  const extensions = [...FORMATS, ...FORMATS].map((format) => EXTENSIONS[format]);
  const pdfs = await office?.toPdfs(files.map(({ bytes }, at) => ({ bytes, from: extensions[at]! })));
  const opened: Opened[] = [];
  for (const [at, file] of files.entries())
    opened.push({ ...file, pages: pdfs ? await office!.pagesOf(pdfs[at]!) : [] });
  made.english = opened.slice(0, FORMATS.length);
  made.arabic = opened.slice(FORMATS.length);
}, 120_000);

describe.each(FORMATS)("a %s", { timeout: 60_000 }, (format) => {
  const at = FORMATS.indexOf(format);

  it.skipIf(!office)("opens, and holds what its specification says", () => {
    const { pages: found, left_out } = made.english[at]!;
    // The tiles of the draft are noise: the map is drawn without them, which is told.
    expect(left_out).toEqual([expect.stringMatching(/tiles of the map view, which cannot be read$/)]);
    const text = found.join("\n").replaceAll(/\s+/g, " ");
    for (const part of [
      "Quarter of the harbour",
      "& what <was> not.",
      "A second line.",
      "piers",
      "second",
      "Pictures",
      "A photo",
      "The map",
    ])
      expect(text).toContain(part);
    for (const part of ["A-1", "1,234.50", "2026-11-26", "2,469.00"]) expect(text).toContain(part);
    expect(found.length).toBeGreaterThan(1);
  });

  it.skipIf(!office)("is right from right to left", () => {
    // In the order of reading; NFKC: PDF holds the letters' forms where the font has them so.
    const text = made.arabic[at]!.pages.join("\n")
      .normalize("NFKC")
      .replaceAll(/[\u200e\u200f\u202a-\u202e]/g, "");
    for (const part of ["الميناء", "فقرة", "المرجع", "قطعة", "Platen", "42"]) expect(text).toContain(part);
    expect(text).toContain("2026-11-27 00:30");
    expect(text).toContain("Asia/Dubai");
  });

  it("is the same to the byte when it is made again", async () => {
    const again = await makeFile(room, { format, title: "Report", specification: english() }, draft);
    expect(again.sha256).toBe(made.english[at]!.sha256);
  });
});
