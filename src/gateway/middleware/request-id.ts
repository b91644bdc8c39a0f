/** Every request has an id: the caller's own if it is harmless, in the answer and in the log. */
import { randomUUID } from "node:crypto";
import type { Middleware } from "koa";

const HARMLESS = /^[\w.-]{1,64}$/;

/** `ctx.state.request_id`, and the header `X-Request-Id` of the answer. */
export const giveRequestId: Middleware = async (ctx, next) => {
  const given = ctx.get("X-Request-Id");
  const id = HARMLESS.test(given) ? given : randomUUID();
  ctx.state["request_id"] = id;
  ctx.set("X-Request-Id", id);
  ctx.set("X-Content-Type-Options", "nosniff");
  await next();
};
