/** Objects of a store over HTTP: whole or in part, asked for again, or only asked about (RFC 9110, 13 and 14). */
import { AppError } from "../errors.ts";
import type { ObjectStore } from "../storage/object-store.ts";
import { byteRange, type ByteRange } from "./byte-range.ts";
import type { RouteAnswer, RouteRequest } from "./route.ts";

export interface ServedObject {
  store: ObjectStore;
  key: string;
  /** With its quotes; the same for as long as the bytes are. */
  etag: string;
  mediaType: string;
  headers: Record<string, string>;
  /** Thrown where the store has no such object. */
  missing: () => AppError;
}

/** Does the client have it? Koa's `fresh` says no to a client that sends `Cache-Control: no-cache` along, as fetch() does. */
export function has({ ctx }: Pick<RouteRequest, "ctx">, etag: string): boolean {
  const tags = ctx.get("If-None-Match").split(",");
  return tags.some((tag) => ["*", etag].includes(tag.trim().replace(/^W\//, "")));
}

/** 200, 206 or 304. Error: range_not_satisfiable. */
export async function objectAnswer(request: Pick<RouteRequest, "ctx">, object: ServedObject): Promise<RouteAnswer> {
  const { store, key, etag, mediaType } = object;
  const headers = { ...object.headers, ETag: etag };
  const info = await store.head(key);
  if (!info) throw object.missing();
  if (has(request, etag)) return { status: 304, headers };
  const typed = { ...headers, "Content-Type": mediaType, "Accept-Ranges": "bytes" };
  if (request.ctx.method === "HEAD") return { status: 200, headers: { ...typed, "Content-Length": String(info.size) } };
  const range = rangeOf(request, etag, info.size);
  const found = await store.get(key, range ?? undefined);
  if (!found) throw object.missing();
  if (!range) return { status: 200, body: found.body, headers: { ...typed, "Content-Length": String(info.size) } };
  const part = {
    "Content-Range": `bytes ${range.start}-${range.end}/${info.size}`,
    "Content-Length": String(range.end - range.start + 1),
  };
  return { status: 206, body: found.body, headers: { ...typed, ...part } };
}

/** `If-Range`: a client that has part of another object gets all of this one. Error: range_not_satisfiable. */
function rangeOf({ ctx }: Pick<RouteRequest, "ctx">, etag: string, size: number): ByteRange | null {
  const condition = ctx.get("If-Range");
  if (condition !== "" && condition !== etag) return null;
  const range = byteRange(ctx.get("Range"), size);
  if (range !== "outside") return range;
  ctx.set("Content-Range", `bytes */${size}`);
  throw new AppError("range_not_satisfiable", { range: ctx.get("Range"), size });
}
