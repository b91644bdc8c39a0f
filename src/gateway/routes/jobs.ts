/** Jobs: start, list, look at, cancel. */
import { z } from "zod";
import { JOB_STATUSES } from "../../../contract/job-state.ts";
import { JOB_TYPES } from "../../../contract/job-types.ts";
import { ENVIRONMENTS } from "../../../contract/publish.ts";
import { AppError } from "../../errors.ts";
import { readLogs } from "../../jobs/job-logs.ts";
import { listJobs } from "../../jobs/job-queries-store.ts";
import { jobDetail, jobView, statusView } from "../../jobs/job-view.ts";
import { cancelJob } from "../../jobs/protocol/cancel.ts";
import { requestPublish } from "../../jobs/request-publish.ts";
import { asAppError } from "../middleware/problems.ts";
import { validate } from "../middleware/validate-request.ts";
import { defineRoute, type Route } from "../route.ts";
import { MAX_INT, wholeNumber } from "../whole-number.ts";
import { jobOf, jobParams, linkBases } from "./job-lookup.ts";
import { decodeCursor, encodeCursor } from "./list-cursor.ts";
import * as schemas from "./job-schemas.ts";
import { acceptedAnswer, idempotencyOf } from "./publish.ts";

const publishPayload = z.strictObject({
  project: z.string().min(1),
  version: z.int().min(1).max(MAX_INT),
  target_environment: z.enum(ENVIRONMENTS).default("production"),
});

const listQuery = z.strictObject({
  status: z
    .string()
    .transform((text) => text.split(","))
    .pipe(z.array(z.enum(JOB_STATUSES)))
    .optional()
    .meta({ description: "One or more, separated by commas" }),
  type: z.string().optional(),
  project: z.string().optional().meta({ description: "Slug" }),
  environment: z.enum(ENVIRONMENTS).optional(),
  limit: wholeNumber(1, 200, 50),
  cursor: z.string().optional().meta({ description: "`next_cursor` of the page before" }),
});

export const jobRoutes: Route[] = [
  defineRoute({
    method: "post",
    path: "/jobs",
    summary: "Start a job",
    description:
      "`publish` takes `{project, version, target_environment}`, and is the same as the publish path of a version.",
    role: "admin",
    idempotent: true,
    body: z.strictObject({ type: z.string(), payload: z.record(z.string(), z.unknown()).default({}) }),
    responses: { 202: { description: "Queued", schema: schemas.jobAccepted } },
    async handle(request) {
      const { deps, principal, body } = request;
      if (!Object.hasOwn(JOB_TYPES, body.type)) {
        throw new AppError("job_type_unknown", { type: body.type, types: Object.keys(JOB_TYPES).join(", ") });
      }
      const [payload] = validate([{ place: "body", at: "/payload", schema: publishPayload, value: body.payload }]);
      const { project, version, target_environment } = payload as z.output<typeof publishPayload>;
      const { job, replayed } = await requestPublish(deps, {
        ...{ project, version, environment: target_environment, by: principal },
        ...idempotencyOf(request, "POST /jobs"),
      });
      return acceptedAnswer(deps, job, replayed);
    },
  }),
  defineRoute({
    method: "get",
    path: "/jobs",
    summary: "List jobs, newest first",
    role: "viewer",
    query: listQuery,
    responses: {
      200: {
        description: "A page; `next_cursor` is null on the last one",
        schema: z.object({ jobs: z.array(schemas.job), next_cursor: z.string().nullable() }),
      },
    },
    async handle({ db, deps, principal, query: { cursor, ...filter } }) {
      const before = cursor === undefined ? {} : { before: decodeCursor(cursor) };
      const wanted = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
      const found = await listJobs(db, {
        ...wanted,
        ...before,
        tenant_id: principal.tenant_id,
        limit: filter.limit + 1,
      });
      const page = found.slice(0, filter.limit);
      const last = found.length > filter.limit ? page.at(-1) : undefined;
      const bases = linkBases(deps);
      return {
        status: 200,
        body: { jobs: page.map((job) => jobView(job, bases)), next_cursor: last ? encodeCursor(last) : null },
      };
    },
  }),
  defineRoute({
    method: "get",
    path: "/jobs/:id",
    summary: "A job with all its logs",
    role: "viewer",
    params: jobParams,
    responses: { 200: { description: "The job", schema: schemas.jobDetail } },
    async handle(request) {
      const job = await jobOf(request);
      return { status: 200, body: jobDetail(job, await readLogs(request.db, job), linkBases(request.deps)) };
    },
  }),
  defineRoute({
    method: "get",
    path: "/jobs/:id/status",
    summary: "What a poller needs of a job",
    role: "viewer",
    params: jobParams,
    responses: { 200: { description: "State and progress", schema: schemas.jobStatusView } },
    async handle(request) {
      return { status: 200, body: statusView(await jobOf(request)) };
    },
  }),
  defineRoute({
    method: "post",
    path: "/jobs/:id/cancel",
    summary: "Ask a job to stop",
    description:
      "202 with the job and its receipt, `cancellation`; asked again, the same receipt. It promises nothing: a publish that switches first " +
      "ends `completed`. What has not stopped by `deadline_at` is terminated.",
    role: "operator",
    params: jobParams,
    body: z.strictObject({ reason: z.string().max(1_000).optional() }),
    responses: { 202: { description: "Cancelled, or asked to", schema: schemas.job } },
    async handle(request) {
      const { deps, principal: by, body } = request;
      const { id } = await jobOf(request);
      const deadline_seconds = deps.config.PLATEN_CANCEL_DEADLINE_SECONDS;
      const asked = { job_id: id, by, deadline_seconds, ...(body.reason ? { reason: body.reason } : {}) };
      await cancelJob(deps, asked).catch((error: unknown) => {
        // The request is written down by then: the reconciler passes it on when Temporal is back.
        if (asAppError(error, null).facts["service"] !== "Temporal") throw error;
        const message = "the cancel is noted and reaches the workflow when Temporal can be reached";
        deps.log.warn({ error, job_id: id }, message);
      });
      return { status: 202, body: jobView(await jobOf(request), linkBases(deps)) };
    },
  }),
];
