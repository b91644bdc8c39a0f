/** Versions of a project: list, create, look at. */
import { z } from "zod";
import type { Db } from "../../db.ts";
import { findConfig, listLayers } from "../../projects/content-store.ts";
import { createVersion } from "../../projects/create-version.ts";
import { countOverlays } from "../../projects/overlay-store.ts";
import { countTiles, findTileSet } from "../../projects/tile-store.ts";
import { listVersions, type Version } from "../../projects/version-store.ts";
import { tileCount } from "../../tiles/dzi.ts";
import { readVersion, tagged } from "../draft-etag.ts";
import { defineRoute, type Principal, type Route } from "../route.ts";
import { MAX_INT, wholeNumber } from "../whole-number.ts";
import { projectParams } from "./projects.ts";

/** Path parameters of every route under a version. */
export const versionParams = projectParams.extend({ version: wholeNumber(1, MAX_INT) });

/** What the store functions want, from what the path and the key say. */
export function refOf(request: { principal: Principal; params: z.infer<typeof versionParams> }): {
  tenant_id: string;
  project: string;
  version: number;
} {
  const { principal, params } = request;
  return { tenant_id: principal.tenant_id, project: params.slug, version: params.version };
}

const versionAnswer = z.object({
  project: z.string(),
  version: z.number().int(),
  status: z.enum(["draft", "published"]),
  revision: z.number().int().meta({ description: "Grows with every edit and every tile" }),
  published_at: z.iso.datetime().nullable(),
  links: z.object({ self: z.string(), publish: z.string(), validate: z.string() }),
});

const versionDetail = versionAnswer.extend({
  has_config: z.boolean(),
  layers: z.number().int(),
  overlays: z.object({ total: z.number().int(), visible: z.number().int() }),
  tiles: z
    .object({ expected: z.number().int(), present: z.number().int() })
    .nullable()
    .meta({ description: "Null without a tiles.dzi" }),
});

function answerOf(version: Version): z.infer<typeof versionAnswer> {
  const { project, number: version_number, status, revision, published_at } = version;
  const self = `/projects/${project}/versions/${version_number}`;
  return {
    project,
    version: version_number,
    status,
    revision,
    published_at,
    links: { self, publish: `${self}/publish`, validate: `${self}/publish/validate` },
  };
}

async function detailOf(db: Db, version: Version): Promise<z.infer<typeof versionDetail>> {
  const descriptor = await findTileSet(db, version.id);
  const { overlays, visible } = await countOverlays(db, version.id);
  return {
    ...answerOf(version),
    has_config: (await findConfig(db, version.id)) !== null,
    layers: (await listLayers(db, version.id)).length,
    overlays: { total: overlays, visible },
    tiles: descriptor && { expected: tileCount(descriptor), present: await countTiles(db, version.id) },
  };
}

export const versionRoutes: Route[] = [
  defineRoute({
    method: "get",
    path: "/projects/:slug/versions",
    summary: "List the versions of a project",
    role: "viewer",
    params: projectParams,
    responses: { 200: { description: "Newest first", schema: z.object({ versions: z.array(versionAnswer) }) } },
    async handle({ db, principal, params }) {
      const versions = await listVersions(db, { tenant_id: principal.tenant_id, project: params.slug });
      return { status: 200, body: { versions: versions.map(answerOf) } };
    },
  }),
  defineRoute({
    method: "post",
    path: "/projects/:slug/versions",
    summary: "Create a draft version",
    description: "Empty, or with `copy_from` a copy of another version of the project, tiles included.",
    role: "admin",
    params: projectParams,
    body: z.strictObject({ copy_from: z.int().min(1).max(MAX_INT).optional() }),
    responses: { 201: { description: "Created", schema: versionDetail } },
    async handle({ db, deps, principal, params, body }) {
      const version = await createVersion({
        db,
        store: deps.stores.private,
        tenant_id: principal.tenant_id,
        project: params.slug,
        created_by: principal.id,
        copy_from: body.copy_from,
      });
      const answer = await detailOf(db, version);
      return { status: 201, body: answer, headers: { ...tagged(version), Location: answer.links.self } };
    },
  }),
  defineRoute({
    method: "get",
    path: "/projects/:slug/versions/:version",
    summary: "Look at a version",
    role: "viewer",
    params: versionParams,
    responses: { 200: { description: "The version and what is in it", schema: versionDetail } },
    async handle(request) {
      const { version, known } = await readVersion(request);
      return known ?? { status: 200, headers: tagged(version), body: await detailOf(request.db, version) };
    },
  }),
];
