/** Overlays of a version, as GeoJSON. */
import { z } from "zod";
import type { Db } from "../../db.ts";
import { importOverlays } from "../../projects/import-overlays.ts";
import { nextPosition, overlayPage, type StoredOverlay } from "../../projects/overlay-store.ts";
import { overlayFeature } from "../../projects/project-folder.ts";
import { readOverlays } from "../../projects/read-overlays.ts";
import { draftToEdit, editedAnswer, readVersion, tagged } from "../draft-etag.ts";
import { defineRoute, type Route } from "../route.ts";
import { MAX_INT, wholeNumber } from "../whole-number.ts";
import { versionParams } from "./versions.ts";

const COLLECTION_TYPES = ["application/geo+json", "application/json"];
const SEQUENCE_TYPES = ["application/x-ndjson", "application/geo+json-seq"];

/** Of an upload of any length: about a batch of it. */
const HELD_BYTES = 4_000_000;

/** Of a page's overlays: one can have 16 MB. */
const PAGE_BYTES = 4_000_000;

/** The page behind `after`; `next`: where the one after it begins, or null. */
async function pageBehind(
  db: Db,
  version_id: string,
  { after, limit }: { after: number; limit: number },
): Promise<{ page: StoredOverlay[]; next: number | null }> {
  const page = await overlayPage(db, version_id, { after, rows: limit, bytes: PAGE_BYTES });
  const last = page.at(-1);
  const position = await nextPosition(db, version_id, last?.sort_order ?? after + limit);
  if (last) return { page, next: position === null ? null : last.sort_order };
  if (position === null) return { page, next: null };
  return pageBehind(db, version_id, { after: position - 1, limit });
}

/** As it would be put. What the version knows of it wins over a property of the same name. */
function featureOf({ ref, type, layer, label, style, visible, geometry, properties }: StoredOverlay) {
  return {
    type: "Feature" as const,
    geometry,
    properties: { ...properties, ref, type, label, layer, style, visible },
  };
}

export const overlayRoutes: Route[] = [
  defineRoute({
    method: "get",
    path: "/projects/:slug/versions/:version/overlays",
    summary: "Read a version's overlays",
    description: "Pages end early where overlays are large: go on with `next` until it is null.",
    role: "viewer",
    params: versionParams,
    query: z.object({
      after: wholeNumber(0, MAX_INT, 0).meta({ description: "`next` of the page before" }),
      limit: wholeNumber(1, 1_000, 100),
    }),
    responses: {
      200: {
        description: "A page as a FeatureCollection, in order; `next` is null on the last page",
        mediaType: "application/geo+json",
        schema: z.object({
          type: z.literal("FeatureCollection"),
          features: z.array(overlayFeature),
          next: z.number().int().nullable(),
        }),
      },
    },
    async handle(request) {
      const { version, known } = await readVersion(request);
      if (known) return known;
      const { page, next } = await pageBehind(request.db, version.id, request.query);
      return {
        status: 200,
        headers: { "Content-Type": "application/geo+json", ...tagged(version) },
        body: { type: "FeatureCollection", features: page.map(featureOf), next },
      };
    },
  }),
  defineRoute({
    method: "put",
    path: "/projects/:slug/versions/:version/overlays",
    summary: "Replace a draft's overlays",
    description:
      "Streamed: one GeoJSON FeatureCollection, or one Feature per line. All overlays are replaced at once; when anything " +
      "is wrong with the upload, or it breaks off, nothing changes.",
    role: "admin",
    params: versionParams,
    body: { stream: [...COLLECTION_TYPES, ...SEQUENCE_TYPES] },
    responses: {
      200: {
        description: "Replaced",
        schema: z.object({ overlays: z.number().int(), revision: z.number().int() }),
      },
    },
    async handle(request) {
      const version = await draftToEdit(request);
      const form = request.ctx.is(SEQUENCE_TYPES) ? "sequence" : "collection";
      const chunks = request.receive(request.deps.config.PLATEN_MAX_OVERLAYS_BYTES, HELD_BYTES);
      return editedAnswer(version, await importOverlays(request.db, version, readOverlays(chunks, form)));
    },
  }),
];
