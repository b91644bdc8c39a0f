/** Who may do what: tenants, their principals (people and services), and the principals' keys. */
import { defineEntity, p } from "@mikro-orm/core";
import { moment, now, reference } from "./columns.ts";

export const Tenant = defineEntity({
  name: "Tenant",
  tableName: "tenants",
  uniques: [{ name: "tenants_slug_unique", properties: ["slug"] }],
  properties: {
    id: p.uuid().primary(),
    slug: p.text(),
    name: p.text(),
    created_at: now(),
  },
});

export const Principal = defineEntity({
  name: "Principal",
  tableName: "principals",
  uniques: [{ name: "principals_name_unique", properties: ["tenant_id", "name"] }],
  checks: [{ name: "principals_kind_check", expression: "kind in ('person', 'service')" }],
  properties: {
    id: p.uuid().primary(),
    tenant_id: reference(Tenant),
    name: p.text(),
    kind: p.text().default("person"),
    created_at: now(),
  },
});

export const ApiKey = defineEntity({
  name: "ApiKey",
  tableName: "api_keys",
  uniques: [{ name: "api_keys_hash_unique", properties: ["key_hash"] }],
  checks: [{ name: "api_keys_role_check", expression: "role in ('viewer', 'operator', 'admin')" }],
  properties: {
    id: p.uuid().primary(),
    tenant_id: reference(Tenant),
    principal_id: reference(Principal),
    role: p.text(),
    /** SHA-256 of the key, lower-case hex. */
    key_hash: p.text(),
    created_at: now(),
    expires_at: moment().nullable(),
    revoked_at: moment().nullable(),
  },
});
