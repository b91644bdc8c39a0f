/** Versions of a project, as the commands need them. */
import { CliError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import type { Server } from "./server.ts";

export interface VersionView {
  version: number;
  status: "draft" | "published";
}

export const projectPath = (project: string): string => `/projects/${encodeURIComponent(project)}`;
export const versionPath = (project: string, version: number): string => `${projectPath(project)}/versions/${version}`;

/** Newest first. Errors: the server's `project_not_found`. */
export async function listVersions(server: Server, project: string): Promise<VersionView[]> {
  const { versions } = await server.ask<{ versions: VersionView[] }>("GET", `${projectPath(project)}/versions`, {
    holds: "versions",
  });
  return versions.toSorted((a, b) => b.version - a.version);
}

/** Errors: `no_version` when the project has none. */
export async function newestVersion(server: Server, project: string): Promise<VersionView> {
  const [newest] = await listVersions(server, project);
  if (newest) return newest;
  throw new CliError(EXIT.refused, "no_version", `Project ${project} has no version yet.`, {
    lines: ["Import one: `platen import FOLDER --project SLUG`."],
  });
}
