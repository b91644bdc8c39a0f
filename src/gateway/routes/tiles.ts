/** The tile set of a draft: descriptor, tiles, and what is still missing. */
import { Readable } from "node:stream";
import { z } from "zod";
import type { Db } from "../../db.ts";
import { AppError } from "../../errors.ts";
import { importDescriptor, importTile } from "../../projects/import-tiles.ts";
import { receiveBytes } from "../../projects/receive-body.ts";
import { countTiles, findTileSet, missingTiles, tilePage } from "../../projects/tile-store.ts";
import { MAX_DESCRIPTOR_BYTES, parseDescriptor, printDescriptor } from "../../tiles/descriptor.ts";
import { tileCount } from "../../tiles/dzi.ts";
import { draftToEdit, editedAnswer, readVersion, tagged } from "../draft-etag.ts";
import { defineRoute, type Route } from "../route.ts";
import { versionParams } from "./versions.ts";

const MANIFEST_PAGE = 5_000;
/** Missing tiles named in one answer. */
const MISSING_NAMED = 100;

const tileSetAnswer = z.object({
  expected: z.number().int(),
  present: z.number().int(),
  complete: z.boolean(),
  missing: z.array(z.string()).meta({ description: `The first ${MISSING_NAMED} keys that are missing` }),
  revision: z.number().int(),
});

/** NDJSON, in pages, so that a manifest of any length needs no memory. */
async function* manifestLines(db: Db, version_id: string): AsyncGenerator<string, void, undefined> {
  for (let last = ""; ;) {
    const page = await tilePage(db, version_id, last, MANIFEST_PAGE);
    const end = page.at(-1);
    if (!end) return;
    yield page.map(({ key, size, sha256 }) => `${JSON.stringify({ key, size, sha256 })}\n`).join("");
    last = end.key;
  }
}

export const tileRoutes: Route[] = [
  defineRoute({
    method: "get",
    path: "/projects/:slug/versions/:version/tiles.dzi",
    summary: "Read a version's tile descriptor",
    role: "viewer",
    params: versionParams,
    responses: { 200: { description: "The descriptor in canonical form", mediaType: "application/xml" } },
    async handle(request) {
      const { version, known } = await readVersion(request);
      if (known) return known;
      const descriptor = await findTileSet(request.db, version.id);
      if (!descriptor) throw new AppError("not_found", { path: request.ctx.path });
      request.ctx.set(tagged(version));
      request.ctx.type = "application/xml";
      request.ctx.body = printDescriptor(descriptor);
      return undefined;
    },
  }),
  defineRoute({
    method: "put",
    path: "/projects/:slug/versions/:version/tiles.dzi",
    summary: "Replace a draft's tile descriptor",
    description:
      "The .dzi file of a Deep Zoom pyramid. Tiles that do not fit it any more are dropped. The same again changes nothing.",
    role: "admin",
    params: versionParams,
    body: { stream: ["application/xml", "text/xml", "application/octet-stream"] },
    responses: {
      200: {
        description: "Replaced",
        schema: z.object({ expected: z.number().int(), dropped: z.number().int(), revision: z.number().int() }),
      },
    },
    async handle(request) {
      const version = await draftToEdit(request);
      const bytes = await receiveBytes(request.receive(MAX_DESCRIPTOR_BYTES));
      const descriptor = parseDescriptor(bytes);
      const result = await importDescriptor(request.db, version, descriptor);
      return editedAnswer(version, { expected: tileCount(descriptor), ...result });
    },
  }),
  defineRoute({
    method: "get",
    path: "/projects/:slug/versions/:version/tiles",
    summary: "Tell which tiles are there and which are missing",
    description:
      "With `manifest=1`: an NDJSON line `{key, size, sha256}` per tile that is there, so that an importer skips it.",
    role: "viewer",
    params: versionParams,
    query: z.object({ manifest: z.enum(["0", "1"]).default("0") }),
    responses: { 200: { description: "State of the tile set", schema: tileSetAnswer } },
    async handle(request) {
      const { db } = request;
      const { version, known } = await readVersion(request);
      if (known) return known;
      if (request.query.manifest === "1") {
        request.ctx.set(tagged(version));
        request.ctx.type = "application/x-ndjson";
        request.ctx.body = Readable.from(manifestLines(db, version.id));
        return undefined;
      }
      const descriptor = await findTileSet(db, version.id);
      const expected = descriptor ? tileCount(descriptor) : 0;
      const present = await countTiles(db, version.id);
      const complete = descriptor !== null && present === expected;
      const missing =
        descriptor && !complete ? await missingTiles(db, version.id, descriptor, { limit: MISSING_NAMED }) : [];
      const answer = { expected, present, complete, missing, revision: version.revision };
      return { status: 200, headers: tagged(version), body: answer };
    },
  }),
  defineRoute({
    method: "put",
    path: "/projects/:slug/versions/:version/tiles/:level/:name",
    summary: "Put a tile into a draft",
    description: "`name` is `{column}_{row}.{format}`. The tile is checked by its bytes. Sending it again is harmless.",
    role: "admin",
    params: versionParams.extend({ level: z.string(), name: z.string() }),
    body: { stream: ["image/jpeg", "image/png", "image/webp", "application/octet-stream"] },
    responses: {
      200: {
        description: "The tile is there; `changed` is false if it was already",
        schema: z.object({
          key: z.string(),
          size: z.number().int(),
          sha256: z.string(),
          changed: z.boolean(),
          revision: z.number().int(),
        }),
      },
    },
    async handle(request) {
      const { db, deps, params } = request;
      const version = await draftToEdit(request);
      const bytes = await receiveBytes(request.receive(deps.config.PLATEN_MAX_TILE_BYTES));
      const key = `${params.level}/${params.name}`;
      const { tile, changed, revision } = await importTile({ db, store: deps.stores.private, version, key, bytes });
      return editedAnswer(version, { key, size: tile.size, sha256: tile.sha256, changed, revision });
    },
  }),
];
