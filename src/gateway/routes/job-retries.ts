/** Trying a failed or cancelled job again, and telling before what that would do. */
import { z } from "zod";
import { previewRetry } from "../../jobs/retry-preview.ts";
import { requestRetry } from "../../jobs/request-retry.ts";
import { defineRoute, type Route } from "../route.ts";
import { jobOf, jobParams } from "./job-lookup.ts";
import { acceptedAnswer, idempotencyOf } from "./publish.ts";
import { jobRetried, retryPreview } from "./retry-schemas.ts";

const from = z.string().min(1).max(100).optional().meta({ description: "Name of the step to begin at" });

export const jobRetryRoutes: Route[] = [
  defineRoute({
    method: "post",
    path: "/jobs/:id/retry",
    summary: "Start a failed or cancelled job again",
    description:
      "The same job in its next generation, as a fresh run. It goes on behind the steps that have finished, while the draft is the one " +
      "that was validated, else from the first. `from` begins earlier. With `generation`, the one that you saw, a job that is beyond it is " +
      "left alone. With an `Idempotency-Key` a repeat within 24 hours opens nothing more.",
    role: "admin",
    idempotent: true,
    params: jobParams,
    body: z.strictObject({
      from,
      generation: z.int().min(1).optional().meta({ description: "Of the job, as you saw it" }),
    }),
    responses: { 202: { description: "Queued", schema: jobRetried } },
    async handle(request) {
      const { deps, principal: by, body } = request;
      const { id } = await jobOf(request);
      const retried = await requestRetry(deps, {
        ...{ job_id: id, by },
        ...(body.from === undefined ? {} : { from: body.from }),
        ...(body.generation === undefined ? {} : { generation: body.generation }),
        ...idempotencyOf(request, "POST /jobs/:id/retry"),
      });
      const answer = acceptedAnswer(deps, retried.job, retried.replayed);
      const { generation, from, message } = retried;
      return { ...answer, body: { ...(answer.body as object), generation, from, message } };
    },
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
