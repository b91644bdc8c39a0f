/** Files that somebody brings: streamed into the private store, named and typed. */
import { Readable } from "node:stream";
import { AppError } from "../errors.ts";
import { fileName } from "./file-name.ts";
import { keepArtifact, type NewArtifact } from "./keep-artifact.ts";
import { HEAD_BYTES, mediaTypeOf } from "./media-type.ts";

export interface KeptFile {
  id: string;
  name: string;
  media_type: string;
  size: number;
  sha256: string;
}

/**
 * Keeps the bytes of `body` as an upload. Errors: `upload_empty`, those of `body`, and the store's; then nothing is kept. `artifact.name`
 * may be anything that somebody sent. `within`: as of `keepArtifact`.
 */
export async function keepUpload(
  deps: Parameters<typeof keepArtifact>[0],
  artifact: Omit<NewArtifact, "kind" | "media_type">,
  body: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
  within?: Parameters<typeof keepArtifact>[4],
): Promise<KeptFile> {
  const name = fileName(artifact.name.split(/[/\\]/).at(-1) ?? "", "upload");
  const chunks = body[Symbol.asyncIterator]();
  try {
    const { parts, head } = await readHead(chunks);
    if (head.length === 0) throw new AppError("upload_empty", { name });
    const media_type = await mediaTypeOf(head);
    const whole = Readable.from(joined(parts, chunks), { objectMode: false, highWaterMark: 65_536 });
    const record: NewArtifact = { ...artifact, kind: "upload", name, media_type };
    return { name, media_type, ...(await keepArtifact(deps, record, whole, signal, within)) };
  } finally {
    await chunks.return?.(undefined);
  }
}

async function readHead(chunks: AsyncIterator<Uint8Array>): Promise<{ parts: Uint8Array[]; head: Uint8Array }> {
  const parts: Uint8Array[] = [];
  let length = 0;
  while (length < HEAD_BYTES) {
    const { done, value } = await chunks.next();
    if (done) break;
    parts.push(value);
    length += value.byteLength;
  }
  return { parts, head: Buffer.concat(parts).subarray(0, HEAD_BYTES) };
}

async function* joined(parts: Uint8Array[], rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* parts;
  for (;;) {
    const { done, value } = await rest.next();
    if (done) return;
    yield value;
  }
}
