/** Who asks: `Authorization: Bearer pk_…`. Never a query parameter, which would end up in logs and histories. */
import type { Db } from "../../db.ts";
import { AppError } from "../../errors.ts";
import { isApiKey } from "../../tenants/api-key.ts";
import { mayActAs, type Principal, type Role } from "../../tenants/principal.ts";
import { findPrincipalByKey } from "../../tenants/tenant-store.ts";

/** `authorization`: the header, empty for none. Errors: `unauthenticated`, `forbidden`. */
export async function authenticate(authorization: string, db: Db, needed: Role): Promise<Principal> {
  const principal = await identify(authorization, db);
  permit(principal, needed);
  return principal;
}

/** Who it is, whatever they may do. Error: `unauthenticated`. */
export async function identify(authorization: string, db: Db): Promise<Principal> {
  const principal = await findPrincipalByKey(db, bearerKey(authorization));
  if (!principal) throw new AppError("unauthenticated", { reason: "the key is unknown, expired or revoked" });
  return principal;
}

/** Error: `forbidden`. */
export function permit({ role }: Pick<Principal, "role">, needed: Role): void {
  if (!mayActAs(role, needed)) throw new AppError("forbidden", { needed, role });
}

function bearerKey(header: string): string {
  if (header === "") throw new AppError("unauthenticated", { reason: "there is no Authorization header" });
  const key = /^Bearer +(\S+) *$/i.exec(header)?.[1];
  if (!key || !isApiKey(key)) {
    throw new AppError("unauthenticated", { reason: "the Authorization header does not hold `Bearer pk_…`" });
  }
  return key;
}
