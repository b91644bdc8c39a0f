/**
 * A long answer in pieces. V8 keeps a text of half a megabyte, and its bytes, among its large objects, which only a full collection frees:
 * pages of 200 jobs made one every dozen pages, each of which held the gateway up for 20 to 40 ms (docs/performance.md).
 */
import { Readable } from "node:stream";

/** Lists with fewer entries are short enough. */
const FEW = 20;
/** Characters of a piece, or of one entry that is longer. */
const PIECE = 16_384;

/** A list of an answer whose entries are made when it is their turn to be sent: what has been sent need not be in memory any more. */
export interface LateEntries extends Iterable<unknown> {
  length: number;
  toJSON(): unknown[];
}

/** `make` must not fail: the answer has begun by then. */
export const entriesOf = <Item>(items: readonly Item[], make: (item: Item) => unknown): LateEntries => ({
  length: items.length,
  *[Symbol.iterator]() {
    for (const item of items) yield make(item);
  },
  toJSON: () => items.map(make),
});

/** What `JSON.stringify(body)` gives: at once, or piece by piece where `body` has a long list among its members. */
export function jsonBody(body: unknown): string | Readable {
  return isLong(body) ? Readable.from(jsonPieces(body), { objectMode: false }) : JSON.stringify(body);
}

function isLong(body: unknown): body is Record<string, unknown> {
  if (typeof body !== "object" || body === null || Array.isArray(body) || "toJSON" in body) return false;
  return Object.values(body).some((value) => isList(value) && value.length > FEW);
}

const isList = (value: unknown): value is readonly unknown[] | LateEntries =>
  Array.isArray(value) || (typeof value === "object" && value !== null && Symbol.iterator in value);

/** The text that `JSON.stringify` gives of an object without `toJSON`. */
export function* jsonPieces(body: Record<string, unknown>): Generator<string> {
  let piece = "";
  let before = "{";
  for (const [name, value] of Object.entries(body)) {
    const list = isList(value) ? value : null;
    const text = list ? "[" : JSON.stringify(value);
    // Undefined, as JSON has no word for it.
    if (text === undefined) continue;
    piece += `${before}${JSON.stringify(name)}:${text}`;
    before = ",";
    if (!list) continue;
    let between = "";
    for (const entry of list) {
      piece += `${between}${JSON.stringify(entry) ?? "null"}`;
      between = ",";
      if (piece.length < PIECE) continue;
      yield piece;
      piece = "";
    }
    piece += "]";
  }
  yield before === "{" ? "{}" : `${piece}}`;
}
