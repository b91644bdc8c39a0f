/** What a picture is, by its first bytes; its name and its Content-Type prove nothing. */

export const PICTURE_KINDS = ["png", "jpeg", "webp", "tiff", "svg"] as const;

export type PictureKind = (typeof PICTURE_KINDS)[number];

export const PICTURE_MEDIA_TYPES: Record<PictureKind, string> = {
  png: "image/png",
  jpeg: "image/jpeg",
  webp: "image/webp",
  tiff: "image/tiff",
  svg: "image/svg+xml",
};

/** Bytes that `kindOf` looks at. The root of an SVG may come behind a long comment, of the program that drew it. */
export const HEAD_BYTES = 4_096;

/** Null for anything else, packed SVG among it: a small one can unpack to any size. */
export function kindOf(head: Buffer): PictureKind | null {
  const text = head.toString("latin1");
  if (text.startsWith("\xff\xd8\xff")) return "jpeg";
  if (text.startsWith("\x89PNG\r\n\x1a\n")) return "png";
  if (text.startsWith("RIFF") && text.slice(8, 12) === "WEBP") return "webp";
  // Classic and big TIFF, of both byte orders.
  if (/^(II[*+]\0|MM\0[*+])/.test(text)) return "tiff";
  if (/^(\xef\xbb\xbf)?\s*</.test(text) && /<(\w+:)?svg[\s>]/.test(text)) return "svg";
  return null;
}
