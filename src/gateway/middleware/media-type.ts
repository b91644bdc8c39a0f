/** What a body may be: by its Content-Type, in UTF-8 where it is text, and never compressed. Errors: `unsupported_media_type`. */
import type { Context } from "koa";
import { AppError } from "../../errors.ts";

/** `wanted`: the media types that the path takes. */
export function requireMediaType(ctx: Context, wanted: readonly string[]): void {
  const { type, media } = contentType(ctx);
  const isText = !media.startsWith("image/") && media !== "application/octet-stream";
  if (!wanted.includes(media) || (isText && !isUtf8(type))) throw unsupported(type, wanted.join(", "));
  refuseCompressed(ctx, wanted.join(", "));
}

/** JSON in UTF-8: `application/json` or `…+json`. */
export function requireJson(ctx: Context): void {
  const wanted = "application/json";
  const { type, media } = contentType(ctx);
  if ((media !== wanted && !media.endsWith("+json")) || !isUtf8(type)) throw unsupported(type, wanted);
  refuseCompressed(ctx, wanted);
}

function contentType(ctx: Context): { type: string; media: string } {
  const type = ctx.get("Content-Type");
  return { type, media: type.split(";")[0]!.trim().toLowerCase() };
}

/** No `charset` means UTF-8 here, whatever old specifications say of `text/*`. */
function isUtf8(type: string): boolean {
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(type)?.[1]?.toLowerCase();
  return charset === undefined || charset === "utf-8" || charset === "utf8" || charset === "us-ascii";
}

/** Nothing here unpacks: the bytes would be taken for what they hold, and a small body could become a huge one. */
function refuseCompressed(ctx: Context, wanted: string): void {
  const encoding = ctx.get("Content-Encoding").toLowerCase() || "identity";
  if (encoding !== "identity") throw unsupported(`encoded as ${encoding}`, `${wanted}, not compressed`);
}

function unsupported(got: string, wanted: string): AppError {
  return new AppError("unsupported_media_type", { got: got || "without Content-Type", wanted });
}
