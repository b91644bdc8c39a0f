/** Dead letters: jobs that have failed for good; listed, counted, retried by filter, discarded with a reason. */
import { z } from "zod";
import { parseJobId, readableJobId } from "../../../contract/workflow-id.ts";
import { discardDeadLetters } from "../../jobs/dead-letters/discard-dead-letters.ts";
import { countDeadLetters, listDeadLetters, type DeadLetterPlace } from "../../jobs/dead-letters/dead-letter-store.ts";
import { retryDeadLetters, type Refused } from "../../jobs/dead-letters/retry-dead-letters.ts";
import { jobView } from "../../jobs/job-view.ts";
import { auditOfEach } from "../audit-request.ts";
import { defineRoute, type Route } from "../route.ts";
import { wholeNumber } from "../whole-number.ts";
import { linkBases } from "./job-lookup.ts";
import { inUtc, moment } from "./job-requests.ts";
import * as schemas from "./job-schemas.ts";
import { decodeCursor, encodeCursor } from "./list-cursor.ts";
import { idempotencyOf } from "./publish.ts";
import { retryTerms, retryTermsOf } from "./retry-terms.ts";

/** Jobs that one request sees to: each is a transaction of its own, of some milliseconds. */
const MOST = 1_000;
const LIMIT = 200;

const words = {
  type: z.string().optional(),
  project: z.string().optional().meta({ description: "Slug" }),
  code: z.string().optional().meta({ description: "Of the failure" }),
  since: moment.optional().meta({ description: "ISO 8601: only those that ended then or later" }),
};

const jobId = z.string().transform((text, ctx) => {
  const id = parseJobId(text);
  if (id === null) ctx.addIssue({ code: "custom", message: "must be a UUID or `job_<32 hex>`" });
  return id ?? "";
});

const filter = z
  .strictObject({ ...words, ids: z.array(jobId).min(1).max(MOST).optional().meta({ description: "Only these jobs" }) })
  .meta({ description: "All that is named must be so; {} is all of them" });

const page = {
  limit: z.int().min(1).max(MOST).default(LIMIT).meta({ description: "How many are seen to; the oldest first" }),
  cursor: z.string().optional().meta({ description: "`next_cursor` of the answer before" }),
};

const refused = z.array(
  z.object({ job_id: z.string(), code: z.string(), message: z.string().meta({ description: "And what to do" }) }),
);
const nextCursor = z.string().nullable().meta({ description: "Null: there are no more" });

const places = {
  encode: (place: DeadLetterPlace | null): string | null =>
    place && encodeCursor({ created_at: place.completed_at, id: place.id }),
  decode(cursor: string | undefined): DeadLetterPlace | undefined {
    if (cursor === undefined) return undefined;
    const { created_at, id } = decodeCursor(cursor);
    return { completed_at: created_at, id };
  },
};

const filterOf = <Given extends { since?: string | undefined }>(given: Given) => ({
  ...given,
  since: given.since === undefined ? undefined : inUtc(given.since),
});

const tell = (all: Refused[]) => all.map(({ job, ...rest }) => ({ job_id: readableJobId(job), ...rest }));

export const deadLetterRoutes: Route[] = [
  defineRoute({
    method: "get",
    path: "/jobs/dead-letters",
    summary: "Jobs that have failed for good, newest first",
    description:
      "Failed with a code that does not mend itself, or with their retries used up, and not discarded. `counts` is over all pages.",
    role: "viewer",
    query: z.strictObject({
      ...words,
      limit: wholeNumber(1, 200, 50),
      cursor: z.string().optional().meta({ description: "`next_cursor` of the page before" }),
    }),
    responses: {
      200: {
        description: "A page",
        schema: z.object({
          jobs: z.array(schemas.job),
          total: z.int(),
          counts: z.array(z.object({ type: z.string(), code: z.string().nullable(), count: z.int() })),
          next_cursor: nextCursor,
        }),
      },
    },
    async handle({ db, deps, principal, query: { limit, cursor, ...given } }) {
      const wanted = { ...filterOf(given), tenant_id: principal.tenant_id };
      const found = await listDeadLetters(db, { ...wanted, before: places.decode(cursor), limit: limit + 1 });
      const counts = await countDeadLetters(db, wanted);
      const shown = found.slice(0, limit);
      const last = found.length > limit ? shown.at(-1) : undefined;
      const next_cursor = places.encode(last?.completed_at ? { completed_at: last.completed_at, id: last.id } : null);
      const total = counts.reduce((sum, { count }) => sum + count, 0);
      const bases = linkBases(deps);
      return { status: 200, body: { jobs: shown.map((job) => jobView(job, bases)), total, counts, next_cursor } };
    },
  }),
  defineRoute({
    method: "post",
    path: "/jobs/dead-letters/retry",
    summary: "Retry dead letters by filter",
    description:
      "Each like POST /jobs/{id}/retry; what is refused keeps none of the others back. With an `Idempotency-Key` a repeat opens nothing more, " +
      "not even of those that have failed again.",
    role: "admin",
    idempotent: true,
    body: z.strictObject({ filter, ...retryTerms, ...page }),
    responses: {
      200: {
        description: "What was retried, and what was not and why",
        schema: z.object({
          retried: z.array(z.object({ job_id: z.string(), generation: z.int(), replayed: z.boolean() })),
          refused,
          next_cursor: nextCursor,
        }),
      },
    },
    async handle(request) {
      const { deps, principal: by, body } = request;
      const done = await retryDeadLetters(deps, {
        ...{ filter: filterOf(body.filter), by, limit: body.limit, after: places.decode(body.cursor) },
        ...retryTermsOf(body),
        ...idempotencyOf(request, "POST /jobs/dead-letters/retry"),
        also: auditOfEach(deps, request, "job.retry"),
      });
      const retried = done.retried.map(({ job, ...rest }) => ({ job_id: readableJobId(job), ...rest }));
      return { status: 200, body: { retried, refused: tell(done.refused), next_cursor: places.encode(done.next) } };
    },
  }),
  defineRoute({
    method: "post",
    path: "/jobs/dead-letters/discard",
    summary: "Put dead letters away by filter",
    description: "They are listed no more, and can still be read and retried. Who, when and why stays in each of them.",
    role: "admin",
    body: z.strictObject({ filter, reason: z.string().min(1).max(1_000), ...page }),
    responses: {
      200: {
        description: "What was put away, and what was not and why",
        schema: z.object({ discarded: z.array(z.string()), refused, next_cursor: nextCursor }),
      },
    },
    async handle(request) {
      const { deps, principal: by, body } = request;
      const { reason, limit } = body;
      const done = await discardDeadLetters(deps, {
        ...{ filter: filterOf(body.filter), by, reason, limit, after: places.decode(body.cursor) },
        also: auditOfEach(deps, request, "job.discard"),
      });
      const discarded = done.discarded.map(readableJobId);
      return { status: 200, body: { discarded, refused: tell(done.refused), next_cursor: places.encode(done.next) } };
    },
  }),
];
