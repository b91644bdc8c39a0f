/**
 * Makes an API key: `npm run create-key -- --tenant SLUG --name NAME --role ROLE` with PLATEN_DATABASE_URL set. The tenant and who
 * the key belongs to are made if they do not exist. Each run makes one more key; it is printed once and kept nowhere.
 */
import { z } from "zod";
import { readConfig } from "../config.ts";
import { createDatabase, transaction } from "../db.ts";
import { reasonOf } from "../errors.ts";
import { scheduleMaintenance } from "../jobs/schedules/nightly-maintenance.ts";
import { ROLES } from "../tenants/principal.ts";
import { createApiKey, ensurePrincipal, ensureTenant } from "../tenants/tenant-store.ts";
import { auditKey } from "./audit-key.ts";
import { readOptions } from "./read-options.ts";

const USAGE = `Usage: npm run create-key -- --tenant SLUG --name NAME --role ${ROLES.join("|")}`;

const request = z.object({
  /** First segment of the tenant's keys in the private store. */
  tenant: z
    .string({ error: "is missing" })
    .regex(
      /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
      "must be lower-case letters, digits and inner hyphens, at most 63",
    ),
  name: z
    .string({ error: "is missing" })
    .trim()
    .min(1, "must not be empty")
    .max(200, "must have at most 200 characters")
    .refine((name) => name.isWellFormed() && !name.includes("\0"), "must be text"),
  role: z.enum(ROLES, { error: `must be one of ${ROLES.join(", ")}` }),
});

export type KeyRequest = z.output<typeof request>;

/** The new key. All of it happens or nothing. */
export async function createKey(url: string, { tenant, name, role }: KeyRequest): Promise<string> {
  const database = await createDatabase({ url, pool: 2 });
  try {
    return await transaction(database, async (db) => {
      const { id: tenant_id, made } = await ensureTenant(db, { slug: tenant, name: tenant });
      if (made) await scheduleMaintenance(db, tenant_id);
      const { id: principal_id } = await ensurePrincipal(db, { tenant_id, name });
      const { id, key } = await createApiKey(db, { tenant_id, principal_id, role });
      await auditKey(db, "key.create", { id, tenant_id, name, role });
      return key;
    });
  } finally {
    await database.close();
  }
}

if (import.meta.main) {
  try {
    const wanted = readOptions(request, process.argv.slice(2));
    const key = await createKey(readConfig().PLATEN_DATABASE_URL, wanted);
    console.error(`A key for ${wanted.name} of ${wanted.tenant}, role ${wanted.role}; it is not shown again:`);
    console.log(key);
  } catch (error) {
    console.error(`${reasonOf(error)}\n${USAGE}`);
    process.exitCode = 1;
  }
}
