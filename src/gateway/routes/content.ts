/** Config and layers of a version. */
import { z } from "zod";
import { findConfig, listLayers, replaceConfig, replaceLayers } from "../../projects/content-store.ts";
import { layerList, mapConfig } from "../../projects/project-folder.ts";
import { toLabel } from "../../projects/read-overlays.ts";
import { editDraft } from "../../projects/version-store.ts";
import { draftToEdit, editedAnswer, readVersion, tagged } from "../draft-etag.ts";
import { defineRoute, type Route } from "../route.ts";
import { versionParams } from "./versions.ts";

const revision = z.number().int();

export const contentRoutes: Route[] = [
  defineRoute({
    method: "get",
    path: "/projects/:slug/versions/:version/config",
    summary: "Read a version's config",
    role: "viewer",
    params: versionParams,
    responses: {
      200: {
        description: "The config, null if none was put",
        schema: z.object({ config: mapConfig.nullable(), revision }),
      },
    },
    async handle(request) {
      const { version, known } = await readVersion(request);
      if (known) return known;
      const config = await findConfig(request.db, version.id);
      return { status: 200, headers: tagged(version), body: { config, revision: version.revision } };
    },
  }),
  defineRoute({
    method: "put",
    path: "/projects/:slug/versions/:version/config",
    summary: "Replace a draft's config",
    description: "Any JSON object. It becomes public with the release. The same config again changes nothing.",
    role: "admin",
    params: versionParams,
    body: mapConfig,
    responses: { 200: { description: "Replaced", schema: z.object({ revision }) } },
    async handle(request) {
      const version = await draftToEdit(request);
      const edited = await editDraft(request.db, version, async (tx) => ({
        changed: await replaceConfig(tx, { version_id: version.id, tenant_id: version.tenant_id }, request.body),
      }));
      return editedAnswer(version, { revision: edited.revision });
    },
  }),
  defineRoute({
    method: "get",
    path: "/projects/:slug/versions/:version/layers",
    summary: "Read a version's layers",
    role: "viewer",
    params: versionParams,
    responses: { 200: { description: "In drawing order", schema: z.object({ layers: layerList, revision }) } },
    async handle(request) {
      const { version, known } = await readVersion(request);
      if (known) return known;
      const layers = await listLayers(request.db, version.id);
      return { status: 200, headers: tagged(version), body: { layers, revision: version.revision } };
    },
  }),
  defineRoute({
    method: "put",
    path: "/projects/:slug/versions/:version/layers",
    summary: "Replace a draft's layers",
    description: "An array in drawing order. No two layers may have the same ref.",
    role: "admin",
    params: versionParams,
    body: layerList,
    responses: { 200: { description: "Replaced", schema: z.object({ layers: z.number().int(), revision }) } },
    async handle(request) {
      const version = await draftToEdit(request);
      const layers = request.body.map((layer) => ({
        ref: layer.ref,
        label: toLabel(layer.label),
        style: layer.style ?? null,
        visible: layer.visible ?? true,
      }));
      const edited = await editDraft(request.db, version, async (tx) => {
        await replaceLayers(tx, { version_id: version.id, tenant_id: version.tenant_id }, layers);
        return { changed: true };
      });
      const answer = { layers: layers.length, revision: edited.revision };
      return editedAnswer(version, answer);
    },
  }),
];
