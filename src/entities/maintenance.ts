/** What maintenance remembers from one run to the next. */
import { defineEntity, p } from "@mikro-orm/core";
import { moment, now, reference } from "./columns.ts";
import { Tenant } from "./tenants.ts";

/** Objects of a store that no record refers to. */
export const OrphanObject = defineEntity({
  name: "OrphanObject",
  tableName: "orphan_objects",
  checks: [{ name: "orphan_objects_store_check", expression: "store in ('private', 'public')" }],
  properties: {
    store: p.text().primary(),
    /** An object's key, or a prefix that ends with `/`. */
    prefix: p.text().primary(),
    /** Null for objects of a project that is gone. */
    tenant_id: reference(Tenant).nullable(),
    orphan_since: now(),
    /** Who is removing them; null for nobody. */
    holder: p.text().nullable(),
    beat_at: moment().nullable(),
  },
});
