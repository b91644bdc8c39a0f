/**
 * Writes every request that changes something into the audit trail, by whoever the router serves: a new route is in it without a line.
 *
 *   event    before the handler runs: when it cannot be written, nothing is changed
 *   outcome  when the handler has answered or refused; without one, the process died in between, and what it tells of may have happened
 */
import { isIP } from "node:net";
import type { Context } from "koa";
import { v7 as uuidv7 } from "uuid";
import { z } from "zod";
import { parseJobId } from "../../contract/workflow-id.ts";
import { actionOf } from "../audit/action-of.ts";
import { auditDetails, shortText } from "../audit/audit-details.ts";
import {
  insertAuditEvent,
  insertAuditOutcome,
  type NewAuditEvent,
  type NewAuditOutcome,
} from "../audit/audit-store.ts";
import { reasonOf } from "../errors.ts";
import type { Also } from "../jobs/accept-job.ts";
import { asAppError } from "./middleware/problems.ts";
import type { GatewayDeps, Principal, Route, RouteAnswer, RouteRequest } from "./route.ts";

/** Routes whose `:id` is a job's: a group is one. */
const OF_A_JOB = /^\/(jobs|groups)\//;

type AuditedRequest = Pick<RouteRequest, "ctx" | "params" | "body" | "principal">;

/** Runs `handle`, and writes what it was about if the route changes something. */
export async function audited(
  deps: Pick<GatewayDeps, "config" | "database" | "log">,
  route: Route,
  request: AuditedRequest,
  handle: () => Promise<RouteAnswer | undefined>,
): Promise<RouteAnswer | undefined> {
  if (route.method === "get" || route.role === null) return handle();
  const { principal, ctx } = request;
  const event = eventOf(deps.config.PLATEN_TRUSTED_PROXIES, route, request, principal);
  await insertAuditEvent(deps.database.em.fork(), event);
  const write = (outcome: Omit<NewAuditOutcome, "event_id" | "tenant_id">): Promise<void> =>
    insertAuditOutcome(deps.database.em.fork(), { event_id: event.id, tenant_id: event.tenant_id, ...outcome }).catch(
      (error: unknown) => {
        // It has happened, and who asked is told so: the event without an outcome is what is left to say.
        deps.log.warn({ reason: reasonOf(error), audit_event: event.id }, "an outcome is missing in the audit trail");
      },
    );
  try {
    const answer = await handle();
    await write({ outcome: "succeeded", status: answer?.status ?? ctx.status, code: null, ...madeBy(answer?.body) });
    return answer;
  } catch (error) {
    const { code, definition } = asAppError(error, ctx.state["request_id"]);
    const outcome = definition.status >= 500 ? "failed" : "refused";
    await write({ outcome, status: definition.status, code, resource_id: null, job_id: null });
    throw error;
  }
}

/**
 * For a request about many jobs: notes each that it changes as an event of its own, with the same `request_id`, in the transaction that
 * changes it. The request's own event names none of them.
 */
export function auditOfEach(
  { config }: Pick<GatewayDeps, "config">,
  { ctx, principal, body }: Pick<RouteRequest, "ctx" | "principal" | "body">,
  action: "job.retry" | "job.discard",
): Also {
  const asked = { ...askedBy(config.PLATEN_TRUSTED_PROXIES, ctx, principal), details: auditDetails(body) };
  return async (tx, job_id) => {
    const id = uuidv7();
    const what = { action, resource_type: "job", resource_id: job_id, project: null, job_id };
    await insertAuditEvent(tx, { ...asked, id, ...what });
    const outcome = { outcome: "succeeded", status: null, code: null, resource_id: null, job_id: null } as const;
    await insertAuditOutcome(tx, { event_id: id, tenant_id: asked.tenant_id, ...outcome });
  };
}

function eventOf(proxies: number, route: Route, { ctx, params, body }: AuditedRequest, by: Principal): NewAuditEvent {
  const named = Object.values(params as Record<string, unknown>).map(String);
  const { slug, id } = params as { slug?: string; id?: string };
  const job_id = OF_A_JOB.test(route.path) && id !== undefined ? parseJobId(id) : null;
  // Free JSON (a config, layers) says nothing of who did what, and may hold anything.
  const details = route.body instanceof z.ZodObject ? auditDetails(body) : {};
  const { project = null } = details as { project?: string };
  return {
    id: uuidv7(),
    ...askedBy(proxies, ctx, by),
    ...actionOf(route),
    resource_id: named.length > 0 ? shortText(job_id ?? named.join("/")) : null,
    project: slug === undefined ? project : shortText(slug),
    ...{ job_id, details },
  };
}

type Asked =
  | "tenant_id"
  | "source"
  | "principal_id"
  | "principal"
  | "role"
  | "request_id"
  | "remote_address"
  | "user_agent";

/** Who, and from where. */
const askedBy = (proxies: number, ctx: Context, by: Principal): Pick<NewAuditEvent, Asked> => ({
  ...{ tenant_id: by.tenant_id, source: "api", principal_id: by.id, principal: by.name, role: by.role },
  request_id: ctx.state["request_id"] as string,
  remote_address: remoteAddress(ctx, proxies),
  user_agent: ctx.get("User-Agent") === "" ? null : shortText(ctx.get("User-Agent")),
});

/** What the answer says was made. */
function madeBy(body: unknown): Pick<NewAuditOutcome, "resource_id" | "job_id"> {
  const made = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const { id, job_id, slug, project, version } = made;
  const job = typeof job_id === "string" ? parseJobId(job_id) : null;
  if (typeof id === "string") return { resource_id: id, job_id: job };
  if (typeof slug === "string") return { resource_id: slug, job_id: job };
  const of = typeof project === "string" && typeof version === "number" ? `${project}/${version}` : null;
  return { resource_id: of, job_id: job };
}

/**
 * Who sent it, as the outermost of `proxies` proxies of ours saw it: each appends to `X-Forwarded-For` whom it got the request from, and what
 * stands before that is only what a client claims.
 */
function remoteAddress(ctx: Context, proxies: number): string | null {
  const hops = ctx.get("X-Forwarded-For").split(",");
  const told = proxies > 0 ? (hops.at(-proxies)?.trim() ?? "") : "";
  const address = isIP(told) ? told : ctx.req.socket.remoteAddress;
  return address?.replace(/^::ffff:(?=\d+\.)/, "") ?? null;
}
