/**
 * The content of a release as canonical JSON (RFC 8785), streamed in one repeatable-read transaction: members in alphabetical
 * order, overlays in sort order, no ids of ours. The same draft always gives the same bytes.
 */
import canonicalize from "canonicalize";
import type { Db } from "../db.ts";
import { findConfig, listLayers } from "../projects/content-store.ts";
import { overlayPage } from "../projects/overlay-store.ts";
import { countTiles, findTileSet, tilePage } from "../projects/tile-store.ts";
import { publicTilesPrefix } from "../storage/keys.ts";
import type { Descriptor } from "../tiles/dzi.ts";
import { tileSetDigest } from "../tiles/tile-set-digest.ts";
import type { ManifestTile } from "./tile-manifest.ts";
import { AppError } from "../errors.ts";
import { configPart, layerPart, overlayPart, tilesPart } from "./release-schema.ts";
import type { VersionRef } from "./validate-version.ts";
import type { z } from "zod";

const PAGE = 1_000;

/** Every tile of the version, in key order (C collation). `signal` ends it between two pages. */
export async function* tileManifest(db: Db, versionId: string, signal: AbortSignal): AsyncGenerator<ManifestTile> {
  for (let after = ""; ;) {
    signal.throwIfAborted();
    const page = await tilePage(db, versionId, after, PAGE);
    for (const { key, size, sha256 } of page) yield { key, size, sha256 };
    const last = page.at(-1);
    if (!last || page.length < PAGE) return;
    after = last.key;
  }
}

/** What `tiles` of the document says. Error: release_invalid when the version has no tile set. */
export async function describeTiles(
  db: Db,
  version: VersionRef,
  signal: AbortSignal,
): Promise<{ digest: string; tile_set: Descriptor; part: z.infer<typeof tilesPart> }> {
  const tileSet = await findTileSet(db, version.id);
  if (!tileSet) throw new AppError("release_invalid", { path: "/tiles", reason: "the version has no tile set" });
  const { width, height, tile_size, overlap, format } = tileSet;
  const digest = await tileSetDigest(tileManifest(db, version.id, signal), tileSet);
  const tile_count = await countTiles(db, version.id);
  const url = `/${publicTilesPrefix(version.project, digest)}tiles.dzi`;
  const part = { type: "dzi" as const, digest, url, width, height, tile_size, overlap, format, tile_count };
  return { digest, tile_set: { width, height, tile_size, overlap, format }, part };
}

/** Yields the content in pieces of some hundred kilobytes. `onOverlays` counts what went by. */
export async function* releaseContent(
  db: Db,
  version: VersionRef,
  tiles: z.infer<typeof tilesPart>,
  onOverlays: (count: number) => void = () => undefined,
): AsyncGenerator<string> {
  const config = checked(configPart, "/config", await findConfig(db, version.id));
  const layers = (await listLayers(db, version.id)).map((layer, index) => {
    const { ref, label, style, visible } = layer;
    return checked(layerPart, `/layers/${index}`, { ref, label, visible, ...(style ? { style } : {}) });
  });
  yield `{"config":${canonical(config)},"layers":${canonical(layers)},"overlays":[`;
  let count = 0;
  for (let after = -1; ;) {
    const page = await overlayPage(db, version.id, after, PAGE);
    const parts: string[] = [];
    for (const overlay of page) {
      if (!overlay.visible) continue;
      const { ref, type, layer, label, geometry, properties, style } = overlay;
      const part = {
        ref,
        type,
        label,
        geometry,
        properties,
        ...(layer === null ? {} : { layer }),
        ...(style ? { style } : {}),
      };
      parts.push(canonical(checked(overlayPart, `/overlays/${ref}`, part)));
    }
    if (parts.length > 0) yield `${count > 0 ? "," : ""}${parts.join(",")}`;
    count += parts.length;
    onOverlays(count);
    const last = page.at(-1);
    if (!last || page.length < PAGE) break;
    after = last.sort_order;
  }
  yield `],"tiles":${canonical(checked(tilesPart, "/tiles", tiles))}}`;
}

function canonical(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new AppError("release_invalid", { path: "/", reason: "a value has no JSON form" });
  return text;
}

/** Holds each part against the published schema as it goes by. */
function checked<Schema extends z.ZodType>(schema: Schema, path: string, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new AppError("release_invalid", { path: [path, ...(issue?.path ?? [])].join("/"), reason: issue?.message });
}
