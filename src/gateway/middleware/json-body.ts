/** Reads a JSON body: all of it, or an error that says what is wrong with it. */
import type { Context } from "koa";
import { AppError } from "../../errors.ts";
import { parseExactJson } from "../../json/exact-json.ts";
import { receiveBytes } from "../../projects/receive-body.ts";
import { requireJson } from "./media-type.ts";

/**
 * No body at all reads as `{}`, so that a request whose fields are all optional needs none. `receive`: its chunks. Errors:
 * unsupported_media_type, malformed_json, and those of `receive`.
 */
export async function readJsonBody(ctx: Context, receive: () => AsyncIterable<Buffer>): Promise<unknown> {
  if (!hasBody(ctx)) return {};
  requireJson(ctx);
  const bytes = await receiveBytes(receive());
  return bytes.length === 0 ? {} : parse(bytes);
}

/** Does the request announce a body, however long? */
export function hasBody(ctx: Context): boolean {
  const length = ctx.get("Content-Length");
  return ctx.get("Transfer-Encoding") !== "" || (length !== "" && length !== "0");
}

function parse(bytes: Buffer): unknown {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw malformed("it is not valid UTF-8", cause);
  }
  return parseExactJson(text, malformed);
}

function malformed(reason: string, cause?: unknown): AppError {
  return new AppError("malformed_json", { reason }, cause === undefined ? {} : { cause });
}
