/** Request bodies as they come in: bounded, and told apart from bodies that broke off. */
import type { Readable } from "node:stream";
import { AppError, reasonOf } from "../errors.ts";

/**
 * The chunks of `stream`, at most `limit` bytes. Errors: `body_too_large`; `incomplete_body` when the sender went away.
 * Leaves the stream open when its reader stops early: destroying it would close the socket that the error is to be sent on.
 */
export async function* receiveChunks(stream: Readable, limit: number): AsyncGenerator<Buffer, void, undefined> {
  let size = 0;
  try {
    for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.byteLength;
      if (size > limit) throw new AppError("body_too_large", { limit });
      yield chunk;
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError("incomplete_body", { reason: reasonOf(error) }, { cause: error });
  }
}

/** The whole body, for what is small. Errors: as `receiveChunks`. */
export async function receiveBytes(stream: Readable, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of receiveChunks(stream, limit)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
