/**
 * Revokes API keys: `npm run revoke-key -- --tenant SLUG` and one of `--key KEY`, `--id ID`, `--name NAME` with PLATEN_DATABASE_URL set. A key
 * that leaks is told by itself; its id is in the audit trail; a name means all keys of who leaves.
 */
import { z } from "zod";
import { readConfig } from "../config.ts";
import { createDatabase, transaction } from "../db.ts";
import { reasonOf } from "../errors.ts";
import { findTenant, revokeApiKeys, type RevokedKey } from "../tenants/tenant-store.ts";
import { auditKey } from "./audit-key.ts";
import { readOptions } from "./read-options.ts";

const USAGE = "Usage: npm run revoke-key -- --tenant SLUG --key KEY | --id ID | --name NAME";

const request = z
  .object({
    tenant: z.string({ error: "is missing" }),
    key: z.string().trim().optional(),
    id: z.uuid("must be a UUID").optional(),
    name: z.string().trim().optional(),
  })
  .refine(({ key, id, name }) => [key, id, name].filter((given) => given !== undefined).length === 1, {
    path: ["key"],
    message: "or --id or --name must be given, and only one of them",
  });

type Revocation = z.output<typeof request>;

/** Those that worked until now. They stop at once; all of them, or none. Error: there are none. */
export async function revokeKeys(url: string, { tenant, ...which }: Revocation): Promise<RevokedKey[]> {
  const database = await createDatabase({ url, pool: 2 });
  try {
    return await transaction(database, async (db) => {
      const found = await findTenant(db, tenant);
      if (!found) throw new Error(`there is no tenant ${tenant}`);
      const revoked = await revokeApiKeys(db, { tenant_id: found.id, ...which });
      if (revoked.length === 0)
        throw new Error(`no such key of ${tenant} works: it was revoked before, or never was one`);
      for (const key of revoked) await auditKey(db, "key.revoke", { ...key, tenant_id: found.id });
      return revoked;
    });
  } finally {
    await database.close();
  }
}

if (import.meta.main) {
  try {
    const wanted = readOptions(request, process.argv.slice(2));
    for (const { id, name, role } of await revokeKeys(readConfig().PLATEN_DATABASE_URL, wanted))
      console.log(`Revoked the key ${id} of ${name} of ${wanted.tenant}, role ${role}.`);
  } catch (error) {
    console.error(`${reasonOf(error)}\n${USAGE}`);
    process.exitCode = 1;
  }
}
