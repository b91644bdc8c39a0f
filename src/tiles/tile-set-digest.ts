/** The name of a pyramid: equal tiles under an equal descriptor give an equal digest, wherever they came from. */
import { createHash } from "node:crypto";
import { printDescriptor } from "./descriptor.ts";
import type { Descriptor } from "./dzi.ts";

/**
 * SHA-256 (lower-case hex) over the canonical descriptor and a line `key\tsize\tsha256\n` per tile.
 * `entries` must come in the byte order of their keys, each key once; throws a plain Error otherwise, for then the caller is wrong.
 */
export async function tileSetDigest(
  entries:
    | AsyncIterable<{ key: string; size: number; sha256: string }>
    | Iterable<{ key: string; size: number; sha256: string }>,
  descriptor: Descriptor,
): Promise<string> {
  const set = createTileSetDigest(descriptor);
  for await (const entry of entries) set.add(entry);
  return set.digest();
}

/** The same, for entries that come one by one. */
export function createTileSetDigest(descriptor: Descriptor): {
  add(entry: { key: string; size: number; sha256: string }): void;
  digest(): string;
} {
  const hash = createHash("sha256").update(printDescriptor(descriptor));
  let last = "";
  return {
    add({ key, size, sha256 }) {
      // Keys are ASCII, so the order of UTF-16 units is the order of bytes.
      if (key <= last) throw new Error(`tiles out of order: ${key} after ${last}`);
      hash.update(`${key}\t${size}\t${sha256}\n`);
      last = key;
    },
    digest: () => hash.digest("hex"),
  };
}
