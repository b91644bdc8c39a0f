/** Reads a JSON body: all of it, or an error that says what is wrong with it. */
import getRawBody, { type RawBodyError } from "raw-body";
import type { Context } from "koa";
import { AppError, reasonOf } from "../../errors.ts";
import { whyNotJson } from "../../projects/json-fault.ts";
import { bodyTooLarge } from "../../projects/receive-body.ts";
import { requireJson } from "./media-type.ts";

/**
 * `limit` in bytes. No body at all reads as `{}`, so that a request whose fields are all optional needs none. Errors:
 * unsupported_media_type, body_too_large, incomplete_body, malformed_json.
 */
export async function readJsonBody(ctx: Context, limit: number): Promise<unknown> {
  if (!hasBody(ctx)) return {};
  requireJson(ctx);
  const bytes = await getRawBody(ctx.req, { limit, length: ctx.get("Content-Length") || null }).catch(
    (error: RawBodyError) => {
      if (error.type === "entity.too.large") throw bodyTooLarge(limit, error.length ?? error.expected);
      throw new AppError("incomplete_body", { reason: reasonOf(error) }, { cause: error });
    },
  );
  return bytes.length === 0 ? {} : parse(bytes);
}

function hasBody(ctx: Context): boolean {
  const length = ctx.get("Content-Length");
  return ctx.get("Transfer-Encoding") !== "" || (length !== "" && length !== "0");
}

function parse(bytes: Buffer): unknown {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new AppError("malformed_json", { reason: "it is not valid UTF-8" }, { cause: error });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AppError("malformed_json", { reason: whyNotJson(text, error) }, { cause: error });
  }
}
