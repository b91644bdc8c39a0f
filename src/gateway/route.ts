/**
 * A route is a value: method, path, role, schemas, handler. The router and the OpenAPI document are both made from the same
 * list, so no route can be missing from the description, and no handler sees what its schemas did not accept.
 */
import type { Context } from "koa";
import type { z } from "zod";
import type { Database, Db } from "../db.ts";
import type { Config } from "../config.ts";
import type { Log } from "../log.ts";
import type { Stores } from "../storage/object-store.ts";
import type { Executions } from "../temporal.ts";
import type { Histories } from "../replay/read-history.ts";
import type { JobNotifier } from "../jobs/job-notifier.ts";
import type { JobNotifications } from "../jobs/job-notifications.ts";
import type { ProgressFeed } from "../jobs/progress-feed.ts";
import type { StatesFeed } from "../jobs/states-feed.ts";
import type { LiveStreams } from "./live-streams.ts";
import type { LedgerReader } from "./sse/ledger-reader.ts";
import type { Principal, Role } from "../tenants/principal.ts";

export type { Principal, Role } from "../tenants/principal.ts";

/** What `createApp` is given; routes reach everything through it. */
export interface GatewayDeps {
  config: Config;
  database: Database;
  stores: Stores;
  executions: Executions;
  histories: Histories;
  notifier: JobNotifier;
  notifications: JobNotifications;
  feed: ProgressFeed;
  states: StatesFeed;
  ledger: LedgerReader;
  streams: LiveStreams;
  log: Log;
}

export interface RouteRequest<Params = unknown, Query = unknown, Body = unknown> {
  params: Params;
  query: Query;
  body: Body;
  /**
   * The body of a route whose `body` is a stream, at most `bytes` of it, once, when there is room in memory for as many as are held at a
   * time, which are all by default. A client that waits for `100 Continue` is asked to send it only now. Errors: `body_too_large`,
   * `too_many_bodies`, `body_too_slow`, `incomplete_body`.
   */
  receive(bytes: number, held?: number): AsyncGenerator<Buffer, void, undefined>;
  /** Guaranteed on every route with a role; throws on the open ones. */
  principal: Principal;
  /** A forked EntityManager of this request. */
  db: Db;
  deps: GatewayDeps;
  /** Koa's context, for headers and for taking the socket over; not for the body. */
  ctx: Context;
}

export interface RouteAnswer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

interface BodyStream {
  /** Media types the route takes; the body is left to the handler, to `receive`. */
  stream: readonly string[];
}

export interface Route {
  method: "get" | "put" | "post" | "delete";
  /** Koa-router path, e.g. `/projects/:slug`. Mounted at `/` and at `/api`. */
  path: string;
  summary: string;
  description?: string;
  /** The least role, or null for open routes. */
  role: Role | null;
  /** Any web page may read the answers (CORS): for delivery only. */
  cors?: boolean;
  /** Honours the header `Idempotency-Key`. */
  idempotent?: boolean;
  params?: z.ZodType;
  query?: z.ZodType;
  body?: z.ZodType | BodyStream;
  /** Success answers for the description; problems are added by themselves. `schema` absent: no JSON body. */
  responses: Record<number, { description: string; schema?: z.ZodType; mediaType?: string }>;
  /** Undefined: the handler has taken over the response itself (streams). */
  handle(request: RouteRequest): Promise<RouteAnswer | undefined>;
}

type Out<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

/** Types a route's handler by its own schemas. */
export function defineRoute<
  Params extends z.ZodType | undefined = undefined,
  Query extends z.ZodType | undefined = undefined,
  Body extends z.ZodType | BodyStream | undefined = undefined,
>(
  route: Omit<Route, "params" | "query" | "body" | "handle"> & {
    params?: Params;
    query?: Query;
    body?: Body;
    handle(request: RouteRequest<Out<Params>, Out<Query>, Out<Body>>): Promise<RouteAnswer | undefined>;
  },
): Route {
  return route as unknown as Route;
}
