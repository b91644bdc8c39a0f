/** Request bodies as they come in: bounded in bytes and in time, and told apart from bodies that broke off. */
import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import { AppError, reasonOf } from "../errors.ts";

/** A request's body, whose headers may tell its length before it has come. */
export type Body = Readable & { headers?: IncomingHttpHeaders };

export interface BodyLimits {
  bytes: number;
  /** The longest pause; and what the whole body may take besides a second for each `SLOWEST_BYTES`. */
  seconds: number;
  /** Called when the body is wanted: its announced length is not too much. */
  begin?: () => void;
}

/** Bytes a second: less than any line has, and enough to end a body that comes byte by byte. */
const SLOWEST_BYTES = 1_024;

/** `declared`: bytes, by the Content-Length; undefined where the body just goes on. */
export function bodyTooLarge(limit: number, declared?: number): AppError {
  const told = declared === undefined ? "reading stopped there" : `its Content-Length is ${declared}`;
  return new AppError("body_too_large", { limit, told, ...(declared === undefined ? {} : { length: declared }) });
}

/**
 * The chunks of `stream`. Errors: `body_too_large`, before anything is read if the length is declared; `body_too_slow`;
 * `incomplete_body` when the sender went away.
 * Leaves the stream open when its reader stops early: destroying it would close the socket that the error is to be sent on.
 */
export async function* receiveChunks(stream: Body, limits: BodyLimits): AsyncGenerator<Buffer, void, undefined> {
  const length = stream.headers?.["content-length"];
  if (Number(length) > limits.bytes) throw bodyTooLarge(limits.bytes, Number(length));
  limits.begin?.();
  const chunks = stream.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
  const patience = createPatience(limits.seconds);
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await patience.wait(chunks.next(), size);
      if (done) return;
      size += value.byteLength;
      if (size > limits.bytes) throw bodyTooLarge(limits.bytes);
      yield value;
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError("incomplete_body", { reason: reasonOf(error) }, { cause: error });
  } finally {
    // Not awaited: after a pause that was too long it waits for the chunk that did not come.
    void chunks.return?.().catch(() => undefined);
  }
}

/** The whole body, for what is small. Errors: as `receiveChunks`. */
export async function receiveBytes(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const received: Buffer[] = [];
  for await (const chunk of chunks) received.push(chunk);
  return Buffer.concat(received);
}

/** Counts only the time that is spent on waiting for the sender, not what its reader takes between two chunks. */
function createPatience(seconds: number): { wait<T>(next: Promise<T>, received: number): Promise<T> } {
  let waited = 0;
  return {
    async wait(next, received) {
      const begun = performance.now();
      const left = Math.min(seconds * 1_000, (seconds + received / SLOWEST_BYTES) * 1_000 - waited);
      const late = Promise.withResolvers<never>();
      const refuse = () => late.reject(new AppError("body_too_slow", { received, seconds }));
      // What has come while this process was busy itself is taken first.
      const timer = setTimeout(() => setImmediate(refuse), left);
      // It may still fail when nobody waits for it any more.
      next.catch(() => undefined);
      try {
        return await Promise.race([next, late.promise]);
      } finally {
        clearTimeout(timer);
        waited += performance.now() - begun;
      }
    },
  };
}
