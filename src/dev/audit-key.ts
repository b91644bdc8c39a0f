/** Keys that are made and revoked at the command line, in the trail: by whoever runs the command, on this machine. */
import { userInfo } from "node:os";
import { v7 as uuidv7 } from "uuid";
import { insertAuditEvent, insertAuditOutcome } from "../audit/audit-store.ts";
import type { Db } from "../db.ts";

/** In the transaction that makes or revokes the key, and never with the key itself. */
export async function auditKey(
  db: Db,
  action: "key.create" | "key.revoke",
  key: { id: string; tenant_id: string; name: string; role: string },
): Promise<void> {
  const { id: key_id, tenant_id, name, role } = key;
  const id = uuidv7();
  await insertAuditEvent(db, {
    ...{ id, tenant_id, source: "cli", principal_id: null, principal: userName(), role: null, action },
    ...{ resource_type: "key", resource_id: key_id, project: null, job_id: null, request_id: null },
    ...{ remote_address: null, user_agent: null, details: { name, role } },
  });
  const nothing = { status: null, code: null, resource_id: null, job_id: null };
  await insertAuditOutcome(db, { event_id: id, tenant_id, outcome: "succeeded", ...nothing });
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user id without an entry, as in containers.
    return "unknown";
  }
}
