/** The `.dzi` file: what tools write, read strictly and printed in one canonical form. */
import { SaxesParser, type SaxesTagNS } from "saxes";
import { AppError } from "../errors.ts";
import { TILE_FORMATS, tileCount, type Descriptor } from "./dzi.ts";

/** The namespaces that Deep Zoom tools have written over the years; the attributes are the same. */
const NAMESPACES = ["http://schemas.microsoft.com/deepzoom/2008", "http://schemas.microsoft.com/deepzoom/2009"];

/** Bytes; real descriptors have about 200. */
export const MAX_DESCRIPTOR_BYTES = 65_536;
/** Elements within each other; real ones have two. The parser looks through all that are open at each tag: 20,000 took it 10 s. */
const MAX_DEPTH = 64;
/** Width and height in pixels: what fits PostgreSQL's `int`. */
const MAX_SIDE = 2 ** 31 - 1;
const MAX_TILE_SIZE = 8_192;
/** A square image of about 600,000 pixels a side with tiles of 256; beyond it a typing mistake is likelier than a map. */
export const MAX_TILES = 10_000_000;

/**
 * Names and formats in any case: tools differ (`--suffix .PNG` makes vips write `Format="PNG"`), and none means two things by it.
 * Errors: `descriptor_invalid` with the reason.
 */
export function parseDescriptor(given: string | Uint8Array): Descriptor {
  const text = typeof given === "string" ? given : decode(given);
  if (Buffer.byteLength(text) > MAX_DESCRIPTOR_BYTES) throw invalid(`it is longer than ${MAX_DESCRIPTOR_BYTES} bytes`);
  const { image, size } = readElements(text);
  const told = attribute(image, "Format");
  const format = TILE_FORMATS.find((each) => each === told.toLowerCase());
  if (!format) throw invalid(`Format is ${JSON.stringify(told)}; it must be one of ${TILE_FORMATS.join(", ")}`);
  const tile_size = integer(image, "TileSize", 1, MAX_TILE_SIZE);
  const descriptor: Descriptor = {
    width: integer(size, "Width", 1, MAX_SIDE),
    height: integer(size, "Height", 1, MAX_SIDE),
    tile_size,
    overlap: integer(image, "Overlap", 0, Math.floor(tile_size / 2)),
    format,
  };
  const tiles = tileCount(descriptor);
  if (tiles > MAX_TILES) throw invalid(`it calls for ${tiles} tiles; at most ${MAX_TILES} are possible`);
  return descriptor;
}

/** Canonical XML: the same descriptor always gives the same bytes. */
export function printDescriptor({ width, height, tile_size, overlap, format }: Descriptor): string {
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\n` +
    `<Image xmlns="${NAMESPACES[0]}" Format="${format}" Overlap="${overlap}" TileSize="${tile_size}">\n` +
    `  <Size Height="${height}" Width="${width}"/>\n` +
    `</Image>\n`
  );
}

function readElements(text: string): { image: SaxesTagNS; size: SaxesTagNS } {
  const path: string[] = [];
  const images: SaxesTagNS[] = [];
  const sizes: SaxesTagNS[] = [];
  const parser = new SaxesParser({ xmlns: true });
  parser.on("error", (error) => {
    throw invalid(error.message, error);
  });
  // A DTD can define entities that grow without bound or read files; no descriptor needs one.
  parser.on("doctype", () => {
    throw invalid("a DOCTYPE is not allowed");
  });
  parser.on("opentag", (tag) => {
    const known = NAMESPACES.includes(tag.uri);
    path.push(tag.local.toLowerCase());
    if (path.length > MAX_DEPTH) throw invalid(`more than ${MAX_DEPTH} elements are open, and none of them ends`);
    if (path.length === 1 && !(known && path[0] === "image"))
      throw invalid(`the root is <${tag.name}> in the namespace "${tag.uri}", not <Image> in "${NAMESPACES[0]}"`);
    if (path.length === 1) images.push(tag);
    if (known && path.length === 2 && path.join("/") === "image/size") sizes.push(tag);
    if (known && path.at(-1) === "displayrects") throw invalid("sparse images (DisplayRects) are not supported");
  });
  parser.on("closetag", () => {
    path.pop();
  });
  parser.write(text).close();
  const [image] = images;
  const [size, second] = sizes;
  if (!image) throw invalid("it is empty");
  if (!size || second) throw invalid(`it has ${sizes.length} <Size> elements; it must have one`);
  return { image, size };
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw invalid("it is not UTF-8", error);
  }
}

function attribute(tag: SaxesTagNS, name: string): string {
  const found =
    tag.attributes[name] ??
    Object.values(tag.attributes).find((each) => each.name.toLowerCase() === name.toLowerCase());
  if (!found) throw invalid(`<${tag.local}> has no ${name}`);
  return found.value;
}

function integer(tag: SaxesTagNS, name: string, min: number, max: number): number {
  const text = attribute(tag, name).trim();
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max))
    throw invalid(`${name} is ${JSON.stringify(text)}; it must be a whole number from ${min} to ${max}`);
  return value;
}

function invalid(reason: string, cause?: unknown): AppError {
  return new AppError("descriptor_invalid", { reason }, cause === undefined ? {} : { cause });
}
