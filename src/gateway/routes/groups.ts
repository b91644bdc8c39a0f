/** Groups: jobs that belong together. What holds for every job holds for a group, at /jobs/{id} as well. */
import { z } from "zod";
import { GROUP } from "../../../contract/group.ts";
import { JOB_STATUSES } from "../../../contract/job-state.ts";
import { ENVIRONMENTS } from "../../../contract/publish.ts";
import { AppError } from "../../errors.ts";
import type { JobRecord } from "../../jobs/job-queries-store.ts";
import { importAndPublish, type ImportAndPublish } from "../../jobs/groups/import-and-publish.ts";
import { groupView } from "../../jobs/groups/group-view.ts";
import { requestJob } from "../../jobs/request-job.ts";
import { defineRoute, type Route, type RouteRequest } from "../route.ts";
import { wholeNumber } from "../whole-number.ts";
import { cancelled, cancelBody } from "./job-cancels.ts";
import { jobOf, jobParams, linkBases } from "./job-lookup.ts";
import { splitTerms, terms } from "./job-requests.ts";
import { retried, retryBody } from "./job-retries.ts";
import * as schemas from "./job-schemas.ts";
import { acceptedAnswer, idempotencyOf } from "./publish.ts";
import { jobRetried } from "./retry-schemas.ts";

const member = z.object({
  position: z.int(),
  key: z.string(),
  type: schemas.jobType,
  title: z.string().nullable(),
  status: schemas.jobStatus,
  state: z
    .enum([...JOB_STATUSES, "waiting", "due", "skipped"])
    .meta({ description: "Of those that are queued and cancelled also which wait, and which are not begun any more" }),
  progress: z.int().min(0).max(100),
  weight: z.number(),
  depends_on: z.array(z.string()),
  id: z.uuid(),
  job_id: z.string(),
  generation: z.int().nullable().meta({ description: "Null while it is no job yet" }),
  code: z.string().nullable().meta({ description: "Why it was not done" }),
  message: z.string().nullable(),
  link: z.url().nullable(),
});

const groupPage = schemas.job
  .extend({ counts: z.record(z.string(), z.int()), members: z.array(member), next_cursor: z.string().nullable() })
  .meta({ id: "Group" });

/** The payload of a group, and beside it what a request may say of any job. */
const groupBody = (
  z.fromJSONSchema(structuredClone(GROUP.payload) as unknown as z.core.JSONSchema.JSONSchema) as z.ZodObject
).extend(terms);

const artifact = z.strictObject({ artifact: z.uuid() });

const importBody = z.strictObject({
  project: z.string().min(1).meta({ description: "Slug" }),
  version: z.int().min(1).max(2_147_483_647),
  target_environment: z.enum(ENVIRONMENTS).default("production"),
  picture: artifact.optional().meta({ description: "What tiles are cut from" }),
  plan: artifact.optional().meta({ description: "An SVG: its shapes become layers and overlays" }),
  rows: z
    .union([z.looseObject({ artifact: z.uuid() }), z.looseObject({ url: z.string().min(1).max(4_000) })])
    .optional()
    .meta({ description: "Properties and labels by ref, and beside the file what bulk_import may be told" }),
  ...terms,
});

const pageQuery = z.strictObject({
  status: z.enum(JOB_STATUSES).optional().meta({ description: "Only members in this state" }),
  limit: wholeNumber(1, 1_000, 100),
  cursor: wholeNumber(0, 1_000, 0).meta({ description: "`next_cursor` of the page before" }),
});

/** Error: group_not_found, for a job that is no group too. */
export async function groupOf(
  request: Pick<RouteRequest<z.output<typeof jobParams>>, "params" | "db" | "principal">,
): Promise<JobRecord> {
  const job = await jobOf(request).catch((error: unknown) => {
    throw error instanceof AppError && error.code === "job_not_found" ? noGroup(request.params.id) : error;
  });
  if (job.job_type !== "group") throw noGroup(request.params.id);
  return job;
}

const noGroup = (job: string): AppError => new AppError("group_not_found", { job });

export const groupRoutes: Route[] = [
  defineRoute({
    method: "post",
    path: "/groups",
    summary: "Start jobs that belong together",
    description:
      "As a set, a chain or a graph (`depends_on`), 1,000 at most. Every member is checked as `POST /jobs` would: all problems at once, " +
      "and nothing is started when there is one. See docs/groups.md.",
    role: "operator",
    idempotent: true,
    body: groupBody,
    responses: { 202: { description: "Queued", schema: schemas.jobAccepted } },
    async handle(request) {
      const { deps, principal: by, body } = request;
      const { terms: given, rest: payload } = splitTerms(body);
      const { job, replayed } = await requestJob(deps, {
        ...given,
        ...{ type: "group", payload, by },
        ...idempotencyOf(request, "POST /groups"),
      });
      return acceptedAnswer(deps, job, replayed);
    },
  }),
  defineRoute({
    method: "post",
    path: "/groups/import-and-publish",
    summary: "Make a map of what it is made of, and publish it",
    description:
      "A group, ready-made: the picture becomes tiles, the plan layers and overlays, the rows their properties, one after the other; then the " +
      "version is published. Each may be left out. Bytes are uploaded before, as artifacts.",
    role: "admin",
    idempotent: true,
    body: importBody,
    responses: { 202: { description: "Queued", schema: schemas.jobAccepted } },
    async handle(request) {
      const { deps, principal: by, body } = request;
      const { terms: given, rest: asked } = splitTerms(body);
      const { job, replayed } = await requestJob(deps, {
        ...{ title: `Import and publish ${body.project} v${body.version}`, ...given },
        ...{ type: "group", payload: importAndPublish(asked as ImportAndPublish), by },
        ...idempotencyOf(request, "POST /groups/import-and-publish"),
      });
      return acceptedAnswer(deps, job, replayed);
    },
  }),
  defineRoute({
    method: "get",
    path: "/groups/:id",
    summary: "A group with its members",
    description: "Members in the order of the request, page by page, with the states that their jobs have now.",
    role: "viewer",
    params: jobParams,
    query: pageQuery,
    responses: { 200: { description: "The group; `next_cursor` is null on the last page", schema: groupPage } },
    async handle(request) {
      const { db, deps, query } = request;
      return { status: 200, body: await groupView(db, await groupOf(request), query, linkBases(deps)) };
    },
  }),
  defineRoute({
    method: "post",
    path: "/groups/:id/cancel",
    summary: "Ask a group to stop",
    description: "Its open members are cancelled, each with a receipt of its own; no other begins.",
    role: "operator",
    params: jobParams,
    body: cancelBody,
    responses: { 202: { description: "Cancelled, or asked to", schema: schemas.job } },
    async handle(request) {
      await groupOf(request);
      return cancelled(request);
    },
  }),
  defineRoute({
    method: "post",
    path: "/groups/:id/retry",
    summary: "Run again what was not done",
    description:
      "The group in its next generation: members that failed or were cancelled run once more, those that are done never do.",
    role: "admin",
    idempotent: true,
    params: jobParams,
    body: retryBody,
    responses: { 202: { description: "Queued", schema: jobRetried } },
    async handle(request) {
      await groupOf(request);
      return retried(request, "POST /groups/:id/retry");
    },
  }),
];
