/** Overlays out of a stream of bytes, one at a time: a GeoJSON FeatureCollection or a sequence of Features. */
import { TextDecoder } from "node:util";
import { AppError } from "../errors.ts";
import type { Label, Overlay } from "./overlay-store.ts";
import { overlayFeature } from "./project-folder.ts";
import { judge } from "./schema-problems.ts";
import { malformed, splitCollection, splitSequence } from "./split-features.ts";

/** Bytes between the ends of two features; bounds the memory that one upload can take. */
const MAX_FEATURE_BYTES = 16 * 1024 * 1024;
const OWN_PROPERTIES = new Set(["ref", "type", "label", "layer", "style", "visible"]);

/** `collection`: one FeatureCollection. `sequence`: a Feature per line, or per record that begins with RS (RFC 8142). */
export type OverlayForm = "collection" | "sequence";

/**
 * Yields each overlay as soon as its feature is complete. Errors: `malformed_json`, `incomplete_body` when the document breaks
 * off, `overlay_invalid` with the number of the feature (from 1), the reason, and the problems by their pointers in the feature.
 */
export async function* readOverlays(
  chunks: AsyncIterable<Uint8Array>,
  form: OverlayForm,
): AsyncGenerator<Overlay, void, undefined> {
  const splitter = form === "collection" ? splitCollection() : splitSequence();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let index = 0;
  let sinceLast = 0;
  for await (const chunk of chunks) {
    const features = splitter.write(decode(decoder, chunk));
    for (const feature of features) yield toOverlay(feature, (index += 1));
    sinceLast = features.length > 0 ? 0 : sinceLast + chunk.byteLength;
    if (sinceLast > MAX_FEATURE_BYTES)
      throw new AppError("overlay_invalid", {
        index: index + 1,
        reason: `it is larger than ${MAX_FEATURE_BYTES} bytes`,
      });
  }
  for (const feature of splitter.end(decode(decoder))) yield toOverlay(feature, (index += 1));
}

/** Text without a language is kept under `und`, BCP 47 for "undetermined". */
export function toLabel(label: string | Label | null | undefined): Label {
  return typeof label === "string" ? { und: label } : (label ?? {});
}

function toOverlay(value: unknown, index: number): Overlay {
  const { data, problems } = judge(overlayFeature, value);
  if (!data) {
    const [{ path, message }] = problems;
    throw new AppError(
      "overlay_invalid",
      { index, reason: `${path === "" ? "" : `${path}: `}${message}` },
      { problems },
    );
  }
  const { id, geometry } = data;
  const properties = data.properties ?? {};
  return {
    ref: properties.ref ?? String(id),
    type: properties.type ?? "overlay",
    layer: properties.layer ?? null,
    label: toLabel(properties.label),
    geometry,
    properties: Object.fromEntries(Object.entries(properties).filter(([name]) => !OWN_PROPERTIES.has(name))),
    style: properties.style ?? null,
    visible: properties.visible ?? true,
  };
}

function decode(decoder: TextDecoder, chunk?: Uint8Array): string {
  try {
    return chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode();
  } catch (error) {
    throw malformed("it is not UTF-8", error);
  }
}
