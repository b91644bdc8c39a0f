/** Uploads: kept as they are, typed by their bytes, named safely, and nobody else's. */
import { createHash, randomBytes } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import sharp from "sharp";
import { findArtifact, keepInUse } from "../../src/artifacts/artifact-store.ts";
import { query } from "../../src/db.ts";
import { artifactKey } from "../../src/storage/keys.ts";
import { runPlaten } from "../cli/run-platen.ts";
import { startGatewayRoom, type Answer, type GatewayRoom } from "./gateway-room.ts";

const LIMIT = 300_000;

let room: GatewayRoom;
beforeAll(async () => {
  room = await startGatewayRoom({ settings: { PLATEN_MAX_UPLOAD_BYTES: String(LIMIT), PLATEN_UPLOAD_DAYS: "3" } });
});
afterAll(() => room?.close());

async function upload(
  body: Uint8Array | string,
  { name, key = room.keys.operator }: { name?: string; key?: string } = {},
): Promise<Answer> {
  const query = name === undefined ? "" : `?name=${encodeURIComponent(name)}`;
  const response = await fetch(`${room.url}/uploads${query}`, {
    method: "POST",
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/octet-stream" },
    body: body as string,
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

const read = async (id: string): Promise<Buffer> => {
  const found = await room.stores.private.get(artifactKey("harbour", id));
  const parts: Buffer[] = [];
  for await (const part of found?.body ?? []) parts.push(part as Buffer);
  return Buffer.concat(parts);
};

it("keeps the bytes as they are, and says what they are and how long they stay", async () => {
  const bytes = randomBytes(200_000);
  const { status, headers, body } = await upload(bytes, { name: "plots.bin" });
  expect([status, headers.get("Location")]).toEqual([201, `/uploads/${body.id}`]);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  expect(body).toMatchObject({ name: "plots.bin", size: 200_000, sha256, media_type: "application/octet-stream" });
  const days = (Date.parse(body.expires_at) - Date.now()) / 86_400_000;
  expect(days).toBeGreaterThan(2.9);
  expect(days).toBeLessThan(3.1);
  expect((await read(body.id)).equals(bytes)).toBe(true);
  expect((await room.call("GET", `/uploads/${body.id}`, { key: room.keys.viewer })).body).toEqual(body);
});

const png = await sharp({ create: { width: 2, height: 2, channels: 3, background: "red" } })
  .png()
  .toBuffer();
const NAMES: [string, string | undefined, string][] = [
  ["another script", "قطع الأرض.csv", "قطع الأرض.csv"],
  ["folders and ..", "../../etc/passwd", "passwd"],
  ["folders of Windows", "C:\\plans\\town.svg", "town.svg"],
  ["only ..", "..", "upload"],
  ["a slash at its end", "plans/", "upload"],
  ["control characters", "a\u0007b\r\n\u001b[31mc.csv", "a b [31mc.csv"],
  ["marks that turn its direction", "photo\u202egpj.exe", "photo gpj.exe"],
  ["half a surrogate pair", "a\ufffd.csv", "a\ufffd.csv"],
  ["300 characters", `${"长".repeat(300)}.csv`, `${"长".repeat(65)}.csv`],
  ["none", undefined, "upload"],
  ["a letter in two parts", "cafe\u0301.csv", "café.csv"],
];
it.each(NAMES)("names: %s", async (_, name, kept) => {
  expect((await upload("x", name === undefined ? {} : { name })).body.name).toBe(kept);
});

const TYPES: [string, Uint8Array | string, string][] = [
  ["a PNG that is called plan.csv", png, "image/png"],
  ["JSON", '{"type":"FeatureCollection","features":[]}', "application/json"],
  ["CSV", "ref,label\nplot-1,One\n", "text/plain"],
  ["SVG", '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "image/svg+xml"],
  ["UTF-16", Buffer.from("\ufeffref,label", "utf16le"), "text/plain"],
  ["a ZIP archive", Buffer.from("504b0304140000000000", "hex"), "application/zip"],
  ["bytes that are nothing", Buffer.from([0, 255, 0, 254]), "application/octet-stream"],
];
it.each(TYPES)("types are told by the bytes: %s", async (_, bytes, type) => {
  expect((await upload(bytes, { name: "plan.csv" })).body.media_type).toBe(type);
});

describe("refused", () => {
  it("nothing, and what is too large; nothing of it is kept", async () => {
    const before = await query(room.database.em.fork(), "select id from artifacts");
    const files = await readdir(join(room.storeFolder, "private", "harbour", "artifacts"));
    expect(await upload("")).toMatchObject({ status: 400, body: { code: "upload_empty" } });
    expect(await upload(randomBytes(LIMIT + 1))).toMatchObject({
      status: 413,
      body: { code: "body_too_large", facts: { limit: LIMIT } },
    });
    expect(await query(room.database.em.fork(), "select id from artifacts")).toEqual(before);
    expect(await readdir(join(room.storeFolder, "private", "harbour", "artifacts"))).toEqual(files);
  });

  it("viewers, and other tenants' eyes", async () => {
    expect((await upload("x", { key: room.keys.viewer })).status).toBe(403);
    const { body } = await upload("x");
    for (const path of [
      `/uploads/${body.id}`,
      "/uploads/none",
      `/uploads/${"0".repeat(8)}-0000-7000-8000-${"0".repeat(12)}`,
    ])
      expect(await room.call("GET", path, { key: room.keys.foreign })).toMatchObject({
        status: 404,
        body: { code: "upload_not_found" },
      });
  });
});

it("an upload that has expired is gone, and one that a job uses stays for longer", async () => {
  const db = room.database.em.fork();
  const [gone, used] = [(await upload("x")).body.id as string, (await upload("x")).body.id as string];
  await query(db, "update artifacts set expires_at = now() - interval '1 second' where id = $1", [gone]);
  expect((await room.call("GET", `/uploads/${gone}`)).status).toBe(404);
  expect(await keepInUse(db, { tenant_id: room.tenant_id, id: gone, days: 3 })).toBeNull();
  await query(db, "update artifacts set expires_at = now() + interval '1 minute' where id = $1", [used]);
  await keepInUse(db, { tenant_id: room.tenant_id, id: used, days: 3 });
  const kept = await findArtifact(db, { tenant_id: room.tenant_id, id: used });
  expect(Date.parse(kept?.expires_at ?? "") - Date.now()).toBeGreaterThan(2 * 86_400_000);
});

it("platen upload prints the id that a job's payload names", async () => {
  const env = { PLATEN_SERVER: room.url, PLATEN_API_KEY: room.keys.operator };
  const path = join(room.storeFolder, "قطع.csv");
  await writeFile(path, "ref,label\nplot-1,One\n");
  const run = await runPlaten(["upload", path, "--json"], { env });
  expect(run).toMatchObject({ code: 0, stderr: "" });
  const { id, name } = JSON.parse(run.stdout) as { id: string; name: string };
  expect(name).toBe("قطع.csv");
  expect(await read(id)).toEqual(await readFile(path));
  const missing = await runPlaten(["upload", "nothing.csv"], { env });
  expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining("nothing.csv") });
});
