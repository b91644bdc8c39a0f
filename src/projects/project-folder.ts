/**
 * The exchange format of docs/project-folder.md as zod schemas. The routes, the CLI and the JSON Schemas in docs/schemas/
 * are all made from these, so that what the documents say is what the gateway takes. They are applied through `judge`, which
 * refuses first what cannot be stored.
 */
import { z } from "zod";
import { RESERVED_SLUGS } from "../storage/keys.ts";

/** Characters of a name or ref; a longer ref would not fit the index on it. */
const MAX_NAME = 200;
const MAX_LAYERS = 1_000;

/** A reference that clients choose: an overlay's, a layer's, a type's. */
const ref = z.string().min(1).max(MAX_NAME);

/** First segment of public paths: lower-case letters, digits and inner hyphens, at most 63. */
export const projectSlug = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, "must be lower-case letters, digits and inner hyphens, at most 63")
  .refine((slug) => !(RESERVED_SLUGS as readonly string[]).includes(slug), "is reserved: public paths begin with it");

export const projectName = z.string().trim().min(1).max(MAX_NAME);

/** Text by language tag, or one text whose language is not said. */
export const label = z
  .union([z.string(), z.record(z.string().regex(/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/), z.string())], {
    error: "must be one text, or texts by language tag such as en or zh-Hant",
  })
  .meta({ description: 'Text by BCP 47 language tag, e.g. {"en": "Harbour", "ar": "الميناء"}, or one text.' });

const style = z.record(z.string(), z.unknown()).meta({ description: "Free; viewers read what they know." });

/** A free JSON object; docs/project-folder.md names the keys that viewers know. */
export const mapConfig = z.record(z.string(), z.unknown());

export const layer = z.strictObject({
  ref: ref.meta({ description: "What overlays name it by; unique in the version." }),
  label,
  style: style.nullish(),
  visible: z.boolean().nullish().meta({ description: "Is it shown at first? Default true." }),
});

/** In drawing order. No two may have the same ref. */
export const layerList = z
  .array(layer)
  .max(MAX_LAYERS)
  .superRefine((layers, context) => {
    const seen = new Set<string>();
    for (const [index, each] of layers.entries()) {
      if (seen.has(each.ref))
        context.addIssue({ code: "custom", path: [index, "ref"], message: `the ref ${each.ref} is used twice` });
      seen.add(each.ref);
    }
  });

/** `project.json`. */
export const projectFile = z
  .strictObject({
    $schema: z.string().optional(),
    slug: projectSlug.optional(),
    name: projectName,
    config: mapConfig,
    layers: layerList.default([]),
  })
  .meta({ title: "project.json of a Platen project folder" });

const position = z.array(z.number()).min(2).meta({ description: "Longitude (or x), latitude (or y), …" });
const line = z.array(position);
const rings = z.array(line);

/** GeoJSON (RFC 7946) by shape only: publishing checks closed rings, crossings and the like. */
export const geometry = z.discriminatedUnion("type", [
  z.object({ type: z.literal("Point"), coordinates: position }),
  z.object({ type: z.literal("MultiPoint"), coordinates: line }),
  z.object({ type: z.literal("LineString"), coordinates: line }),
  z.object({ type: z.literal("MultiLineString"), coordinates: rings }),
  z.object({ type: z.literal("Polygon"), coordinates: rings }),
  z.object({ type: z.literal("MultiPolygon"), coordinates: z.array(rings) }),
  z.object({
    type: z.literal("GeometryCollection"),
    get geometries(): z.ZodArray<z.ZodType<Record<string, unknown>>> {
      return z.array(geometry);
    },
  }),
]);

/** One feature of `overlays.geojson`. Members beside type, geometry and properties are not kept. */
export const overlayFeature = z.looseObject({
  type: z.literal("Feature"),
  geometry,
  properties: z.looseObject({
    ref: ref.meta({ description: "What clients know it by; unique in the version." }),
    type: ref.nullish().meta({ description: "Kind of overlay, e.g. plot; default overlay." }),
    label: label.nullish(),
    layer: ref.nullish().meta({ description: "Ref of a layer in project.json." }),
    style: style.nullish(),
    visible: z.boolean().nullish().meta({ description: "Is it part of the map? Default true." }),
  }),
});

/** `overlays.geojson`, for the JSON Schema; readers stream it and check feature by feature. */
export const overlayCollection = z
  .looseObject({ type: z.literal("FeatureCollection"), features: z.array(overlayFeature) })
  .meta({ title: "overlays.geojson of a Platen project folder" });

/** The documents in docs/schemas/ by file name, as text. */
export function folderSchemas(): Record<string, string> {
  const print = (schema: z.ZodType) => `${JSON.stringify(z.toJSONSchema(schema, { io: "input" }), null, 2)}\n`;
  return { "project.schema.json": print(projectFile), "overlays.schema.json": print(overlayCollection) };
}
