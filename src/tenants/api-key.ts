/** API keys: `pk_<role>_<43 base64url characters>`. The role in it is for the eye; the row decides. */
import { createHash, randomBytes } from "node:crypto";
import { ROLES, type Role } from "./principal.ts";

const FORM = new RegExp(`^pk_(${ROLES.join("|")})_[A-Za-z0-9_-]{43}$`);

/** A new key with 256 random bits. */
export function generateApiKey(role: Role): string {
  return `pk_${role}_${randomBytes(32).toString("base64url")}`;
}

export function isApiKey(text: string): boolean {
  return FORM.test(text);
}

/** What is stored: SHA-256, lower-case hex. A key is 256 random bits, so a slow hash would add nothing. */
export function hashApiKey(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}
