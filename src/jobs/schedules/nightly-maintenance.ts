/**
 * A tenant begins with a schedule that tidies up at night. It is like any other: people see, pause, change and delete it. It is made with its
 * tenant and never again, so one that was deleted stays so. Temporal is told of it by the reconciler: its row is the outbox.
 */
import { randomInt } from "node:crypto";
import { v7 as uuidv7 } from "uuid";
import type { Db } from "../../db.ts";
import { ensurePrincipal } from "../../tenants/tenant-store.ts";
import { insertSchedule } from "./schedule-store.ts";

/** Whose schedule it is: a service without keys. Migration 0017 knows these two names as well. */
const PLATEN = "platen";
const NAME = "nightly maintenance";
const NOTE = "Made with the tenant. Change, pause or delete it as you like";
/** UTC. */
const NIGHT = [1, 2, 3, 4];
/** A day: what is off at night does it when it is on. */
const CATCHUP_SECONDS = 86_400;

/** In the transaction that makes the tenant. */
export async function scheduleMaintenance(db: Db, tenant_id: string, now = new Date()): Promise<void> {
  const { id: created_by } = await ensurePrincipal(db, { tenant_id, name: PLATEN, kind: "service" });
  await insertSchedule(db, {
    ...{ id: uuidv7(), tenant_id, name: NAME, job_type: "maintenance", payload: { dry_run: false } },
    ...{ title: null, priority: 5, spec: { cron: someNight(now), time_zone: "UTC" }, overlap: "skip" },
    ...{ catchup_window_seconds: CATCHUP_SECONDS, paused: false, note: NOTE, created_by, role: "admin" },
  });
}

/** Not that of all tenants, whose runs would wait for each other; and not within the hour, which nobody expects who has just made one. */
function someNight(now: Date): string {
  const hour = now.getUTCHours();
  const hours = NIGHT.filter((each) => each !== hour && each !== hour + 1);
  return `${randomInt(60)} ${hours[randomInt(hours.length)]} * * *`;
}
