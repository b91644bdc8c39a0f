/** Every key of the two stores, in one place. */

/** Whatever is of one project in the private store. */
export const projectPrefix = (tenant: string, project: string): string => `${tenant}/${project}/`;

/** Drafts as imported: `{tenant}/{project}/versions/{v}/…`. */
export function draftPrefix(tenant: string, project: string, version: number): string {
  return `${tenant}/${project}/versions/${version}/`;
}

/** `tile` is `{level}/{column}_{row}.{format}`. */
export function draftTileKey(tenant: string, project: string, version: number, tile: string): string {
  return `${draftPrefix(tenant, project, version)}tiles/${tile}`;
}

/** Where tiles that jobs cut are, each under its own digest: all versions of the project share them. Ends with `/`. */
export function cutTilesPrefix(tenant: string, project: string): string {
  return `${tenant}/${project}/cut/`;
}

/** Under `prefix`: 256 folders, so that none has a million objects. */
export function digestKey(prefix: string, sha256: string): string {
  return `${prefix}${sha256.slice(0, 2)}/${sha256}`;
}

/** Where the bytes of a version's tile are. */
export function tileObjectKey(
  version: { tenant: string; project: string; number: number },
  tile: { key: string; sha256: string; by_digest?: boolean },
): string {
  const { tenant, project, number } = version;
  return tile.by_digest
    ? digestKey(cutTilesPrefix(tenant, project), tile.sha256)
    : draftTileKey(tenant, project, number, tile.key);
}

/** Manifest of the tiles that a job cut: NDJSON lines `{key, size, sha256}`. */
export function cutManifestKey(tenant: string, project: string, version: number, jobId: string): string {
  return `${draftPrefix(tenant, project, version)}cut/${jobId}/tiles.ndjson`;
}

/** Content of a release as generated, before its header: canonical JSON. */
export function stagedContentKey(tenant: string, project: string, version: number, releaseId: string): string {
  return `${draftPrefix(tenant, project, version)}staged/${releaseId}/content.json`;
}

/** The tile manifest a release was generated with: NDJSON lines `{key, size, sha256}`. */
export function stagedManifestKey(tenant: string, project: string, version: number, releaseId: string): string {
  return `${draftPrefix(tenant, project, version)}staged/${releaseId}/tiles.ndjson`;
}

/** What people bring and jobs make, whatever its name is. */
export function artifactKey(tenant: string, artifactId: string): string {
  return `${tenant}/artifacts/${artifactId}`;
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
  "uploads",
] as const;
