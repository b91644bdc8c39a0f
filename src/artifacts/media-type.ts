/** What bytes are, told by the bytes: names and headers are what somebody says. */
import { isUtf8 } from "node:buffer";
import { fileTypeFromBuffer } from "file-type";

/** Bytes of a beginning that tell enough. */
export const HEAD_BYTES = 4_100;

/** `head`: the beginning of the bytes, HEAD_BYTES long unless they are fewer. */
export async function mediaTypeOf(head: Uint8Array): Promise<string> {
  const known = await fileTypeFromBuffer(head);
  if (known && known.mime !== "application/xml") return known.mime;
  return isText(head) ? textTypeOf(new TextDecoder().decode(head).trimStart()) : "application/octet-stream";
}

/** In UTF-8, or marked as UTF-16; the head may end within a character. */
function isText(head: Uint8Array): boolean {
  if (head[0] === 0xff && head[1] === 0xfe) return true;
  if (head[0] === 0xfe && head[1] === 0xff) return true;
  if (head.includes(0)) return false;
  return [0, 1, 2, 3].some((left) => isUtf8(head.subarray(0, Math.max(0, head.length - left))));
}

function textTypeOf(text: string): string {
  if (/^<(\?xml|!--|svg\b|!doctype\s+svg)/i.test(text) && /<svg[\s>]/i.test(text)) return "image/svg+xml";
  if (text.startsWith("<?xml")) return "application/xml";
  return /^[[{]/.test(text) ? "application/json" : "text/plain";
}
