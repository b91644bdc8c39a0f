/** Bytes of a known encoding as text, without a byte order mark. */
import type { Encoding } from "./detect-encoding.ts";
import { unreadable, type NamedFile } from "./import-error.ts";

/** `onBytes`: so many have been read by now. Errors: `import_unreadable` for what the encoding does not have. */
export async function* decodeText(
  file: NamedFile,
  chunks: AsyncIterable<Uint8Array>,
  { encoding, onBytes }: { encoding: Encoding; onBytes: (read: number) => void },
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder(encoding.label, { fatal: true });
  let read = 0;
  const decode = (chunk?: Uint8Array): string => {
    try {
      return chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode();
    } catch (cause) {
      const place = chunk ? `behind byte ${read}` : "at its end";
      throw unreadable(file, `${place} there is no ${encoding.label}, which it was taken for ${encoding.told}`, cause);
    }
  };
  for await (const chunk of chunks) {
    yield decode(chunk);
    read += chunk.byteLength;
    onBytes(read);
  }
  yield decode();
}
