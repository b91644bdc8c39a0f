/** Live streams, server-sent events: of one job, and of many. */
import { z } from "zod";
import { JOB_TYPES } from "../../../contract/job-types.ts";
import { parseJobId } from "../../../contract/workflow-id.ts";
import { AppError } from "../../errors.ts";
import type { StatesFilter } from "../../jobs/feed-store.ts";
import { findJobs } from "../../jobs/job-queries-store.ts";
import { findProjectId } from "../../releases/delivery-store.ts";
import type { Place } from "../live-streams.ts";
import { defineRoute, type Route, type RouteAnswer, type RouteRequest } from "../route.ts";
import type { Vocabulary } from "../sse/encode.ts";
import { beginningOf } from "../sse/resume.ts";
import { takeOver } from "../sse/take-over.ts";
import { JobTeller } from "../sse/tell-job.ts";
import { createStatesTeller } from "../sse/tell-states.ts";
import { SseWire, type Wire, type WireUser } from "../sse/wire.ts";
import { createGroupTeller } from "../sse/tell-group.ts";
import { groupOf } from "./groups.ts";
import { jobOf, jobParams } from "./job-lookup.ts";

const STREAM_HEADERS = {
  "Content-Type": "text/event-stream",
  "Cache-Control": "no-cache, no-transform",
  Connection: "keep-alive",
  "X-Accel-Buffering": "no",
};

const cursor = z
  .string()
  .optional()
  .describe("Where to go on, for clients that cannot set `Last-Event-ID`; the header wins.");

const query = z.strictObject({ last_event_id: cursor });

const statesQuery = z.strictObject({
  ids: z.string().optional().describe("Ids of jobs, separated by commas; as many as fit into 16 KB"),
  project: z.string().optional().describe("Slug"),
  type: z.string().optional(),
  group: z.string().optional().describe("Id of a group: it and its members"),
  last_event_id: cursor,
});

type JobRequest = RouteRequest<z.output<typeof jobParams>, z.output<typeof query>, undefined>;
type StatesRequest = RouteRequest<unknown, z.output<typeof statesQuery>, undefined>;

const cursorOf = ({ ctx, query: { last_event_id } }: JobRequest | StatesRequest): string =>
  ctx.get("Last-Event-ID") || (last_event_id ?? "");

async function streamJob(request: JobRequest, words: Vocabulary): Promise<RouteAnswer | undefined> {
  const { deps, principal } = request;
  const job = await jobOf(request);
  const beginning = beginningOf(cursorOf(request), job);
  if (beginning.kind === "nothing") return { status: 204 };
  if (request.ctx.method === "HEAD") return { status: 200, headers: STREAM_HEADERS };
  const place = deps.streams.admit(principal);
  const teller = new JobTeller(deps, { beginning, words });
  return open(request, place, teller, (wire) => teller.begin(wire, job));
}

/** The group's own events, with its ids, and between them the states of its members. */
async function streamGroup(request: JobRequest): Promise<RouteAnswer | undefined> {
  const { deps, principal } = request;
  const job = await groupOf(request);
  const beginning = beginningOf(cursorOf(request), job);
  if (beginning.kind === "nothing") return { status: 204 };
  if (request.ctx.method === "HEAD") return { status: 200, headers: STREAM_HEADERS };
  const place = deps.streams.admit(principal);
  const teller = createGroupTeller(deps, { beginning, job });
  return open(request, place, teller, teller.begin);
}

async function streamStates(request: StatesRequest): Promise<RouteAnswer | undefined> {
  const { deps, principal } = request;
  const filter = await filterOf(request);
  if (request.ctx.method === "HEAD") return { status: 200, headers: STREAM_HEADERS };
  const place = deps.streams.admit(principal);
  const teller = createStatesTeller(deps, { filter, cursor: cursorOf(request) });
  return open(request, place, teller, teller.begin);
}

/** Nothing of the request is kept by what goes on. */
async function open(
  { ctx, deps }: Pick<RouteRequest, "ctx" | "deps">,
  place: Place,
  user: WireUser,
  begin: (wire: Wire) => void,
): Promise<undefined> {
  ctx.respond = false;
  const taken = await takeOver(ctx.res, STREAM_HEADERS);
  if (!taken) {
    place.release();
    return undefined;
  }
  const wire = deps.streams.add((times) => new SseWire(taken, user, place, times));
  begin(wire);
  // The gateway has begun to go down meanwhile, and ended all streams but this one.
  if (deps.streams.closing) wire.expire();
  return undefined;
}

/** Errors: `job_not_found`, `group_not_found`, `project_not_found`, `job_type_unknown`: what is named must exist, or the stream would wait for ever. */
async function filterOf({ db, principal, query: { ids, project, type, group } }: StatesRequest): Promise<StatesFilter> {
  const filter: StatesFilter = { tenant_id: principal.tenant_id };
  if (type !== undefined) {
    if (!Object.hasOwn(JOB_TYPES, type))
      throw new AppError("job_type_unknown", { type, types: Object.keys(JOB_TYPES).join(", ") });
    filter.type = type;
  }
  if (project !== undefined) {
    const project_id = await findProjectId(db, { tenant_id: principal.tenant_id, project });
    if (!project_id) throw new AppError("project_not_found", { project });
    filter.project_id = project_id;
  }
  if (group !== undefined) filter.group_id = (await groupOf({ params: { id: group }, db, principal })).id;
  if (ids !== undefined) {
    const named = ids.split(",").map((text) => parseJobId(text) ?? notFound(text));
    const found = new Set((await findJobs(db, named)).filter(ofTenant(filter.tenant_id)).map(({ id }) => id));
    filter.ids = named.map((id) => (found.has(id) ? id : notFound(id)));
  }
  return filter;
}

const ofTenant =
  (id: string) =>
  ({ tenant_id }: { tenant_id: string }): boolean =>
    tenant_id === id;

function notFound(job: string): never {
  throw new AppError("job_not_found", { job });
}

const mediaType = "text/event-stream";
const responses = {
  200: { description: "Events until the job ends.", mediaType },
  204: { description: "The job has ended and the client has seen all of it: do not come back." },
};

export const jobStreamRoutes: Route[] = [
  defineRoute({
    method: "get",
    path: "/jobs/stream",
    summary: "Watch many jobs live",
    description:
      "Server-sent events: the present state of every open job that matches (of every job named in `ids`), `synced`, and then " +
      "each state that changes, each batch closed by `synced`, whose id resumes. Jobs that start later join by themselves. See docs/sse.md.",
    role: "viewer",
    query: statesQuery,
    responses: { 200: { description: "Events, until the client leaves or the stream is old.", mediaType } },
    handle: streamStates,
  }),
  defineRoute({
    method: "get",
    path: "/jobs/:id/stream",
    summary: "Watch a job live",
    description:
      "Server-sent events: `job_update` with the present state at once and with every change, `ping` in between, and " +
      "`job-complete`, `job-failed` or `job-cancelled` at the end. See docs/sse.md.",
    role: "viewer",
    params: jobParams,
    query,
    responses,
    handle: (request) => streamJob(request, "stream"),
  }),
  defineRoute({
    method: "get",
    path: "/groups/:id/stream",
    summary: "Watch a group live",
    description:
      "The events of the group itself, as `/jobs/{id}/stream` has them, and on the same connection `member_update` with the present state " +
      "of each member at once and with every change. Ends with the group. See docs/groups.md.",
    role: "viewer",
    params: jobParams,
    query,
    responses,
    handle: streamGroup,
  }),
  defineRoute({
    method: "get",
    path: "/jobs/:id/events",
    summary: "Watch a job live, other words",
    description:
      "The same as `/stream` with `status` for `job_update`, and `error` for a problem of the stream itself.",
    role: "viewer",
    params: jobParams,
    query,
    responses,
    handle: (request) => streamJob(request, "events"),
  }),
  defineRoute({
    method: "get",
    path: "/ws/jobs",
    summary: "Watch jobs over a WebSocket",
    description:
      "Subscribe and unsubscribe by messages; the same events and cursors as `/jobs/{id}/stream`. See docs/sse.md.",
    role: "viewer",
    responses: { 101: { description: "A WebSocket" } },
    async handle({ ctx }) {
      ctx.set({ Upgrade: "websocket", Connection: "Upgrade" });
      throw new AppError("upgrade_required", { path: ctx.path });
    },
  }),
];
