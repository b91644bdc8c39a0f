/** A part of an object (RFC 9110, 14): one range, in bytes. */
export interface ByteRange {
  /** Both ends inclusive. */
  start: number;
  end: number;
}

const ONE_RANGE = /^bytes=(\d{0,15})-(\d{0,15})$/i;

/**
 * The part that the header `Range` asks for of `size` bytes. Null for all of them: without the header, and where it asks for
 * several parts or for what nobody understands, both of which a server may ignore. "outside" where it begins after the end.
 */
export function byteRange(header: string, size: number): ByteRange | "outside" | null {
  const [, first = "", last = ""] = ONE_RANGE.exec(header.trim()) ?? [];
  if (first === "" && last === "") return null;
  // `-5`: the last five.
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (first !== "" && last !== "" && Number(last) < start) return null;
  return start > end ? "outside" : { start, end };
}
