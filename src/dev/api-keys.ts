/** The demo tenant's keys. They are kept between runs, so that what a user pasted somewhere goes on working. */
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { createDatabase, transaction, type Db } from "../db.ts";
import { scheduleMaintenance } from "../jobs/schedules/nightly-maintenance.ts";
import { generateApiKey } from "../tenants/api-key.ts";
import type { Role } from "../tenants/principal.ts";
import { ensureApiKey, ensurePrincipal, ensureTenant, findPrincipalByKey } from "../tenants/tenant-store.ts";

const keysSchema = z.object({ viewer: z.string(), operator: z.string(), admin: z.string() });

/** A working key for each role of tenant `demo`: the ones in `api-keys.json`, or new ones where one is missing or was revoked. */
export async function ensureApiKeys(options: { folder: string; database: string }): Promise<Record<Role, string>> {
  const file = join(options.folder, "api-keys.json");
  const kept = await readKept(file);
  const database = await createDatabase({ url: options.database, pool: 2 });
  try {
    const keys = await transaction(database, async (db) => {
      const tenant = await ensureTenant(db, { slug: "demo", name: "Demo" });
      if (tenant.made) await scheduleMaintenance(db, tenant.id);
      const ensure = (role: Role): Promise<string> => ensureKey(db, { tenant_id: tenant.id, role, kept: kept?.[role] });
      return { viewer: await ensure("viewer"), operator: await ensure("operator"), admin: await ensure("admin") };
    });
    await rm(`${file}.new`, { force: true });
    await writeFile(`${file}.new`, `${JSON.stringify(keys, null, 2)}\n`, { mode: 0o600 });
    await rename(`${file}.new`, file);
    return keys;
  } finally {
    await database.close();
  }
}

async function ensureKey(
  db: Db,
  options: { tenant_id: string; role: Role; kept: string | undefined },
): Promise<string> {
  const { tenant_id, role, kept } = options;
  const principal = await ensurePrincipal(db, { tenant_id, name: `demo-${role}` });
  const works = async (key: string): Promise<boolean> => {
    await ensureApiKey(db, { tenant_id, principal_id: principal.id, role, key });
    return (await findPrincipalByKey(db, key)) !== null;
  };
  if (kept && (await works(kept))) return kept;
  const made = generateApiKey(role);
  await works(made);
  return made;
}

async function readKept(file: string): Promise<Record<Role, string> | null> {
  const text = await readFile(file, "utf8").catch(() => "null");
  return keysSchema.nullable().parse(JSON.parse(text));
}
