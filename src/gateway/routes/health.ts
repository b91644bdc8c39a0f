/** Is the process alive, and can it do its work? */
import { z } from "zod";
import { pingDatabase } from "../../db.ts";
import { reasonOf } from "../../errors.ts";
import { inTime } from "../../in-time.ts";
import { defineRoute, type Route } from "../route.ts";

const CHECK_MS = 2_000;

type Check = { ok: true } | { ok: false; reason: string };

async function check(work: Promise<unknown>): Promise<Check> {
  try {
    await inTime(work, CHECK_MS);
    return { ok: true };
  } catch (error) {
    return { ok: false, reason: reasonOf(error) };
  }
}

const checks = z.record(
  z.enum(["postgresql", "store", "temporal", "notifications"]),
  z.object({ ok: z.boolean(), reason: z.string().optional() }),
);

const readiness = z.object({
  status: z.enum(["ready", "degraded", "unready"]),
  missing: z.array(z.string()),
  checks,
});

export const healthRoutes: Route[] = [
  defineRoute({
    method: "get",
    path: "/healthz",
    summary: "Is the process alive?",
    role: null,
    responses: { 200: { description: "Yes", schema: z.object({ status: z.literal("ok") }) } },
    async handle() {
      return { status: 200, body: { status: "ok" }, headers: { "Cache-Control": "no-store" } };
    },
  }),
  defineRoute({
    method: "get",
    path: "/readyz",
    summary: "Can it do its work?",
    description:
      "Without Temporal it is degraded but ready: publishes are accepted, and start when Temporal is back. So it is while " +
      "PostgreSQL's notifications are not heard: streams are told of changes half a second late.",
    role: null,
    responses: {
      200: { description: "Ready, or degraded", schema: readiness },
      503: { description: "Not ready: `missing` names what is", schema: readiness },
    },
    async handle({ deps }) {
      const [postgresql, store, temporal] = await Promise.all([
        check(pingDatabase(deps.database.em.fork())),
        // Always the same small object: a folder that is full or read-only says so here first.
        check(deps.stores.private.put("_platen/probe", Buffer.from("writable"))),
        check(deps.executions.ping()),
      ]);
      const { state, reason = state } = deps.notifications.hearing();
      const notifications: Check = state === "deaf" || state === "away" ? { ok: false, reason } : { ok: true };
      const found = { postgresql, store, temporal, notifications };
      const missing = Object.entries(found).flatMap(([name, { ok }]) => (ok ? [] : [name]));
      const ready = postgresql.ok && store.ok;
      const status = !ready ? "unready" : missing.length > 0 ? "degraded" : "ready";
      return {
        status: ready ? 200 : 503,
        body: { status, missing, checks: found },
        headers: { "Cache-Control": "no-store" },
      };
    },
  }),
];
