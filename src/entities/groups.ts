/** What a group, or a publish whose tiles are missing, starts: its members, before and after they are jobs. */
import { defineEntity, p } from "@mikro-orm/core";
import { reference } from "./columns.ts";
import { Job } from "./jobs.ts";
import { Tenant } from "./tenants.ts";

export const GroupMember = defineEntity({
  name: "GroupMember",
  tableName: "group_members",
  uniques: [{ name: "group_members_key_unique", properties: ["group_id", "key"] }],
  properties: {
    group_id: reference(Job).primary(),
    /** Its place in the request, from 0. */
    position: p.integer().primary().autoincrement(false),
    key: p.text(),
    tenant_id: reference(Tenant),
    /** Derived from the group's id and the key. No reference: the job is inserted when it is due. */
    job_id: p.uuid(),
    job_type: p.text(),
    payload: p.json(),
    title: p.text().nullable(),
    priority: p.smallint().default(3),
    /** Its share of the group's progress. */
    weight: p.double().default(1),
    /** Keys. */
    depends_on: p.array().defaultRaw("'{}'"),
    /** A retry of the group runs it once more. */
    again: p.boolean().default(false),
    /** Why no job could be made of it when it was due; null for all others. */
    refused: p.json().nullable(),
    /** The end that the group's ledger has told last. */
    told: p.text().nullable(),
    /** That retry passes by the member's own limit of retries. */
    force: p.boolean().default(false),
  },
});
