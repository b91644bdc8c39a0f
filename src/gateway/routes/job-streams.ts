/** Live streams of one job, server-sent events. */
import { z } from "zod";
import type { LogEntry } from "../../jobs/job-moments.ts";
import type { JobRecord } from "../../jobs/job-queries-store.ts";
import { eventsAfter } from "../../jobs/ledger-store.ts";
import { defineRoute, type Route, type RouteRequest } from "../route.ts";
import type { Vocabulary } from "../sse/encode.ts";
import { beginningOf } from "../sse/resume.ts";
import { openStream, STREAM_HEADERS } from "../sse/stream.ts";
import { jobOf, jobParams, readLogs } from "./job-lookup.ts";

const query = z.strictObject({
  last_event_id: z
    .string()
    .optional()
    .describe("Where to go on, for clients that cannot set `Last-Event-ID`; the header wins."),
});

type StreamRequest = RouteRequest<z.output<typeof jobParams>, z.output<typeof query>, undefined>;

const EVENTS_AT_A_TIME = 500;

/** Logs of a state, read once however many clients are greeted with it. */
const logsOf = new WeakMap<JobRecord, Promise<LogEntry[]>>();

async function stream(request: StreamRequest, words: Vocabulary) {
  const { ctx, deps } = request;
  const job = await jobOf(request);
  const beginning = beginningOf(ctx.get("Last-Event-ID") || (request.query.last_event_id ?? ""), job);
  if (beginning.kind === "nothing") return { status: 204 };
  if (ctx.method === "HEAD") return { status: 200, headers: STREAM_HEADERS };

  ctx.respond = false;
  ctx.req.socket.setTimeout(0);
  ctx.req.socket.setNoDelay(true);
  // Not awaited: the request is answered by the stream, for as long as it lives.
  void openStream({
    ...{ res: ctx.res, feed: deps.feed, job_id: job.id, beginning, words },
    readEvents: (after) => eventsAfter(deps.database.em.fork(), job.id, after, EVENTS_AT_A_TIME),
    readLogs(state) {
      const logs = logsOf.get(state) ?? readLogs(deps.database.em.fork(), state);
      logsOf.set(state, logs);
      // A failure must not be what the next client is greeted with.
      logs.catch(() => logsOf.delete(state));
      return logs;
    },
    pingMs: deps.config.PLATEN_PING_SECONDS * 1_000,
    maxAgeMs: deps.config.PLATEN_STREAM_MAX_SECONDS * 1_000,
    failed: (error) => deps.log.warn({ error, job_id: job.id }, "a stream broke off; its client comes back"),
  });
  return undefined;
}

const responses = {
  200: { description: "Events until the job ends.", mediaType: "text/event-stream" },
  204: { description: "The job has ended and the client has seen all of it: do not come back." },
};

export const jobStreamRoutes: Route[] = [
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
    handle: (request) => stream(request, "stream"),
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
    handle: (request) => stream(request, "events"),
  }),
];
