/** Releases of a project, and where they are and were live. */
import { z } from "zod";
import { ENVIRONMENTS } from "../../../contract/publish.ts";
import { AppError } from "../../errors.ts";
import { findProjectId, listLive, listReleases, listSwitches } from "../../releases/delivery-store.ts";
import { pointerUrl, releaseKey } from "../../storage/keys.ts";
import { defineRoute, type Route } from "../route.ts";
import { wholeNumber } from "../whole-number.ts";
import { linkBases } from "./job-lookup.ts";
import { projectParams } from "./projects.ts";

const time = z.iso.datetime();

const switched = z.object({
  environment: z.enum(ENVIRONMENTS),
  epoch: z.int().meta({ description: "1, 2, …: grows with every switch of the environment" }),
  release_id: z.string(),
  version: z.int(),
  job_id: z.uuid(),
  switched_at: time,
});

const answer = z.object({
  releases: z.array(
    z.object({
      release_id: z.string(),
      version: z.int(),
      digest: z.string(),
      bytes: z.int(),
      overlay_count: z.int(),
      tile_count: z.int(),
      published_at: time,
      live_in: z.array(z.enum(ENVIRONMENTS)),
      url: z.url(),
    }),
  ),
  live: z.array(switched.extend({ url: z.url() })).meta({ description: "One per environment that has ever switched" }),
  history: z.array(switched).meta({ description: "Every switch, newest first" }),
});

export const releaseRoutes: Route[] = [
  defineRoute({
    method: "get",
    path: "/projects/:slug/releases",
    summary: "List the releases of a project",
    role: "viewer",
    params: projectParams,
    query: z.strictObject({ limit: wholeNumber(1, 1_000, 200) }),
    responses: { 200: { description: "Newest first", schema: answer } },
    async handle({ db, deps, principal, params, query }) {
      const { tenant_id } = principal;
      const project_id = await findProjectId(db, { tenant_id, project: params.slug });
      if (!project_id) throw new AppError("project_not_found", { project: params.slug });
      const key = { tenant_id, project_id, limit: query.limit };
      const { gateway } = linkBases(deps);
      const live = await listLive(db, key);
      const releases = await listReleases(db, key);
      const body = {
        releases: releases.map((release) => ({
          ...release,
          live_in: live.filter((each) => each.release_id === release.release_id).map((each) => each.environment),
          url: `${gateway}/${releaseKey(params.slug, release.release_id)}`,
        })),
        live: live.map((each) => ({ ...each, url: `${gateway}${pointerUrl(each.environment, params.slug)}` })),
        history: await listSwitches(db, key),
      };
      return { status: 200, body };
    },
  }),
];
