/** Request bodies as they come in: bounded, and told apart from bodies that broke off. */
import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import { AppError, reasonOf } from "../errors.ts";

/** A request's body, whose headers may tell its length before it has come. */
export type Body = Readable & { headers?: IncomingHttpHeaders };

/** `declared`: bytes, by the Content-Length; undefined where the body just goes on. */
export function bodyTooLarge(limit: number, declared?: number): AppError {
  const told = declared === undefined ? "reading stopped there" : `its Content-Length is ${declared}`;
  return new AppError("body_too_large", { limit, told, ...(declared === undefined ? {} : { length: declared }) });
}

/**
 * The chunks of `stream`, at most `limit` bytes. Errors: `body_too_large`, before anything is read if the length is declared;
 * `incomplete_body` when the sender went away.
 * Leaves the stream open when its reader stops early: destroying it would close the socket that the error is to be sent on.
 */
export async function* receiveChunks(stream: Body, limit: number): AsyncGenerator<Buffer, void, undefined> {
  const length = stream.headers?.["content-length"];
  if (Number(length) > limit) throw bodyTooLarge(limit, Number(length));
  let size = 0;
  try {
    for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.byteLength;
      if (size > limit) throw bodyTooLarge(limit);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError("incomplete_body", { reason: reasonOf(error) }, { cause: error });
  }
}

/** The whole body, for what is small. Errors: as `receiveChunks`. */
export async function receiveBytes(stream: Body, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of receiveChunks(stream, limit)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
