/** How the characters of a file are written: by its mark, as UTF-8 if all of it is, else by what fits best. */
import { analyse } from "chardet";
import { unreadable, type NamedFile } from "./import-error.ts";

export interface Encoding {
  /** A label of the WHATWG encoding standard. */
  label: string;
  /** How it was told, for people. */
  told: string;
}

/** Of every second byte of text in UTF-16 without a mark, in scripts that have no such rows: so many are NUL at least. */
const MOST_NUL = 0.3;

/** By a byte order mark, or by the NULs that Latin text in UTF-16 is full of; null for neither. */
export function markedEncoding(head: Uint8Array): Encoding | null {
  const [a, b, c] = head;
  if (a === 0xef && b === 0xbb && c === 0xbf) return { label: "utf-8", told: "by its byte order mark" };
  if (a === 0xff && b === 0xfe) return { label: "utf-16le", told: "by its byte order mark" };
  if (a === 0xfe && b === 0xff) return { label: "utf-16be", told: "by its byte order mark" };
  const share = (odd: number): number => {
    let nuls = 0;
    for (let at = odd; at < head.length; at += 2) if (head[at] === 0) nuls += 1;
    return nuls / Math.max(1, head.length / 2);
  };
  const [even, odd] = [share(0), share(1)];
  if (odd > MOST_NUL && even < odd / 10) return { label: "utf-16le", told: "by its bytes" };
  if (even > MOST_NUL && odd < even / 10) return { label: "utf-16be", told: "by its bytes" };
  return null;
}

/** `said`: what somebody says it is. Errors: `import_unreadable`, those of `chunks`. */
export async function detectEncoding(
  file: NamedFile,
  { said, head, chunks }: { said: string | undefined; head: Uint8Array; chunks: () => AsyncIterable<Uint8Array> },
): Promise<Encoding> {
  if (said !== undefined) {
    if (!isKnown(said))
      throw unreadable(file, `there is no encoding ${JSON.stringify(said)}; utf-8 or windows-1252 is one`);
    return { label: said, told: "as the payload says" };
  }
  return markedEncoding(head) ?? (await byAllBytes(file, chunks()));
}

function isKnown(label: string): boolean {
  try {
    return new TextDecoder(label, { fatal: true }).fatal;
  } catch {
    return false;
  }
}

/** A file in UTF-8 whose first stranger comes late would be taken for what it is not by its beginning. */
async function byAllBytes(file: NamedFile, chunks: AsyncIterable<Uint8Array>): Promise<Encoding> {
  const utf8 = new TextDecoder("utf-8", { fatal: true });
  let ascii = true;
  let passed = 0;
  for await (const chunk of chunks) {
    try {
      const text = utf8.decode(chunk, { stream: true });
      // As many characters as bytes: all of them ASCII.
      ascii &&= text.length === chunk.byteLength;
    } catch {
      if (!ascii)
        throw unreadable(
          file,
          `behind byte ${passed} there is no UTF-8 any more, and before it there is; say which encoding`,
        );
      return guess(file, chunk);
    }
    passed += chunk.byteLength;
  }
  return { label: "utf-8", told: "by its bytes" };
}

function guess(file: NamedFile, chunk: Uint8Array): Encoding {
  for (const { name, confidence } of analyse(chunk)) {
    if (isKnown(name) && name !== "UTF-8") return { label: name, told: `guessed, ${confidence} % sure` };
  }
  throw unreadable(file, "it is not UTF-8, and nothing tells what it is; say which encoding");
}
