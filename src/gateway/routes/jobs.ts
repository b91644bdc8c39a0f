/** Jobs: start, list, look at, cancel. */
import { z } from "zod";
import { JOB_STATUSES } from "../../../contract/job-state.ts";
import { ENVIRONMENTS } from "../../../contract/publish.ts";
import { parseJobId } from "../../../contract/workflow-id.ts";
import { readLogs } from "../../jobs/job-logs.ts";
import { listJobs } from "../../jobs/job-queries-store.ts";
import { jobDetail, jobView, statusView } from "../../jobs/job-view.ts";
import { demandRole, requestJob } from "../../jobs/request-job.ts";
import { entriesOf } from "../json-pieces.ts";
import { defineRoute, type Route, type RouteAnswer, type RouteRequest } from "../route.ts";
import { wholeNumber } from "../whole-number.ts";
import { cancelBody, cancelled } from "./job-cancels.ts";
import { jobOf, jobParams, linkBases } from "./job-lookup.ts";
import { jobRequestBody, readJobRequest } from "./job-requests.ts";
import { decodeCursor, encodeCursor } from "./list-cursor.ts";
import * as schemas from "./job-schemas.ts";
import { acceptedAnswer, idempotencyOf } from "./publish.ts";

const NIL = "00000000-0000-0000-0000-000000000000";

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
  parent: z.string().optional().meta({ description: "Id of a job: only those that it started" }),
  limit: wholeNumber(1, 200, 50),
  cursor: z.string().optional().meta({ description: "`next_cursor` of the page before" }),
});

async function startJobOf(
  request: RouteRequest<unknown, unknown, z.output<typeof jobRequestBody>>,
  route: string,
): Promise<RouteAnswer> {
  const { deps, principal: by, body } = request;
  const { type, payload, terms } = readJobRequest(body, (each) => demandRole(each, by));
  const asked = { ...terms, type, payload, by, at: "/payload", ...idempotencyOf(request, route) };
  const { job, replayed } = await requestJob(deps, asked);
  return acceptedAnswer(deps, job, replayed);
}

export const jobRoutes: Route[] = [
  defineRoute({
    method: "post",
    path: "/jobs",
    summary: "Start a job",
    description:
      "Accepted at once, also while Temporal is down. `GET /job-types` has the types and what their payloads hold.",
    role: "operator",
    idempotent: true,
    body: jobRequestBody,
    responses: { 202: { description: "Queued", schema: schemas.jobAccepted } },
    handle: (request) => startJobOf(request, "POST /jobs"),
  }),
  defineRoute({
    method: "post",
    path: "/jobs/enqueue",
    summary: "Start a job, other words",
    description: "The same as POST /jobs.",
    role: "operator",
    idempotent: true,
    body: jobRequestBody,
    responses: { 202: { description: "Queued", schema: schemas.jobAccepted } },
    handle: (request) => startJobOf(request, "POST /jobs"),
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
    async handle({ db, deps, principal, query: { cursor, parent, ...filter } }) {
      // What is no id of a job has started none.
      const started = parent === undefined ? {} : { parent: parseJobId(parent) ?? NIL };
      const before = cursor === undefined ? {} : { before: decodeCursor(cursor) };
      const wanted = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
      const found = await listJobs(db, {
        ...wanted,
        ...started,
        ...before,
        tenant_id: principal.tenant_id,
        limit: filter.limit + 1,
      });
      const page = found.slice(0, filter.limit);
      const last = found.length > filter.limit ? page.at(-1) : undefined;
      const bases = linkBases(deps);
      return {
        status: 200,
        body: {
          jobs: entriesOf(page, (job) => jobView(job, bases)),
          next_cursor: last ? encodeCursor(last) : null,
        },
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
      const notice = request.deps.feed.noticeOn(job);
      const logs = await readLogs(request.db, job);
      return { status: 200, body: jobDetail(job, { logs, notice }, linkBases(request.deps)) };
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
      const job = await jobOf(request);
      return { status: 200, body: statusView(job, request.deps.feed.noticeOn(job)) };
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
    body: cancelBody,
    responses: { 202: { description: "Cancelled, or asked to", schema: schemas.job } },
    handle: cancelled,
  }),
];
