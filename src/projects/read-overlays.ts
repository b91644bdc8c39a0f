/** Overlays out of a stream of bytes, one at a time: a GeoJSON FeatureCollection or a sequence of Features. */
import { TextDecoder } from "node:util";
import { JSONParser } from "@streamparser/json";
import { AppError, reasonOf } from "../errors.ts";
import type { Label, Overlay } from "./overlay-store.ts";
import { overlayFeature } from "./project-folder.ts";

/** Bytes between the ends of two features; bounds the memory that one upload can take. */
const MAX_FEATURE_BYTES = 16 * 1024 * 1024;
const OWN_PROPERTIES = new Set(["ref", "type", "label", "layer", "style", "visible"]);

/** `collection`: one FeatureCollection. `sequence`: a Feature per line, or per record that begins with RS (RFC 8142). */
export type OverlayForm = "collection" | "sequence";

/**
 * Yields each overlay as soon as its feature is complete. Errors: `malformed_json`, `incomplete_body` when the document breaks
 * off, `overlay_invalid` with the number of the feature (from 1) and the reason.
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
  const parsed = overlayFeature.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const place = issue && issue.path.length > 0 ? `/${issue.path.join("/")}: ` : "";
    throw new AppError("overlay_invalid", { index, reason: `${place}${issue?.message ?? "it is no feature"}` });
  }
  const { geometry, properties } = parsed.data;
  return {
    ref: properties.ref,
    type: properties.type ?? "overlay",
    layer: properties.layer ?? null,
    label: toLabel(properties.label),
    geometry,
    properties: Object.fromEntries(Object.entries(properties).filter(([name]) => !OWN_PROPERTIES.has(name))),
    style: properties.style ?? null,
    visible: properties.visible ?? true,
  };
}

interface Splitter {
  /** The values that this text completes. */
  write(text: string): unknown[];
  /** What is left once the body has ended. */
  end(text: string): unknown[];
}

function splitCollection(): Splitter {
  const parser = new JSONParser({ paths: ["$.type", "$.features", "$.features.*"], keepStack: false });
  let ready: unknown[] = [];
  let type: unknown;
  let lists = 0;
  parser.onValue = ({ value, key, parent, stack }) => {
    if (stack.length === 2) ready.push(Array.isArray(parent) ? value : undefined);
    else if (key === "type") type = value;
    else lists += Array.isArray(value) ? 1 : 2;
  };
  const write = (text: string): unknown[] => {
    ready = [];
    try {
      parser.write(text);
    } catch (error) {
      throw malformed(reasonOf(error), error);
    }
    return ready;
  };
  return {
    write,
    end(text) {
      const features = write(text);
      if (!parser.isEnded) throw new AppError("incomplete_body", { reason: "the JSON document is not complete" });
      if (type !== "FeatureCollection")
        throw malformed(`it is no FeatureCollection but ${JSON.stringify(type) ?? "untyped"}`);
      if (lists !== 1) throw malformed("a FeatureCollection has one array `features`");
      return features;
    },
  };
}

function splitSequence(): Splitter {
  let rest = "";
  let line = 0;
  let separator: string | undefined;
  const parse = (texts: string[]): unknown[] =>
    texts.flatMap((text) => {
      line += 1;
      return text.trim() === "" ? [] : [parseRecord(text, line)];
    });
  const write = (text: string): unknown[] => {
    if (text === "") return [];
    separator ??= text.startsWith("\x1e") ? "\x1e" : "\n";
    // Only the new text is searched, else a long line that comes in many chunks would be searched again and again.
    const records = text.split(separator);
    records[0] = rest + records[0];
    rest = records.pop() ?? "";
    return parse(records);
  };
  return { write, end: (text) => [...write(text), ...parse([rest])] };
}

function parseRecord(text: string, line: number): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw malformed(`record ${line}: ${reasonOf(error)}`, error);
  }
}

function decode(decoder: TextDecoder, chunk?: Uint8Array): string {
  try {
    return chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode();
  } catch (error) {
    throw malformed("it is not UTF-8", error);
  }
}

function malformed(reason: string, cause?: unknown): AppError {
  return new AppError("malformed_json", { reason }, cause === undefined ? {} : { cause });
}
