/** Bytes that people bring and jobs make, by reference to the private store. */
import { defineEntity, p } from "@mikro-orm/core";
import { moment, now, reference } from "./columns.ts";
import { Job } from "./jobs.ts";
import { Project, Version } from "./projects.ts";
import { Principal, Tenant } from "./tenants.ts";

export const Artifact = defineEntity({
  name: "Artifact",
  tableName: "artifacts",
  indexes: [
    { name: "artifacts_tenant_index", properties: ["tenant_id", "created_at", "id"] },
    { name: "artifacts_job_index", properties: ["job_id"] },
    { name: "artifacts_expiry_index", properties: ["expires_at"] },
  ],
  checks: [{ name: "artifacts_kind_check", expression: "kind in ('upload', 'result', 'errors')" }],
  properties: {
    id: p.uuid().primary(),
    tenant_id: reference(Tenant),
    /** `upload`: brought by somebody; `result`, `errors`: made by the job. */
    kind: p.text(),
    job_id: reference(Job).nullable(),
    project_id: reference(Project).nullable(),
    /** File name as people see it, in any script. */
    name: p.text(),
    media_type: p.text(),
    /** Bytes. */
    size: p.bigint(),
    /** Lower-case hex. */
    sha256: p.text(),
    created_by: reference(Principal).nullable(),
    created_at: now(),
    expires_at: moment().nullable(),
  },
});

/** The picture that a draft's tiles are cut from. */
export const SourcePicture = defineEntity({
  name: "SourcePicture",
  tableName: "source_pictures",
  properties: {
    version_id: reference(Version).primary(),
    tenant_id: reference(Tenant),
    artifact_id: reference(Artifact),
    /** Pixels, as it is seen. */
    width: p.integer(),
    height: p.integer(),
    updated_at: now(),
  },
});
