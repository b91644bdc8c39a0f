/** Pictures and QR codes: which can be brought, how many, and what they cost. */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unzipSync } from "fflate";
import sharp from "sharp";
import { afterAll, beforeAll, expect, it } from "vitest";
import { MAX_OF } from "../../contract/document-specification.ts";
import { keepArtifact } from "../../src/artifacts/keep-artifact.ts";
import { query } from "../../src/db.ts";
import { runApart } from "../../src/documents/apart.ts";
import { CREATED_AT, failureOf, makeFile } from "../support/documents.ts";
import { createPublishing, type Publishing } from "../support/publishing.ts";
import { scriptedExecutions } from "../support/scripted-executions.ts";

let room: Publishing;
beforeAll(async () => {
  room = await createPublishing({ executions: scriptedExecutions() });
});
afterAll(() => room?.close());

async function bring(bytes: Buffer): Promise<string> {
  const about = { tenant_id: room.tenant_id, tenant: "harbour", job_id: null, project_id: null, created_by: null };
  const record = { ...about, id: randomUUID(), kind: "upload" as const, name: "p", media_type: "image/png" };
  const db = room.database.em.fork();
  return (await keepArtifact({ db, store: room.stores.private }, { ...record, expires_at: null }, bytes)).id;
}
const paint = (side = 20) => sharp({ create: { width: side, height: side, channels: 3, background: "#c8604a" } });
const wordOf = (content: object[], from: Publishing = room) =>
  makeFile(from, { format: "document", title: "T", specification: { content } });

it("pictures of every format that is told can be brought, beside QR codes", { timeout: 60_000 }, async () => {
  const formats = ["png", "jpeg", "webp", "gif", "tiff", "avif"] as const;
  const content: object[] = [{ type: "qr_code", text: "https://example.com" }];
  for (const [at, format] of formats.entries())
    content.push({
      type: "picture",
      artifact: await bring(
        await paint(20 + at)
          .toFormat(format)
          .toBuffer(),
      ),
    });
  const { bytes } = await wordOf(content);
  const media = Object.keys(unzipSync(bytes)).filter((name) => name.startsWith("word/media/"));
  expect(media).toHaveLength(7);
});

it("no loader but theirs sees what was brought", { timeout: 60_000 }, async () => {
  const artifact = await bring(Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>`));
  const { problems } = await failureOf(wordOf([{ type: "picture", artifact }]));
  // As SVG it would have been told to be one.
  expect(problems[0]?.message).toMatch(/cannot be read as a picture: (?!it is svg).*; it should be PNG/);
});

it("an artifact that many blocks show is fetched once", { timeout: 60_000 }, async () => {
  const artifact = await bring(await paint().png().toBuffer());
  const block = { type: "picture", artifact };
  let fetched = 0;
  const { private: store } = room.stores;
  const counting = { ...store, get: (...of: Parameters<typeof store.get>) => ((fetched += 1), store.get(...of)) };
  const content = [...Array.from({ length: MAX_OF.picture! - 1 }, () => block), { ...block, caption: "The last" }];
  const { bytes } = await wordOf(content, { ...room, stores: { ...room.stores, private: counting } });
  expect(fetched).toBe(1);
  const xml = Buffer.from(unzipSync(bytes)["word/document.xml"]!).toString();
  expect(xml.match(/<pic:pic[ >]/g)).toHaveLength(MAX_OF.picture!);
  expect(xml).toContain("The last");
});

it.each(Object.entries(MAX_OF))(
  "more blocks of type %s than %i are refused, by the first of them",
  async (type, most) => {
    const content = [
      { type: "page_break" },
      ...Array.from({ length: most + 1 }, () => ({ type, text: "x", artifact: "x" })),
    ];
    const error = await failureOf(wordOf(content));
    expect([error.code, error.facts]).toMatchObject(["document_too_large", { limit: most }]);
    expect(error.problems).toMatchObject([{ path: `/payload/specification/content/${most + 1}` }]);
  },
);

it("pictures of too many bytes in all are refused, by the first that is one too many, and none is fetched for it", async () => {
  const content = [];
  for (let count = 0; count < 5; count += 1)
    content.push({ type: "picture", artifact: await bring(Buffer.from(`picture ${count}`)) });
  // Told by the record alone, before a byte of it is read.
  await query(room.database.em.fork(), `update artifacts set size = 50000000 where id = any($1)`, [
    content.map(({ artifact }) => artifact),
  ]);
  const error = await failureOf(wordOf(content));
  expect([error.code, error.facts]).toMatchObject(["document_too_large", { limit: 209_715_200 }]);
  expect(error.problems).toMatchObject([{ path: "/payload/specification/content/4/artifact" }]);
});

it("a text that no QR code can hold is told by its place", async () => {
  const error = await failureOf(wordOf([{ type: "qr_code", text: "中".repeat(1_000) }]));
  expect(error.problems).toMatchObject([{ code: "qr_code_invalid", path: "/payload/specification/content/0/text" }]);
});

it("memory that is not V8's is watched too: the process is killed for it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "platen-memory-"));
  try {
    const [width, height] = [9_000, 9_000];
    const file = join(folder, "large.png");
    // Of an interlaced PNG every pixel has to be there before the first can be seen: 243 MB, none of them in the heap.
    await writeFile(file, await paint(width).png({ progressive: true, compressionLevel: 1 }).toBuffer());
    const about = { title: "T", language: "en", direction: "ltr", time_zone: "UTC", created_at: CREATED_AT } as const;
    const page = { size: "A4", orientation: "portrait" } as const;
    const source = { kind: "file" as const, file, path: "" };
    const document = { ...about, page, blocks: [{ type: "raw_picture" as const, source, width, height }] };
    const input = { format: "pdf" as const, folder, output: join(folder, "made"), document };
    const limits = { seconds: 60, heapMb: 100, memoryMb: 200, signal: new AbortController().signal };
    await expect(runApart({ task: "render", input }, limits)).rejects.toMatchObject({ how: "memory" });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 60_000);
