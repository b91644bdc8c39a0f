/** Drafts: projects, their versions, and what a version is made of. */
import { defineEntity, p } from "@mikro-orm/core";
import { moment, now, reference } from "./columns.ts";
import { Principal, Tenant } from "./tenants.ts";

export const Project = defineEntity({
  name: "Project",
  tableName: "projects",
  uniques: [{ name: "projects_slug_unique", properties: ["slug"] }],
  indexes: [{ name: "projects_tenant_index", properties: ["tenant_id", "slug"] }],
  properties: {
    id: p.uuid().primary(),
    tenant_id: reference(Tenant),
    slug: p.text(),
    name: p.text(),
    created_by: reference(Principal).nullable(),
    created_at: now(),
  },
});

export const Version = defineEntity({
  name: "Version",
  tableName: "versions",
  uniques: [{ name: "versions_number_unique", properties: ["project_id", "number"] }],
  checks: [{ name: "versions_status_check", expression: "status in ('draft', 'published')" }],
  properties: {
    id: p.uuid().primary(),
    tenant_id: reference(Tenant),
    project_id: reference(Project),
    /** From 1 within the project. */
    number: p.integer(),
    status: p.text().default("draft"),
    /** Bumped by every edit and every tile; a publish switches only if it is still what was validated. */
    revision: p.integer().default(1),
    published_at: moment().nullable(),
    created_by: reference(Principal).nullable(),
    created_at: now(),
    updated_at: now(),
  },
});

export const Config = defineEntity({
  name: "Config",
  tableName: "configs",
  properties: {
    version_id: reference(Version).primary(),
    tenant_id: reference(Tenant),
    body: p.json(),
    updated_at: now(),
  },
});

export const Layer = defineEntity({
  name: "Layer",
  tableName: "layers",
  indexes: [{ name: "layers_version_index", properties: ["version_id", "sort_order"] }],
  properties: {
    id: p.uuid().primary(),
    tenant_id: reference(Tenant),
    version_id: reference(Version),
    ref: p.text(),
    label: p.json(),
    style: p.json().nullable(),
    visible: p.boolean().default(true),
    sort_order: p.integer(),
  },
});

export const Overlay = defineEntity({
  name: "Overlay",
  tableName: "overlays",
  indexes: [{ name: "overlays_ref_index", properties: ["version_id", "ref"] }],
  // Only its name is compared; schema.sql has the whole of it.
  triggers: [
    {
      name: "overlays_forget_derived",
      timing: "before",
      events: ["update"],
      expression: "-- migrations/0002_derive_overlays.ts",
    },
  ],
  properties: {
    version_id: reference(Version).primary(),
    sort_order: p.integer().primary().autoincrement(false),
    tenant_id: reference(Tenant),
    ref: p.text(),
    type: p.text(),
    layer: p.text().nullable(),
    label: p.json(),
    geometry: p.json(),
    properties: p.json(),
    style: p.json().nullable(),
    visible: p.boolean().default(true),
    /** As it stands in release.json; derived from the columns above by the rules number `formatted`, 0 for not at all. */
    release_text: p.text().nullable(),
    formatted: p.smallint().default(0),
    /** What is wrong with the geometry, by the rules number `checked`, 0 for not looked at; null: nothing. */
    geometry_problem: p.text().nullable(),
    checked: p.smallint().default(0),
  },
});

export const TileSet = defineEntity({
  name: "TileSet",
  tableName: "tile_sets",
  checks: [{ name: "tile_sets_format_check", expression: "format in ('jpg', 'jpeg', 'png', 'webp')" }],
  properties: {
    version_id: reference(Version).primary(),
    tenant_id: reference(Tenant),
    width: p.integer(),
    height: p.integer(),
    tile_size: p.integer(),
    overlap: p.integer(),
    format: p.text(),
    updated_at: now(),
  },
});

export const Tile = defineEntity({
  name: "Tile",
  tableName: "tiles",
  properties: {
    version_id: reference(Version).primary(),
    /** `{level}/{column}_{row}.{format}`; sorted by bytes, so that a manifest has one order everywhere. */
    key: p.text().primary().collation("C"),
    tenant_id: reference(Tenant),
    /** Bytes. */
    size: p.integer(),
    /** Lower-case hex. */
    sha256: p.text(),
    media_type: p.text(),
    /** It lies under its digest and never changes (cut by a job), else under its key. */
    by_digest: p.boolean().default(false),
  },
});
