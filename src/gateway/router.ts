/** Makes a router of the list of routes: what a handler is given has passed its schemas, its role and its tenant. */
import { Readable } from "node:stream";
import Router, { type RouterContext } from "@koa/router";
import type { Context, Middleware } from "koa";
import { z } from "zod";
import { AppError } from "../errors.ts";
import type { Principal } from "../tenants/principal.ts";
import type { Db } from "../db.ts";
import { audited } from "./audit-request.ts";
import { createBodyRoom, type BodyRoom } from "./body-room.ts";
import { jsonBody } from "./json-pieces.ts";
import { identify, permit } from "./middleware/authenticate.ts";
import { hasBody, readJsonBody } from "./middleware/json-body.ts";
import { requireMediaType } from "./middleware/media-type.ts";
import { validate } from "./middleware/validate-request.ts";
import { createReceiver, type Receiver } from "./receive.ts";
import type { GatewayDeps, Route, RouteAnswer, RouteRequest } from "./route.ts";

/** A route that says nothing of a query takes none: a field that nobody reads is a mistake. */
const NO_QUERY = z.strictObject({});

/** Every route exists at both. */
export const MOUNTS = ["", "/api"] as const;

export function createRouter(deps: GatewayDeps, routes: readonly Route[]): Middleware {
  const router = new Router({ sensitive: true });
  const cors = new Set<string>();
  const { PLATEN_MAX_HELD_BYTES: bytes, PLATEN_BODY_SECONDS: seconds } = deps.config;
  const room = createBodyRoom({ bytes, seconds });
  for (const mount of MOUNTS) {
    for (const route of routes) {
      if (route.cors) cors.add(mount + route.path);
      router[route.method](mount + route.path, (ctx) => serve(deps, room, route, ctx));
    }
  }
  const matched = router.routes() as unknown as Middleware;
  return async (ctx, next) => {
    requireHost(ctx);
    refuseUnreadablePath(ctx);
    await matched(ctx, async () => {
      refuseOrTellMethods(ctx as RouterContext, cors);
      await next();
    });
  };
}

async function serve(deps: GatewayDeps, room: BodyRoom, route: Route, ctx: RouterContext): Promise<void> {
  const receiver = createReceiver(ctx, room, deps.config.PLATEN_BODY_SECONDS);
  try {
    await answer(deps, receiver, route, ctx);
  } finally {
    receiver.release();
  }
}

async function answer(deps: GatewayDeps, receiver: Receiver, route: Route, ctx: RouterContext): Promise<void> {
  if (route.cors) allowAnyOrigin(ctx);
  ctx.state["is_stream"] = route.responses[200]?.mediaType === "text/event-stream";
  const db = deps.database.em.fork();
  const principal = await admit(deps, route, ctx, db);
  const takesStream = route.body !== undefined && "stream" in route.body;
  if (takesStream) requireMediaType(ctx, (route.body as { stream: readonly string[] }).stream);
  const bodySchema = takesStream ? undefined : (route.body as Exclude<Route["body"], { stream: readonly string[] }>);
  const { receive } = receiver;
  const body = bodySchema && (await readJsonBody(ctx, () => receive(deps.config.PLATEN_MAX_JSON_BYTES)));
  // Nobody will read it, and it may have no end.
  if (!route.body && hasBody(ctx)) ctx.set("Connection", "close");
  const [params, query, parsedBody] = validate([
    { place: "path", schema: route.params, value: { ...ctx["params"] } },
    { place: "query", schema: route.query ?? NO_QUERY, value: { ...ctx.query } },
    { place: "body", schema: bodySchema, value: body },
  ]);
  const request: RouteRequest = {
    // Routes without a schema of their path read it themselves, and answer 404 where a schema would say 400.
    ...{ params: params ?? { ...ctx["params"] }, query, body: parsedBody, receive, db, deps, ctx },
    get principal() {
      if (!principal) throw new Error(`${route.path} is open: it has no principal`);
      return principal;
    },
  };
  const given = await audited(deps, route, request, () => route.handle(request));
  if (given) send(ctx, given);
}

/** Who asks; null where nobody needs to say so. What is refused for a role is in the trail too, before a byte of its body is read. */
async function admit(deps: GatewayDeps, route: Route, ctx: RouterContext, db: Db): Promise<Principal | null> {
  const { role } = route;
  if (role === null) return null;
  const principal = await identify(ctx.get("Authorization"), db);
  try {
    permit(principal, role);
    return principal;
  } catch (error) {
    const refused = { ctx, params: { ...ctx["params"] }, body: undefined, principal };
    await audited(deps, route, refused, () => Promise.reject(error));
    throw error;
  }
}

function send(ctx: Context, { status, body, headers = {} }: RouteAnswer): void {
  ctx.status = status;
  if (body === undefined) {
    // Koa takes 204 and no Content-* for granted then: a HEAD has both.
    ctx.body = null;
    ctx.status = status;
    ctx.set(headers);
    return;
  }
  ctx.set(headers);
  ctx.body = body instanceof Readable ? body : jsonBody(body);
  if (!(body instanceof Readable) && !headers["Content-Type"]) ctx.type = "application/json";
}

/** RFC 9112 demands it of HTTP/1.1; Node's own refusal would be bare. */
function requireHost({ req }: Context): void {
  if (req.headers.host !== undefined || req.httpVersion !== "1.1") return;
  throw new AppError("malformed_request", { reason: "it has no Host header" });
}

/** A path that is not percent-encoded UTF-8, or holds a NUL, names nothing. */
function refuseUnreadablePath(ctx: Context): void {
  try {
    if (!decodeURIComponent(ctx.path).includes("\0")) return;
  } catch {
    // Falls through: both are told in the same way.
  }
  throw new AppError("not_found", { path: ctx.path });
}

/** No route took the request: by its path, or by its method only. */
function refuseOrTellMethods(ctx: RouterContext, cors: ReadonlySet<string>): void {
  const layers = (ctx.matched ?? []).filter((layer) => layer.methods.length > 0);
  if (layers.length === 0) throw new AppError("not_found", { path: ctx.path });
  ctx.set("Allow", [...new Set([...layers.flatMap((layer) => layer.methods), "OPTIONS"])].join(", "));
  if (ctx.method !== "OPTIONS") throw new AppError("method_not_allowed", { method: ctx.method, path: ctx.path });
  if (layers.some((layer) => cors.has(String(layer.path)))) {
    allowAnyOrigin(ctx);
    ctx.set({
      "Access-Control-Allow-Methods": "GET, HEAD",
      "Access-Control-Allow-Headers": "Range, If-Range, If-None-Match",
    });
  }
  ctx.status = 204;
}

function allowAnyOrigin(ctx: Context): void {
  ctx.set({
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Content-Length, Content-Range, Accept-Ranges",
  });
}
