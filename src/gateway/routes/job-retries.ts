/** Trying a failed or cancelled job again, and telling before what that would do. */
import { z } from "zod";
import { previewRetry } from "../../jobs/retry-preview.ts";
import { requestRetry } from "../../jobs/request-retry.ts";
import { defineRoute, type Route, type RouteAnswer, type RouteRequest } from "../route.ts";
import { jobOf, jobParams } from "./job-lookup.ts";
import { acceptedAnswer, idempotencyOf } from "./publish.ts";
import { retryTerms, retryTermsOf } from "./retry-terms.ts";
import { jobRetried, retryPreview } from "./retry-schemas.ts";

const from = z.string().min(1).max(100).optional().meta({ description: "Name of the step to begin at" });

export const retryBody = z.strictObject({
  from,
  generation: z.int().min(1).optional().meta({ description: "Of the job, as you saw it" }),
  ...retryTerms,
});

/** `route`: that an `Idempotency-Key` is bound to. */
export async function retried(
  request: RouteRequest<z.output<typeof jobParams>, unknown, z.output<typeof retryBody>>,
  route: string,
): Promise<RouteAnswer> {
  const { deps, principal: by, body } = request;
  const { id } = await jobOf(request);
  const accepted = await requestRetry(deps, {
    ...{ job_id: id, by },
    ...(body.from === undefined ? {} : { from: body.from }),
    ...(body.generation === undefined ? {} : { generation: body.generation }),
    ...retryTermsOf(body),
    ...idempotencyOf(request, route),
  });
  const answer = acceptedAnswer(deps, accepted.job, accepted.replayed);
  const { generation, from, message } = accepted;
  return { ...answer, body: { ...(answer.body as object), generation, from, message } };
}

export const jobRetryRoutes: Route[] = [
  defineRoute({
    method: "post",
    path: "/jobs/:id/retry",
    summary: "Start a failed or cancelled job again",
    description:
      "The same job in its next generation, as a fresh run. It goes on behind the steps that have finished, while the draft is the one " +
      "that was validated, else from the first. `from` begins earlier. With `generation`, the one that you saw, a job that is beyond it is " +
      "left alone. `force` passes by `max_retries`; `deadline` is a new one. With an `Idempotency-Key` a repeat within 24 hours opens nothing more.",
    role: "admin",
    idempotent: true,
    params: jobParams,
    body: retryBody,
    responses: { 202: { description: "Queued", schema: jobRetried } },
    handle: (request) => retried(request, "POST /jobs/:id/retry"),
  }),
  defineRoute({
    method: "get",
    path: "/jobs/:id/retry-preview",
    summary: "Tell what a retry would do",
    description:
      "What runs again and why, what is reused, what it touches, or why it would be refused. Changes nothing.",
    role: "viewer",
    params: jobParams,
    query: z.strictObject({ from }),
    responses: { 200: { description: "The retry, as it would be now", schema: retryPreview } },
    async handle(request) {
      const { deps, principal, query } = request;
      const { id } = await jobOf(request);
      const wish = query.from === undefined ? {} : { from: query.from };
      return { status: 200, body: await previewRetry(deps, { job_id: id, tenant_id: principal.tenant_id, ...wish }) };
    },
  }),
];
