/** Publishing a version, and asking whether it could be. */
import { z } from "zod";
import { ENVIRONMENTS } from "../../../contract/publish.ts";
import { readableJobId } from "../../../contract/workflow-id.ts";
import { iso } from "../../db.ts";
import { AppError } from "../../errors.ts";
import type { JobRecord } from "../../jobs/job-queries-store.ts";
import { jobLinks } from "../../jobs/job-view.ts";
import { requestPublish } from "../../jobs/request-publish.ts";
import { findVersion } from "../../projects/version-store.ts";
import { validateVersion } from "../../releases/validate-version.ts";
import { defineRoute, type GatewayDeps, type Route, type RouteAnswer, type RouteRequest } from "../route.ts";
import { linkBases } from "./job-lookup.ts";
import { jobAccepted, problem } from "./job-schemas.ts";
import { refOf, versionParams } from "./versions.ts";

const environment = z.enum(ENVIRONMENTS).default("production");

/** Visible ASCII, as the header's draft asks for. */
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

/** `Idempotency-Key` of the request, bound to the route. Error: invalid_request. */
export function idempotencyOf(
  { ctx }: Pick<RouteRequest, "ctx">,
  route: string,
): { idempotency?: { key: string; route: string } } {
  const key = ctx.get("Idempotency-Key");
  if (key === "") return {};
  if (IDEMPOTENCY_KEY.test(key)) return { idempotency: { key, route } };
  const message = "Idempotency-Key must be 1 to 255 visible ASCII characters";
  throw new AppError(
    "invalid_request",
    { count: 1, first: message },
    { problems: [{ code: "invalid_header", path: "", message }] },
  );
}

/** 202: what was accepted, and where to follow it. */
export function acceptedAnswer(deps: Pick<GatewayDeps, "config">, job: JobRecord, replayed = false): RouteAnswer {
  const links = jobLinks(job, linkBases(deps));
  return {
    status: 202,
    headers: { Location: links.self, ...(replayed ? { "Idempotent-Replayed": "true" } : {}) },
    body: {
      id: job.id,
      job_id: readableJobId(job.id),
      jobId: readableJobId(job.id),
      type: job.job_type,
      status: job.status,
      message: job.message,
      generation: job.generation,
      created_at: iso(job.created_at),
      links,
    },
  };
}

export const publishRoutes: Route[] = [
  defineRoute({
    method: "post",
    path: "/projects/:slug/versions/:version/publish",
    summary: "Publish a version",
    description:
      "Accepted at once, also while Temporal is down. One publish at a time per project and environment. With an " +
      "`Idempotency-Key` a repeat within 24 hours answers the same job.",
    role: "admin",
    idempotent: true,
    params: versionParams,
    body: z.strictObject({ target_environment: environment }),
    responses: { 202: { description: "Queued", schema: jobAccepted } },
    async handle(request) {
      const { deps, principal, params, body } = request;
      const { job, replayed } = await requestPublish(deps, {
        project: params.slug,
        version: params.version,
        environment: body.target_environment,
        by: principal,
        ...idempotencyOf(request, "POST /projects/:slug/versions/:version/publish"),
      });
      return acceptedAnswer(deps, job, replayed);
    },
  }),
  defineRoute({
    method: "get",
    path: "/projects/:slug/versions/:version/publish/validate",
    summary: "Tell whether a version can be published",
    description: "The publish's own checks, all problems at once. Starts no job and changes nothing.",
    role: "viewer",
    params: versionParams,
    responses: {
      200: { description: "The verdict", schema: z.object({ valid: z.boolean(), errors: z.array(problem) }) },
    },
    async handle(request) {
      const { db, deps, ctx } = request;
      const version = await findVersion(db, refOf(request));
      const gone = new AbortController();
      ctx.res.once("close", () => gone.abort());
      const { problems } = await validateVersion(db, deps.stores, version, { signal: gone.signal, tilesMayCome: true });
      return { status: 200, body: { valid: problems.length === 0, errors: problems } };
    },
  }),
];
