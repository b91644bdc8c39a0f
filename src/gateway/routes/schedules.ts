/** Schedules: jobs that are started by themselves, at moments or at intervals. */
import { z } from "zod";
import { isJobType, JOB_TYPES, type JobType } from "../../../contract/job-types.ts";
import type { ScheduleSpec } from "../../../contract/schedule.ts";
import { readableJobId } from "../../../contract/workflow-id.ts";
import { iso } from "../../db.ts";
import { AppError } from "../../errors.ts";
import { payloadSchema } from "../../jobs/payload-schema.ts";
import {
  createSchedule,
  deleteSchedule,
  demandSchedule,
  pauseSchedule,
  replaceSchedule,
  triggerSchedule,
} from "../../jobs/schedules/change-schedule.ts";
import { RECENT_RUNS } from "../../jobs/schedules/limits.ts";
import {
  listSchedules,
  recentRuns,
  type ScheduleRow,
  type ScheduleTerms,
} from "../../jobs/schedules/schedule-store.ts";
import { validate } from "../middleware/validate-request.ts";
import { defineRoute, type GatewayDeps, type Route, type RouteRequest } from "../route.ts";
import { wholeNumber } from "../whole-number.ts";
import { linkBases } from "./job-lookup.ts";
import * as schemas from "./schedule-schemas.ts";

const params = z.strictObject({ schedule: z.string().describe("Id of the schedule") });
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Error: schedule_not_found, for what is no id too. */
function which({
  params: { schedule },
  principal,
}: Pick<RouteRequest<z.output<typeof params>>, "params" | "principal">) {
  const id = schedule.toLowerCase();
  if (!UUID.test(id)) throw new AppError("schedule_not_found", { schedule });
  return { id, tenant_id: principal.tenant_id };
}

/** Errors: job_type_unknown, invalid_request. */
function termsOf(body: z.output<typeof schemas.scheduleChange>): ScheduleTerms {
  const { type, name, title = null, priority, overlap, catchup_window_seconds } = body;
  if (!isJobType(type)) throw new AppError("job_type_unknown", { type, types: Object.keys(JOB_TYPES).join(", ") });
  const branch = "cron" in body.spec ? schemas.cronSpec : schemas.intervalSpec;
  const [payload, spec] = validate([
    { place: "body", at: "/payload", schema: payloadSchema(type as JobType), value: body.payload },
    { place: "body", at: "/spec", schema: branch, value: body.spec },
  ]) as [Record<string, unknown>, ScheduleSpec];
  return { name, job_type: type, payload, title, priority, spec, overlap, catchup_window_seconds };
}

/** Temporal is asked; while it does not answer, the schedule is shown without its times. */
async function viewOf(
  { executions, config, log }: GatewayDeps,
  row: ScheduleRow,
): Promise<z.input<typeof schemas.schedule>> {
  const state = await executions.schedules.describe(row.id).catch((error: unknown) => {
    log.warn({ error, schedule_id: row.id }, "Temporal does not say when a schedule is due");
    return null;
  });
  const { id, name, payload, title, priority, overlap, catchup_window_seconds } = row;
  return {
    ...{
      id,
      name,
      type: row.job_type,
      payload,
      title,
      priority,
      spec: { ...row.spec },
      overlap,
      catchup_window_seconds,
    },
    paused: state?.paused ?? null,
    note: state ? state.note : row.note,
    next: state?.next ?? null,
    created_by: row.created_by_name,
    created_at: iso(row.created_at) ?? "",
    updated_at: iso(row.updated_at) ?? "",
    links: { self: `${linkBases({ config }).gateway}/schedules/${id}` },
  };
}

async function detailOf(deps: GatewayDeps, row: ScheduleRow): Promise<z.input<typeof schemas.scheduleDetail>> {
  const runs = await recentRuns(deps.database.em.fork(), row.id, RECENT_RUNS);
  const { gateway } = linkBases(deps);
  return {
    ...(await viewOf(deps, row)),
    runs: runs.map(({ scheduled_at, job_id, status, error_code, error }) => ({
      ...{ scheduled_at: iso(scheduled_at) ?? "", job_id: job_id && readableJobId(job_id) },
      ...{ status: status as z.input<typeof schemas.scheduleDetail>["runs"][number]["status"], error_code, error },
      links: { job: job_id && `${gateway}/jobs/${job_id}` },
    })),
  };
}

const press = (action: "pause" | "unpause", summary: string): Route =>
  defineRoute({
    method: "post",
    path: `/schedules/:schedule/${action}`,
    summary,
    role: "operator",
    params,
    body: schemas.pressBody,
    responses: { 200: { description: "The schedule", schema: schemas.scheduleDetail } },
    async handle(request) {
      const { deps, principal, body } = request;
      const paused = action === "pause";
      const note = body.note ?? `${paused ? "Paused" : "Unpaused"} by ${principal.name}`;
      const row = await pauseSchedule(deps, principal, which(request).id, { paused, note });
      return { status: 200, body: await detailOf(deps, row) };
    },
  });

export const scheduleRoutes: Route[] = [
  defineRoute({
    method: "post",
    path: "/schedules",
    summary: "Make a schedule",
    description: "Each of its runs is an ordinary job. Payload and project are checked now, and again at each run.",
    role: "operator",
    body: schemas.scheduleBody,
    responses: { 201: { description: "Made", schema: schemas.scheduleDetail } },
    async handle({ deps, principal, body }) {
      const { paused, note = null, ...terms } = body;
      const row = await createSchedule(deps, principal, { ...termsOf(terms), paused, note });
      return { status: 201, body: await detailOf(deps, row), headers: { Location: `/schedules/${row.id}` } };
    },
  }),
  defineRoute({
    method: "get",
    path: "/schedules",
    summary: "List schedules by name",
    role: "viewer",
    query: z.strictObject({
      after: z.string().max(100).default("").meta({ description: "`next` of the page before" }),
      limit: wholeNumber(1, 100, 50),
    }),
    responses: {
      200: {
        description: "A page; `next` is null on the last one",
        schema: z.object({ schedules: z.array(schemas.schedule), next: z.string().nullable() }),
      },
    },
    async handle({ db, deps, principal, query: { after, limit } }) {
      const found = await listSchedules(db, { tenant_id: principal.tenant_id, after, limit: limit + 1 });
      const page = found.slice(0, limit);
      const next = found.length > limit ? (page.at(-1)?.name ?? null) : null;
      return { status: 200, body: { schedules: await Promise.all(page.map((row) => viewOf(deps, row))), next } };
    },
  }),
  defineRoute({
    method: "get",
    path: "/schedules/:schedule",
    summary: "A schedule, its next five times and its last runs",
    role: "viewer",
    params,
    responses: { 200: { description: "The schedule", schema: schemas.scheduleDetail } },
    async handle(request) {
      const row = await demandSchedule(request.deps, which(request));
      return { status: 200, body: await detailOf(request.deps, row) };
    },
  }),
  defineRoute({
    method: "put",
    path: "/schedules/:schedule",
    summary: "Change a schedule",
    description:
      "All of it but whether it is paused; from now on its runs act as who has changed it. Jobs that it has started go on as they are.",
    role: "operator",
    params,
    body: schemas.scheduleChange,
    responses: { 200: { description: "Changed", schema: schemas.scheduleDetail } },
    async handle(request) {
      const { deps, principal, body } = request;
      const row = await replaceSchedule(deps, principal, which(request).id, termsOf(body));
      return { status: 200, body: await detailOf(deps, row) };
    },
  }),
  press("pause", "Pause a schedule"),
  press("unpause", "Let a paused schedule go on"),
  defineRoute({
    method: "post",
    path: "/schedules/:schedule/trigger",
    summary: "Run a schedule now",
    description:
      "Also while it is paused. As its overlap policy says: with `skip` nothing comes of it while its last job works.",
    role: "operator",
    params,
    body: z.strictObject({}),
    responses: {
      202: {
        description: "Asked for; the run is among `runs` once its job is accepted",
        schema: schemas.scheduleDetail,
      },
    },
    async handle(request) {
      const row = await triggerSchedule(request.deps, request.principal, which(request).id);
      return { status: 202, body: await detailOf(request.deps, row) };
    },
  }),
  defineRoute({
    method: "delete",
    path: "/schedules/:schedule",
    summary: "Delete a schedule",
    description: "Nothing is started by it any more. The jobs that it has started stay.",
    role: "operator",
    params,
    responses: { 204: { description: "Deleted" } },
    async handle(request) {
      await deleteSchedule(request.deps, request.principal, which(request).id);
      return { status: 204 };
    },
  }),
];
