/** Every key of the two stores, in one place. */

/** Drafts as imported: `{tenant}/{project}/versions/{v}/…`. */
export function draftPrefix(tenant: string, project: string, version: number): string {
  return `${tenant}/${project}/versions/${version}/`;
}

/** `tile` is `{level}/{column}_{row}.{format}`. */
export function draftTileKey(tenant: string, project: string, version: number, tile: string): string {
  return `${draftPrefix(tenant, project, version)}tiles/${tile}`;
}

/** Content of a release as generated, before its header: canonical JSON. */
export function stagedContentKey(tenant: string, project: string, version: number, releaseId: string): string {
  return `${draftPrefix(tenant, project, version)}staged/${releaseId}/content.json`;
}

/** The tile manifest a release was generated with: NDJSON lines `{key, size, sha256}`. */
export function stagedManifestKey(tenant: string, project: string, version: number, releaseId: string): string {
  return `${draftPrefix(tenant, project, version)}staged/${releaseId}/tiles.ndjson`;
}

/** Public folder of a tile set, shared by all releases that use the same pyramid. */
export function publicTilesPrefix(project: string, tileSetDigest: string): string {
  return `${project}/tiles/${tileSetDigest}/`;
}

/** `{prefix}tiles.dzi` and `{prefix}tiles_files/{tile}`: OpenSeadragon opens the former. */
export function publicTileKey(project: string, tileSetDigest: string, tile: string): string {
  return `${publicTilesPrefix(project, tileSetDigest)}tiles_files/${tile}`;
}

export function publicDescriptorKey(project: string, tileSetDigest: string): string {
  return `${publicTilesPrefix(project, tileSetDigest)}tiles.dzi`;
}

export function releaseKey(project: string, releaseId: string): string {
  return `${project}/releases/${releaseId}/release.json`;
}

/** `/{environment}/{project}/release.json`: what viewers load. */
export function pointerUrl(environment: string, project: string): string {
  return `/${environment}/${project}/release.json`;
}

/** First segments of public paths that are not projects: a project may not take one as its slug. */
export const RESERVED_SLUGS = [
  "api",
  "dev",
  "staging",
  "production",
  "projects",
  "jobs",
  "job-types",
  "groups",
  "schedules",
  "tenants",
  "releases",
  "ui",
  "ws",
  "healthz",
  "readyz",
  "metrics",
  "openapi",
  "openapi-json",
  "docs",
  "assets",
  "static",
  "versions",
  "artifacts",
] as const;
