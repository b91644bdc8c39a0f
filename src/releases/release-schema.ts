/** The published shape of `release.json`; `docs/schemas/release.schema.json` is made from it (`npm run schemas`). */
import { z } from "zod";
import { ENVIRONMENTS } from "../../contract/publish.ts";

const label = z.record(z.string(), z.string()).describe("Text by language tag");
const json = z.record(z.string(), z.unknown());
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

export const configPart = json.describe("The project's configuration, as it was put");

export const layerPart = z.strictObject({
  ref: z.string().min(1),
  label,
  visible: z.boolean(),
  style: json.optional(),
});

export const overlayPart = z.strictObject({
  ref: z.string().min(1),
  type: z.string().min(1),
  layer: z.string().optional(),
  label,
  geometry: z.looseObject({ type: z.string() }).describe("A GeoJSON geometry, in the picture's pixels"),
  properties: json,
  style: json.optional(),
});

export const tilesPart = z.strictObject({
  type: z.literal("dzi"),
  digest: sha256.describe("SHA-256 over the tile manifest; names the folder of the tiles"),
  url: z.string().describe("Path of the DZI descriptor; tiles are beside it in tiles_files/"),
  width: z.int().positive().describe("Pixels"),
  height: z.int().positive().describe("Pixels"),
  tile_size: z.int().positive().describe("Pixels, without overlap"),
  overlap: z.int().nonnegative().describe("Pixels on each inner side"),
  format: z.enum(["jpg", "jpeg", "png", "webp"]),
  tile_count: z.int().positive(),
});

/** The whole document; `live` is there in the pointer only. */
export const releaseDocumentSchema = z
  .strictObject({
    release_id: z.string().regex(/^rel_\d{14}_[0-9a-z]{8}$/),
    project: z.string(),
    version: z.int().positive(),
    published_at: z.iso.datetime(),
    digest: sha256.describe("SHA-256 of the canonical content {config, layers, overlays, tiles}"),
    live: z
      .strictObject({ environment: z.enum(ENVIRONMENTS), epoch: z.int().positive(), nonce: z.uuid() })
      .optional()
      .describe("Only in /{environment}/{project}/release.json: which switch made it live"),
    config: configPart,
    layers: z.array(layerPart),
    overlays: z.array(overlayPart),
    tiles: tilesPart,
  })
  .describe("A map release");

/** The documents in docs/schemas/ by file name, as text. */
export function releaseSchemas(): Record<string, string> {
  return { "release.schema.json": `${JSON.stringify(z.toJSONSchema(releaseDocumentSchema), null, 2)}\n` };
}
