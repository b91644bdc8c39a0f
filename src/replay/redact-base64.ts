/** Base64 in a text, in either alphabet, padded or not, also where letters or slashes stand right before it. */
import { isUtf8 } from "node:buffer";
import { fromBase64 } from "./history.ts";

/** Shorter ones are words, which can look like base64. */
const RUN = /[A-Za-z0-9+/_-]{22,}={0,2}/g;
/** Bytes that are text, in what is otherwise none. */
const READABLE = /[\t\n\r\x20-\x7e]{12,}/g;

/** `redact` is given what is encoded; what it leaves alone stays as it is, to the byte. */
export function redactBase64(text: string, redact: (inner: string) => string): string {
  return text.replaceAll(RUN, (run) => redactWhole(run, redact) ?? redactParts(run, redact));
}

/** Null where the run as a whole is no encoded text. */
function redactWhole(run: string, redact: (inner: string) => string): string | null {
  const bytes = fromBase64(run);
  const bare = run.replace(/=+$/, "");
  const again = encoderOf(run);
  if (!isUtf8(bytes) || again(bytes) !== bare) return null;
  const inner = bytes.toString();
  const redacted = redact(inner);
  if (redacted === inner) return run;
  const encoded = again(Buffer.from(redacted));
  return bare === run && run.length % 4 !== 0 ? encoded : encoded.padEnd(Math.ceil(encoded.length / 4) * 4, "=");
}

interface Part {
  /** Letters of the run, from and to. */
  start: number;
  end: number;
  /** Before the readable bytes, in the same four letters. */
  head: Buffer;
  inner: string;
}

/** A path, a word or another piece can stand before it, so that it begins at any letter: each of the four beginnings is tried. */
function redactParts(run: string, redact: (inner: string) => string): string {
  const parts = [0, 1, 2, 3].flatMap((offset) => partsOf(run, offset)).toSorted((a, b) => size(b) - size(a));
  const taken: Part[] = [];
  const free = new Uint8Array(run.length);
  for (const part of parts) {
    if (free.subarray(part.start, part.end).includes(1)) continue;
    free.fill(1, part.start, part.end);
    taken.push(part);
  }
  let [redacted, at] = ["", 0];
  const again = encoderOf(run);
  for (const { start, end, head, inner } of taken.toSorted((a, b) => a.start - b.start)) {
    const after = redact(inner);
    if (after === inner) continue;
    redacted += run.slice(at, start) + again(Buffer.concat([head, Buffer.from(after)]));
    at = end;
  }
  return redacted + run.slice(at);
}

const size = ({ start, end }: Part): number => end - start;

function partsOf(run: string, offset: number): Part[] {
  const bytes = fromBase64(run.slice(offset));
  return Array.from(bytes.toString("latin1").matchAll(READABLE), ({ index, 0: inner }) => {
    const group = Math.floor(index / 3);
    return {
      start: offset + group * 4,
      end: Math.min(run.length, offset + Math.ceil(((index + inner.length) * 4) / 3)),
      head: bytes.subarray(group * 3, index),
      inner,
    };
  });
}

/** In the alphabet of what was there, without padding. */
function encoderOf(run: string): (bytes: Buffer) => string {
  const encoding = /[-_]/.test(run) && !/[+/]/.test(run) ? "base64url" : "base64";
  return (bytes) => bytes.toString(encoding).replace(/=+$/, "");
}
