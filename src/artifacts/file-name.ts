/** File names as people see them. They are told, never used as paths: bytes lie under ids. */

/** Bytes of UTF-8: what file systems take. */
const MAX_BYTES = 255;
/** Of an ending that a cut keeps. */
const MAX_ENDING = 20;
/** Control characters, and those that turn the direction of what follows, by which `gpj.exe` looks like `exe.jpg`. */
const UNSEEN = /[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** The last part of a path of any system, without what no name can hold; `fallback` where nothing is left. */
export function fileName(given: string, fallback = "upload"): string {
  const last = given.toWellFormed().split(/[/\\]/).at(-1) ?? "";
  const name = last.replaceAll(UNSEEN, "").normalize("NFC").trim();
  return cut(/^\.*$/.test(name) ? fallback : name);
}

function cut(name: string): string {
  if (Buffer.byteLength(name) <= MAX_BYTES) return name;
  const dot = name.lastIndexOf(".");
  const ending = dot > 0 && Buffer.byteLength(name.slice(dot)) <= MAX_ENDING ? name.slice(dot) : "";
  let stem = "";
  let bytes = Buffer.byteLength(ending);
  for (const character of name) {
    bytes += Buffer.byteLength(character);
    if (bytes > MAX_BYTES) return stem + ending;
    stem += character;
  }
  return name;
}
