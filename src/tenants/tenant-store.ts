/** Tenants, their principals, and the keys these act with. */
import { v7 as uuidv7 } from "uuid";
import { query, queryOne, type Db } from "../db.ts";
import { generateApiKey, hashApiKey, isApiKey } from "./api-key.ts";
import { ROLES, type Principal, type Role } from "./principal.ts";

/** Finds the tenant by its slug or makes it; `name` counts only then. `made`: now, by this call. */
export async function ensureTenant(
  db: Db,
  tenant: { slug: string; name: string },
): Promise<{ id: string; made: boolean }> {
  const made = await query(
    db,
    `insert into tenants (id, slug, name) values ($1, $2, $3) on conflict (slug) do nothing returning 1`,
    [uuidv7(), tenant.slug, tenant.name],
  );
  return { ...present(await findTenant(db, tenant.slug)), made: made.length > 0 };
}

/** Null where there is none. */
export async function findTenant(db: Db, slug: string): Promise<{ id: string } | null> {
  return queryOne<{ id: string }>(db, `select id from tenants where slug = $1`, [slug]);
}

/** Finds the principal by its name or makes it; `kind` counts only then. */
export async function ensurePrincipal(
  db: Db,
  principal: { tenant_id: string; name: string; kind?: "person" | "service" },
): Promise<{ id: string }> {
  await query(
    db,
    `
    insert into principals (id, tenant_id, name, kind) values ($1, $2, $3, $4)
    on conflict (tenant_id, name) do nothing
    `,
    [uuidv7(), principal.tenant_id, principal.name, principal.kind ?? "person"],
  );
  const found = await queryOne<{ id: string }>(db, `select id from principals where tenant_id = $1 and name = $2`, [
    principal.tenant_id,
    principal.name,
  ]);
  return present(found);
}

export interface NewApiKey {
  tenant_id: string;
  principal_id: string;
  role: Role;
  /** Never by default. */
  expires_at?: Date;
}

/** The only moment at which the key itself is known: the row holds its hash. */
export async function createApiKey(db: Db, options: NewApiKey): Promise<{ id: string; key: string }> {
  const key = generateApiKey(options.role);
  return { id: await insertKey(db, options, key), key };
}

/** Makes a given key work, for installations that keep their keys between runs. A key that was revoked stays so. */
export async function ensureApiKey(db: Db, options: NewApiKey & { key: string }): Promise<{ id: string }> {
  if (!isApiKey(options.key))
    throw new Error(`not an API key: it must look like pk_${options.role}_ and 43 characters`);
  return { id: await insertKey(db, options, options.key) };
}

async function insertKey(db: Db, options: NewApiKey, key: string): Promise<string> {
  const hash = hashApiKey(key);
  await query(
    db,
    `
    insert into api_keys (id, tenant_id, principal_id, role, key_hash, expires_at) values ($1, $2, $3, $4, $5, $6)
    on conflict (key_hash) do nothing
    `,
    [uuidv7(), options.tenant_id, options.principal_id, options.role, hash, options.expires_at ?? null],
  );
  return present(await queryOne<{ id: string }>(db, `select id from api_keys where key_hash = $1`, [hash])).id;
}

export interface RevokedKey {
  id: string;
  /** Of whose it was. */
  name: string;
  role: Role;
}

/** What is named stops working at once: the key, or all of that name. Answers those that were not revoked before. */
export async function revokeApiKeys(
  db: Db,
  which: { tenant_id: string; id?: string | undefined; key?: string | undefined; name?: string | undefined },
): Promise<RevokedKey[]> {
  const { tenant_id, id = null, key, name = null } = which;
  return query<RevokedKey>(
    db,
    `
    update api_keys k set revoked_at = now() from principals p
    where p.id = k.principal_id and k.tenant_id = $1 and k.revoked_at is null
      and (k.id = $2::uuid or k.key_hash = $3 or p.name = $4)
    returning k.id, p.name, k.role
    `,
    [tenant_id, id, key === undefined ? null : hashApiKey(key), name],
  );
}

const WORKS = `k.revoked_at is null and (k.expires_at is null or k.expires_at > now())`;

/** Null for an unknown, expired or revoked key. Compares hashes, so its time tells nothing about other keys. */
export async function findPrincipalByKey(db: Db, key: string): Promise<Principal | null> {
  return queryOne<Principal>(
    db,
    `
    select p.id, p.name, k.role, p.tenant_id, t.slug as tenant
    from api_keys k
    join principals p on p.id = k.principal_id and p.tenant_id = k.tenant_id
    join tenants t on t.id = k.tenant_id
    where k.key_hash = $1 and ${WORKS}
    `,
    [hashApiKey(key)],
  );
}

/**
 * The highest role of the keys that work at this moment; null where none does. A service that never had one is Platen itself, from whom
 * nobody can have taken any.
 */
export async function heldRole(db: Db, principal: { tenant_id: string; id: string }): Promise<Role | null> {
  const row = await queryOne<{ role: Role }>(
    db,
    `
    select role from (
      select k.role from api_keys k where k.principal_id = $1 and k.tenant_id = $2 and ${WORKS}
      union all
      select 'admin' from principals p
      where p.id = $1 and p.tenant_id = $2 and p.kind = 'service'
        and not exists (select 1 from api_keys k where k.principal_id = p.id)
    ) held
    order by array_position($3::text[], role) desc limit 1
    `,
    [principal.id, principal.tenant_id, ROLES],
  );
  return row?.role ?? null;
}

function present<Row>(row: Row | null): Row {
  if (!row) throw new Error("a row vanished between two statements");
  return row;
}
