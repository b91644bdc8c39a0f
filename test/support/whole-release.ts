/** What a publish has put into the public store, object by object. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { queryOne } from "../../src/db.ts";
import { findReleaseOfVersion } from "../../src/releases/release-store.ts";
import { releaseKey } from "../../src/storage/keys.ts";
import { publicTile, sourceTile, tileKeys } from "./chaos-room.ts";
import type { Draft, Publishing } from "./publishing.ts";

/** Its release's document, reserved or released. */
export async function releaseFile(room: Publishing, draft: Draft): Promise<string> {
  const sql = `select release_id from release_reservations where version_id = $1 order by revision desc`;
  const row = await queryOne<{ release_id: string }>(room.database.em.fork(), sql, [draft.version_id]);
  return join(room.storeFolder, "public", releaseKey(draft.project, row?.release_id ?? ""));
}

/** The draft's tiles where a publish copies them to. */
export async function publicTiles(room: Publishing, draft: Draft): Promise<string[]> {
  const [first, keys] = [await publicTile(room, draft, 0), await tileKeys(room, draft)];
  const folder = first.slice(0, -(keys[0] ?? "").length);
  return keys.map((key) => join(folder, key));
}

/** Every tile is what was imported, and the document what its digest says. */
export async function expectWhole(room: Publishing, draft: Draft): Promise<void> {
  const release = await findReleaseOfVersion(room.database.em.fork(), draft.version_id);
  const keys = await tileKeys(room, draft);
  const paths = await publicTiles(room, draft);
  const first = await sourceTile(room, draft, 0);
  const folder = first.slice(0, -(keys[0] ?? "").length);
  for (const [index, key] of keys.entries()) {
    const [found, imported] = await Promise.all([readFile(paths[index] ?? ""), readFile(join(folder, key))]);
    expect(found.equals(imported), key).toBe(true);
  }
  const text = await readFile(await releaseFile(room, draft), "utf8");
  const header = `"digest":"${release?.digest}",`;
  const content = `{${text.slice(text.indexOf(header) + header.length)}`;
  expect(createHash("sha256").update(content).digest("hex")).toBe(release?.digest);
}
