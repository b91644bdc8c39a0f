/** Releases, and what was live where, from when. */
import { defineEntity, p } from "@mikro-orm/core";
import { moment, now, reference } from "./columns.ts";
import { Job } from "./jobs.ts";
import { Project, Version } from "./projects.ts";
import { Principal, Tenant } from "./tenants.ts";

/** Id and time of a draft revision's release, fixed by whichever publish asks first. */
export const ReleaseReservation = defineEntity({
  name: "ReleaseReservation",
  tableName: "release_reservations",
  uniques: [{ name: "release_reservations_release_unique", properties: ["release_id"] }],
  properties: {
    version_id: reference(Version).primary(),
    revision: p.integer().primary().autoincrement(false),
    tenant_id: reference(Tenant),
    release_id: p.text(),
    published_at: moment(),
    /** SHA-256 of the content, once it was generated first. */
    digest: p.text().nullable(),
  },
});

export const Release = defineEntity({
  name: "Release",
  tableName: "releases",
  uniques: [{ name: "releases_version_unique", properties: ["version_id"] }],
  indexes: [{ name: "releases_project_index", properties: ["project_id", "created_at"] }],
  properties: {
    /** `rel_YYYYMMDDHHMMSS_xxxxxxxx` */
    id: p.text().primary(),
    tenant_id: reference(Tenant),
    project_id: reference(Project),
    version_id: reference(Version),
    revision: p.integer(),
    /** SHA-256 of the content's canonical bytes, lower-case hex. */
    digest: p.text(),
    tile_set_digest: p.text(),
    bytes: p.integer(),
    overlay_count: p.integer(),
    tile_count: p.integer(),
    published_at: moment(),
    created_by: reference(Principal).nullable(),
    created_at: now(),
  },
});

/** The newest epoch of each environment; it only ever grows. */
export const EnvironmentRow = defineEntity({
  name: "Environment",
  tableName: "environments",
  properties: {
    project_id: reference(Project).primary(),
    environment: p.text().primary(),
    tenant_id: reference(Tenant),
    epoch: p.integer(),
  },
});

/** Append-only. One per job: a job switches once for life. */
export const EnvironmentRelease = defineEntity({
  name: "EnvironmentRelease",
  tableName: "environment_releases",
  uniques: [{ name: "environment_releases_job_unique", properties: ["job_id"] }],
  properties: {
    project_id: reference(Project).primary(),
    environment: p.text().primary(),
    epoch: p.integer().primary().autoincrement(false),
    tenant_id: reference(Tenant),
    release_id: reference(Release),
    job_id: reference(Job),
    nonce: p.text(),
    switched_at: now(),
  },
});

/** A prefix of the public store that an upload counts on: a clean-up must not take it. */
export const ObjectClaim = defineEntity({
  name: "ObjectClaim",
  tableName: "object_claims",
  properties: {
    project_id: reference(Project).primary(),
    prefix: p.text().primary(),
    job_id: reference(Job).primary(),
    tenant_id: reference(Tenant),
    claimed_at: now(),
  },
});

/** A tile set of the public store whose every byte was read and found right at `verified_at`. */
export const VerifiedTileSet = defineEntity({
  name: "VerifiedTileSet",
  tableName: "verified_tile_sets",
  properties: {
    project_id: reference(Project).primary(),
    digest: p.text().primary(),
    tenant_id: reference(Tenant),
    /** What the store knew of its objects then (`Inspection`). */
    seal: p.text(),
    verified_at: moment(),
  },
});
