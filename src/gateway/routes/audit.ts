/** The audit trail: who did what, when, from where, and what became of it. */
import { Readable } from "node:stream";
import { stringify } from "csv-stringify/sync";
import { z } from "zod";
import { parseJobId, readableJobId } from "../../../contract/workflow-id.ts";
import { listAudit, type AuditFilter, type AuditRow } from "../../audit/audit-store.ts";
import { iso, type Db } from "../../db.ts";
import { begun } from "../begin-pages.ts";
import { defineRoute, type Route } from "../route.ts";
import { wholeNumber } from "../whole-number.ts";
import { inUtc, moment } from "./job-requests.ts";
import { decodeCursor, encodeCursor } from "./list-cursor.ts";

/** Rows of an export that are read at a time. */
const EXPORT_PAGE = 1_000;

const auditEvent = z
  .object({
    id: z.uuid(),
    at: z.iso.datetime(),
    source: z.enum(["api", "cli", "schedule", "temporal"]),
    principal: z.object({ id: z.uuid().nullable(), name: z.string(), role: z.string().nullable() }),
    action: z.string().meta({ description: "What to whom: `job.cancel`, `config.replace`" }),
    resource: z.object({ type: z.string(), id: z.string().nullable() }),
    project: z.string().nullable(),
    job_id: z.string().nullable(),
    request_id: z.string().nullable(),
    remote_address: z.string().nullable(),
    user_agent: z.string().nullable(),
    details: z.record(z.string(), z.unknown()),
    outcome: z
      .enum(["succeeded", "refused", "failed", "unknown"])
      .meta({ description: "`unknown`: it is under way, or the process died before it could say" }),
    status: z.int().nullable().meta({ description: "HTTP status of the answer" }),
    code: z.string().nullable().meta({ description: "Failure code of a refusal" }),
  })
  .meta({ id: "AuditEvent" });

type AuditView = z.infer<typeof auditEvent>;

function viewOf(row: AuditRow): AuditView {
  const { principal_id, principal, role, resource_type, resource_id, job_id, outcome, ...rest } = row;
  return {
    ...rest,
    at: iso(row.at),
    principal: { id: principal_id, name: principal, role },
    resource: { type: resource_type, id: resource_id },
    job_id: job_id === null ? null : readableJobId(job_id),
    outcome: outcome ?? "unknown",
  };
}

const COLUMNS = [
  ...["id", "at", "source", "principal", "principal_id", "role", "action", "resource_type", "resource_id", "project"],
  ...["job_id", "outcome", "status", "code", "request_id", "remote_address", "user_agent", "details"],
];

/** A value that a spreadsheet would take for a formula begins with an apostrophe there. */
function csvOf(rows: AuditRow[], header: boolean): string {
  const records = rows.map((row) => {
    const { id, at, source, principal, resource, details, ...rest } = viewOf(row);
    const flat: Record<string, unknown> = {
      ...{ id, at, source, ...rest, principal: principal.name, principal_id: principal.id, role: principal.role },
      ...{ resource_type: resource.type, resource_id: resource.id, details: JSON.stringify(details) },
    };
    return COLUMNS.map((name) => flat[name]);
  });
  return stringify(records, { header, columns: COLUMNS, escape_formulas: true, record_delimiter: "windows" });
}

/** All that the filter lets through, page by page: in flat memory, however much it is. The header comes with the first page. */
async function* exported(db: Db, filter: AuditFilter, format: "ndjson" | "csv"): AsyncGenerator<string, void> {
  const textOf = (rows: AuditRow[], first: boolean): string =>
    format === "csv" ? csvOf(rows, first) : rows.map((row) => `${JSON.stringify(viewOf(row))}\n`).join("");
  for (let left = filter.limit, before = filter.before; ;) {
    const page = { ...filter, limit: Math.min(EXPORT_PAGE, left), ...(before ? { before } : {}) };
    const rows = await listAudit(db, page);
    yield textOf(rows, before === filter.before);
    const last = rows.at(-1);
    left -= rows.length;
    if (!last || left === 0 || rows.length < page.limit) return;
    before = { at: last.at, id: last.id };
  }
}

const MEDIA_TYPES = { ndjson: "application/x-ndjson", csv: "text/csv; charset=utf-8; header=present" };

export const auditRoutes: Route[] = [
  defineRoute({
    method: "get",
    path: "/audit",
    summary: "Read the audit trail, newest first",
    description:
      "Everything that was changed, or was tried to be, by whom and from where. With `format` `ndjson` or `csv` all of it is streamed, up to " +
      "`limit` if that is given; without, a page.",
    role: "admin",
    query: z.strictObject({
      job: z.string().optional().meta({ description: "UUID or `job_<32 hex>`" }),
      project: z.string().optional().meta({ description: "Slug" }),
      principal: z.string().optional().meta({ description: "Name" }),
      action: z.string().optional().meta({ description: "`job.cancel`, or all of `job`" }),
      source: z.enum(["api", "cli", "schedule", "temporal"]).optional(),
      outcome: z.enum(["succeeded", "refused", "failed", "unknown"]).optional(),
      since: moment.optional(),
      until: moment.optional().meta({ description: "Not included" }),
      format: z.enum(["json", "ndjson", "csv"]).default("json"),
      limit: wholeNumber(1, 10_000_000).optional().meta({ description: "100 of a page, which has 1,000 at most" }),
      cursor: z.string().optional().meta({ description: "`next_cursor` of the page before" }),
    }),
    responses: {
      200: {
        description: "A page; `next_cursor` is null on the last one",
        schema: z.object({ events: z.array(auditEvent), next_cursor: z.string().nullable() }),
      },
    },
    async handle({ db, ctx, principal: by, query: { format, limit, cursor, job, since, until, ...wanted } }) {
      const given = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined));
      const job_id = job === undefined ? undefined : parseJobId(job);
      // What is no id of a job has no events.
      const none = job_id === null;
      const { created_at: at = "", id = "" } = cursor === undefined ? {} : decodeCursor(cursor);
      const filter = {
        ...{ ...given, tenant_id: by.tenant_id, ...(job_id ? { job_id } : {}) },
        ...(since === undefined ? {} : { since: inUtc(since) }),
        ...(until === undefined ? {} : { until: inUtc(until) }),
        ...(cursor === undefined ? {} : { before: { at, id } }),
      };
      if (format !== "json") {
        const text = await begun(exported(db, { ...filter, limit: none ? 0 : (limit ?? Infinity) }, format));
        ctx.set({ "Content-Type": MEDIA_TYPES[format], "Cache-Control": "no-store" });
        ctx.set("Content-Disposition", `attachment; filename="audit.${format}"`);
        ctx.body = Readable.from(text);
        return undefined;
      }
      const size = Math.min(limit ?? 100, 1_000);
      const found = none ? [] : await listAudit(db, { ...filter, limit: size + 1 });
      const page = found.slice(0, size);
      const last = found.length > size ? page.at(-1) : undefined;
      return {
        status: 200,
        headers: { "Cache-Control": "no-store" },
        body: {
          events: page.map(viewOf),
          next_cursor: last ? encodeCursor({ created_at: last.at, id: last.id }) : null,
        },
      };
    },
  }),
];
