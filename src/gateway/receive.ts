/** The body of one request: asked for when it is wanted, once there is room for it. */
import type { Context } from "koa";
import { receiveChunks } from "../projects/receive-body.ts";
import type { BodyRoom } from "./body-room.ts";
import type { RouteRequest } from "./route.ts";

export interface Receiver {
  receive: RouteRequest["receive"];
  /** Gives the room back: when nothing of the body is held any more. */
  release(): void;
}

/** `seconds`: as in `BodyLimits`. */
export function createReceiver(ctx: Context, room: BodyRoom, seconds: number): Receiver {
  let release: () => void = () => undefined;
  return {
    async *receive(bytes, held = bytes) {
      const length = ctx.get("Content-Length");
      const announced = length === "" ? bytes : Number(length);
      // What is too large is refused at once.
      if (announced <= bytes) release = await room.take(Math.min(announced, held), goneSignal(ctx));
      yield* receiveChunks(ctx.req, { bytes, seconds, begin: () => askForBody(ctx) });
    },
    release: () => release(),
  };
}

/** Aborts when the client has gone. */
function goneSignal(ctx: Context): AbortSignal {
  const gone = new AbortController();
  ctx.res.once("close", () => gone.abort());
  return gone.signal;
}

/** A client that expects `100 Continue` has not sent its body yet: what was refused until now has cost it nothing. */
function askForBody(ctx: Context): void {
  if (ctx.get("Expect") !== "") ctx.res.writeContinue();
}
