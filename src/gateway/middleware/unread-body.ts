/**
 * An answer that comes before the request's body has been read to its end: a connection with bytes that nobody reads is of no
 * use for another request, and closed at once it would be reset, under the very answer.
 */
import type { IncomingMessage } from "node:http";
import { finished } from "node:stream/promises";
import type { Context } from "koa";

/** A body that is on its way in full is let through, and the connection kept. */
const BRIEF_MS = 100;
/** How long a client may go on sending before it has read its answer. */
const LINGER_MS = 1_000;

/** Lets `ctx.body` (a text) out: with `Connection: close` and ahead of the end of the request's body if that is long. */
export async function answerBeforeBody(ctx: Context): Promise<void> {
  if (await drained(ctx.req, BRIEF_MS)) return;
  ctx.set("Connection", "close");
  ctx.length = Buffer.byteLength(String(ctx.body));
  ctx.respond = false;
  // The whole answer, but not yet its end, which would end the connection.
  if (ctx.method === "HEAD") ctx.res.flushHeaders();
  else ctx.res.write(String(ctx.body));
  await drained(ctx.req, LINGER_MS);
  ctx.res.end();
}

/** Throws away what still comes of the body; false when that has no end within `ms`. */
async function drained(request: IncomingMessage, ms: number): Promise<boolean> {
  if (request.complete || request.destroyed) return true;
  request.resume();
  const ended = finished(request, { writable: false, signal: AbortSignal.timeout(ms) });
  return ended.then(
    () => true,
    // Late, or the client has gone: then there is nothing to be said any more.
    () => request.complete || request.destroyed,
  );
}
