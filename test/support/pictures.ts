/** Pictures to cut, and the draft they are the source of. */
import { Readable } from "node:stream";
import sharp, { type Sharp } from "sharp";
import { query } from "../../src/db.ts";
import { putSourcePicture, type PutPicture } from "../../src/projects/put-source-picture.ts";
import { findDraft } from "../../src/projects/version-store.ts";
import { pictureSettings } from "../../src/tiles/cut/picture-settings.ts";
import { versionOf } from "./job-samples/sample.ts";
import { createDraft, type Draft, type Publishing } from "./publishing.ts";

export type PictureFormat = "png" | "jpeg" | "webp" | "tiff";

/** Colours that differ everywhere: a tile in the wrong place, or turned, cannot look right. */
export async function gradient(width: number, height: number, channels: 3 | 4 = 3): Promise<Sharp> {
  const pixels = Buffer.alloc(width * height * channels);
  for (let y = 0, at = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) {
      pixels[at++] = Math.floor((255 * x) / width);
      pixels[at++] = Math.floor((255 * y) / height);
      pixels[at++] = ((x >> 4) + (y >> 4)) % 2 === 0 ? 200 : 60;
      if (channels === 4) pixels[at++] = x < width / 2 ? 255 : 0;
    }
  return sharp(pixels, { raw: { width, height, channels } });
}

export async function picture(width: number, height: number, format: PictureFormat = "png"): Promise<Buffer> {
  return (await gradient(width, height)).toFormat(format).toBuffer();
}

/** What `PUT …/source` does with the bytes. */
/** A draft without tiles, which a publish has cut of this picture. */
export async function untiledDraft(room: Publishing, bytes: Buffer | null): Promise<Draft> {
  const draft = await createDraft(room);
  await query(room.database.em.fork(), `delete from tiles where version_id = $1`, [draft.version_id]);
  await query(room.database.em.fork(), `delete from tile_sets where version_id = $1`, [draft.version_id]);
  if (bytes) await putSource(room, draft, bytes);
  return draft;
}

export async function putSource(room: Publishing, draft: Draft, bytes: Buffer): Promise<PutPicture> {
  const db = room.database.em.fork();
  const ref = { tenant_id: draft.tenant_id, project: draft.project, version: await versionOf(room, draft) };
  return putSourcePicture({
    ...{ db, store: room.stores.private, pictures: pictureSettings(room.config), created_by: room.principal.id },
    version: await findDraft(db, ref),
    chunks: Readable.from([bytes]),
  });
}
