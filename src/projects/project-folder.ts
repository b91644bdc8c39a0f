/**
 * The exchange format of docs/project-folder.md as zod schemas. The routes, the CLI and the JSON Schemas in docs/schemas/
 * are all made from these, so that what the documents say is what the gateway takes. They are applied through `judge`, which
 * refuses first what cannot be stored.
 */
import { z } from "zod";
import { RESERVED_SLUGS } from "../storage/keys.ts";
import { checkedValue, isObject } from "./checked-value.ts";
import { geometry } from "./geometry-schema.ts";

/** Characters of a name or ref; a longer ref would not fit the index on it. */
const MAX_NAME = 200;
/** Of a version. */
export const MAX_LAYERS = 1_000;

/** They would reach terminals and logs wherever the text is told. */
const NO_CONTROL = new RegExp("^[^\\u0000-\\u001f\\u007f-\\u009f]*$");
const noControl = "must hold no control characters, such as line ends or tabs";

/** A reference that clients choose: an overlay's, a layer's, a type's. */
export const ref = z.string().min(1).max(MAX_NAME).regex(NO_CONTROL, noControl);

/** First segment of public paths: lower-case letters, digits and inner hyphens, at most 63. */
export const projectSlug = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, "must be lower-case letters, digits and inner hyphens, at most 63")
  .refine((slug) => !(RESERVED_SLUGS as readonly string[]).includes(slug), "is reserved: public paths begin with it");

export const projectName = z.string().trim().min(1).max(MAX_NAME).regex(NO_CONTROL, noControl);

const LANGUAGE_TAG = "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$";
export const isLanguageTag = new RegExp(LANGUAGE_TAG);

/** Text by language tag, or one text whose language is not said. */
export const label = checkedValue<string | Record<string, string>>(
  function* (value) {
    if (typeof value !== "string" && !isTextByLanguage(value))
      yield { path: [], message: "must be one text, or texts by language tag such as en or zh-Hant" };
  },
  {
    anyOf: [
      { type: "string" },
      {
        type: "object",
        propertyNames: { type: "string", pattern: LANGUAGE_TAG },
        additionalProperties: { type: "string" },
      },
    ],
    description: 'Text by BCP 47 language tag, e.g. {"en": "Harbour", "ar": "الميناء"}, or one text.',
  },
);

function isTextByLanguage(value: unknown): boolean {
  return (
    isObject(value) && Object.entries(value).every(([tag, text]) => isLanguageTag.test(tag) && typeof text === "string")
  );
}

function freeObject(description: Record<string, string> = {}): z.ZodType<Record<string, unknown>> {
  const faultsOf = (value: unknown) => (isObject(value) ? [] : [{ path: [], message: "must be a JSON object" }]);
  return checkedValue(faultsOf, { type: "object", additionalProperties: {}, ...description });
}

const style = freeObject({ description: "Free; viewers read what they know." });

/** A free JSON object; docs/project-folder.md names the keys that viewers know. */
export const mapConfig = freeObject();

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

/**
 * One feature of `overlays.geojson`. The id, which most tools write, stands in for a `ref` that is absent: of the two one is needed.
 * Members beside these are not kept.
 */
export const overlayFeature = z
  .looseObject({
    type: z.literal("Feature"),
    id: z.union([ref, z.number()]).nullish().meta({ description: "The ref, where the properties have none." }),
    geometry,
    properties: z
      .looseObject({
        ref: ref.nullish().meta({ description: "What clients know it by; unique in the version. Default: the id." }),
        type: ref.nullish().meta({ description: "Kind of overlay, e.g. plot; default overlay." }),
        label: label.nullish(),
        layer: ref.nullish().meta({ description: "Ref of a layer in project.json." }),
        style: style.nullish(),
        visible: z.boolean().nullish().meta({ description: "Is it part of the map? Default true." }),
      })
      .nullish(),
  })
  .superRefine(({ id, properties }, context) => {
    if (id != null || properties?.ref != null) return;
    const message = "must be a text, unless the feature has an id";
    context.addIssue({ code: "custom", path: ["properties", "ref"], message });
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
