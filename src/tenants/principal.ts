/** Who may do what. */

export const ROLES = ["viewer", "operator", "admin"] as const;

/** Each role may do what the ones before it may. */
export type Role = (typeof ROLES)[number];

/** Who asks: every look-up of a store function is scoped by `tenant_id`. */
export interface Principal {
  id: string;
  name: string;
  role: Role;
  tenant_id: string;
  /** Slug of the tenant, first segment of keys in the private store. */
  tenant: string;
}

/** The lesser of two. */
export const lesserRole = (one: Role, other: Role): Role => (mayActAs(one, other) ? other : one);

export function mayActAs(held: Role, needed: Role): boolean {
  return ROLES.indexOf(held) >= ROLES.indexOf(needed);
}
