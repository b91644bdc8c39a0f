/** What viewers load, open to all: pointers, releases and tiles. Nothing that is not released can be reached here. */
import { z } from "zod";
import { ENVIRONMENTS } from "../../../contract/publish.ts";
import type { Database } from "../../db.ts";
import { AppError } from "../../errors.ts";
import { isReleased, isReleasedTileSet } from "../../releases/delivery-store.ts";
import { publicDescriptorKey, publicTileKey, releaseKey } from "../../storage/keys.ts";
import { has, objectAnswer } from "../object-answer.ts";
import { defineRoute, type Route, type RouteAnswer, type RouteRequest } from "../route.ts";

const IMMUTABLE = "public, max-age=31536000, immutable";

const MEDIA_TYPES: Record<string, string> = {
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  png: "image/png",
  webp: "image/webp",
};

/** A segment of a key: nothing that could leave its folder, hide a file or hold another segment. */
const segment = z.string().regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}$/);
const digest = z.string().regex(/^[0-9a-f]{64}$/);
const level = z.string().regex(/^\d{1,2}$/);
const tile = z.string().regex(/^\d{1,9}_\d{1,9}\.(jpg|jpeg|png|webp)$/);

/** Facts that never change again, remembered per database: a release stays released. Bounded; the oldest goes first. */
const known = new WeakMap<Database, Set<string>>();
const MAX_KNOWN = 10_000;

async function once(database: Database, fact: string, ask: () => Promise<boolean>): Promise<boolean> {
  const facts = known.get(database) ?? new Set<string>();
  known.set(database, facts);
  if (facts.has(fact)) return true;
  if (!(await ask())) return false;
  const oldest = facts.size >= MAX_KNOWN ? facts.values().next().value : undefined;
  if (oldest !== undefined) facts.delete(oldest);
  facts.add(fact);
  return true;
}

const missing = ({ ctx }: Pick<RouteRequest, "ctx">): AppError => new AppError("release_not_found", { path: ctx.path });

/** What is no key is nothing that is released: 404, not 400. */
function keyOf<Schema extends z.ZodType>(request: RouteRequest, schema: Schema): z.output<Schema> {
  const parsed = schema.safeParse(request.params);
  if (!parsed.success) throw missing(request);
  return parsed.data;
}

/** An object that never changes, if `released` says so. Its key names its content, so the key is its tag. */
const immutable = (request: RouteRequest, key: string, mediaType: string): Promise<RouteAnswer> =>
  objectAnswer(request, {
    ...{ store: request.deps.stores.public, key, etag: `"${key}"`, mediaType },
    headers: { "Cache-Control": IMMUTABLE },
    missing: () => missing(request),
  });

async function tileOf(
  request: RouteRequest,
  project: string,
  set: string,
  key: string,
  mediaType: string,
): Promise<RouteAnswer> {
  const { database } = request.deps;
  const released = await once(database, `tiles ${project} ${set}`, () =>
    isReleasedTileSet(request.db, { project, digest: set }),
  );
  if (!released) throw missing(request);
  return immutable(request, key, mediaType);
}

const document = { description: "The release document", mediaType: "application/json" };
const part = { description: "The part that `Range` asks for" };
/** Any query: viewers add fields of their own so that a cache does not answer. */
const open = { method: "get", role: null, cors: true, query: z.looseObject({}) } as const;

export const deliveryRoutes: Route[] = [
  defineRoute({
    ...open,
    path: "/:environment/:project/release.json",
    summary: "The release that is live in an environment",
    responses: { 200: document, 304: { description: "Still the same" } },
    async handle(request) {
      const { environment, project } = keyOf(
        request,
        z.object({ environment: z.enum(ENVIRONMENTS), project: segment }),
      );
      const found = await request.deps.stores.public.getPointer(environment, project);
      if (!found) throw missing(request);
      const { epoch, nonce } = found.state;
      const headers = { "Cache-Control": "no-cache", ETag: `"${epoch}-${nonce}"` };
      const unchanged = has(request, headers.ETag);
      if (unchanged || request.ctx.method === "HEAD") found.body.destroy();
      const sized = { ...headers, "Content-Type": "application/json", "Content-Length": String(found.info.size) };
      if (unchanged) return { status: 304, headers };
      return { status: 200, headers: sized, ...(request.ctx.method === "HEAD" ? {} : { body: found.body }) };
    },
  }),
  defineRoute({
    ...open,
    path: "/:project/releases/:release/release.json",
    summary: "A release, whether live or not",
    responses: { 200: document, 206: part, 304: { description: "It never changes" } },
    async handle(request) {
      const { project, release } = keyOf(request, z.object({ project: segment, release: segment }));
      const { database } = request.deps;
      const released = await once(database, `release ${project} ${release}`, () =>
        isReleased(request.db, { project, release_id: release }),
      );
      if (!released) throw missing(request);
      return immutable(request, releaseKey(project, release), "application/json");
    },
  }),
  defineRoute({
    ...open,
    path: "/:project/tiles/:digest/tiles.dzi",
    summary: "The descriptor of a released pyramid",
    responses: {
      200: { description: "DZI", mediaType: "application/xml" },
      206: part,
      304: { description: "It never changes" },
    },
    async handle(request) {
      const { project, digest: set } = keyOf(request, z.object({ project: segment, digest }));
      return tileOf(request, project, set, publicDescriptorKey(project, set), "application/xml");
    },
  }),
  defineRoute({
    ...open,
    path: "/:project/tiles/:digest/tiles_files/:level/:tile",
    summary: "A tile of a released pyramid",
    responses: {
      200: { description: "The image", mediaType: "image/*" },
      206: part,
      304: { description: "It never changes" },
    },
    async handle(request) {
      const key = keyOf(request, z.object({ project: segment, digest, level, tile }));
      const mediaType = MEDIA_TYPES[key.tile.split(".").at(-1)!]!;
      return tileOf(
        request,
        key.project,
        key.digest,
        publicTileKey(key.project, key.digest, `${key.level}/${key.tile}`),
        mediaType,
      );
    },
  }),
];
