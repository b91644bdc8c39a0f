/**
 * A long answer in pieces. V8 keeps a text of half a megabyte, and its bytes, among its large objects, which only a full collection frees:
 * pages of 200 jobs made one every dozen pages, each of which held the gateway up for 20 to 40 ms (docs/performance.md).
 */
import { Readable } from "node:stream";

/** Lists with fewer entries are short enough. */
const FEW = 20;
/** Characters of a piece, or of one entry that is longer. */
const PIECE = 16_384;

/** What `JSON.stringify(body)` gives: at once, or piece by piece where `body` has a long list among its members. */
export function jsonBody(body: unknown): string | Readable {
  return isLong(body) ? Readable.from(jsonPieces(body), { objectMode: false }) : JSON.stringify(body);
}

function isLong(body: unknown): body is Record<string, unknown> {
  if (typeof body !== "object" || body === null || Array.isArray(body) || "toJSON" in body) return false;
  return Object.values(body).some((value) => Array.isArray(value) && value.length > FEW);
}

/** The text that `JSON.stringify` gives of an object without `toJSON`. */
export function* jsonPieces(body: Record<string, unknown>): Generator<string> {
  let piece = "";
  let before = "{";
  for (const [name, value] of Object.entries(body)) {
    const list = Array.isArray(value) ? (value as unknown[]) : null;
    const text = list ? "[" : JSON.stringify(value);
    // Undefined, as JSON has no word for it.
    if (text === undefined) continue;
    piece += `${before}${JSON.stringify(name)}:${text}`;
    before = ",";
    if (!list) continue;
    for (const [index, entry] of list.entries()) {
      piece += `${index > 0 ? "," : ""}${JSON.stringify(entry) ?? "null"}`;
      if (piece.length < PIECE) continue;
      yield piece;
      piece = "";
    }
    piece += "]";
  }
  yield before === "{" ? "{}" : `${piece}}`;
}
