/** Puts a project folder into a draft version. Every request but the two that create can be repeated, so an import can be. */
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { CliError } from "../cli-error.ts";
import type { Server } from "../server.ts";
import { listVersions, projectPath, versionPath, type VersionView } from "../versions.ts";
import type { ProjectFolder } from "./read-project-folder.ts";
import { uploadTiles } from "./upload-tiles.ts";

export interface ImportRequest {
  server: Server;
  folder: ProjectFolder;
  slug: string;
  /** Undefined: the newest draft, or a new version where there is none. */
  version: number | "new" | undefined;
  /** Tiles on their way at a time. */
  parallel: number;
  /** Also the tiles that the server has. */
  resend: boolean;
  signal: AbortSignal;
  say: (line: string) => void;
  /** After each tile, sent or found there: how many are done, and the size of this one. */
  onTile: (done: number, size: number) => void;
}

export interface ImportSummary {
  project: string;
  version: number;
  /** Was it made by this import? */
  created: { project: boolean; version: boolean };
  overlays: number;
  tiles_sent: number;
  tiles_reused: number;
  bytes_sent: number;
}

const RETRIES = 4;

export async function uploadProject(request: ImportRequest): Promise<ImportSummary> {
  const { server, folder, slug, say } = request;
  const created = { project: await ensureProject(server, slug, folder.project.name), version: false };
  if (created.project) say(`Made the project ${slug}.`);
  const draft = await ensureDraft(request);
  created.version = draft.created;
  say(`${draft.created ? "Made" : "Using"} version ${draft.number} of ${slug}.`);
  const path = versionPath(slug, draft.number);
  await server.tell("PUT", `${path}/config`, { json: folder.project.config, retries: RETRIES });
  await server.tell("PUT", `${path}/layers`, { json: folder.project.layers, retries: RETRIES });
  say(`Put config and ${folder.project.layers.length} layers.`);
  await server.tell("PUT", `${path}/overlays`, {
    headers: { "content-type": "application/geo+json" },
    body: () => Readable.toWeb(createReadStream(folder.overlays.path)) as ReadableStream,
    retries: RETRIES,
    // The answer comes when all of them are in the database.
    timeout: 0,
  });
  say(`Put ${folder.overlays.count} overlays.`);
  const descriptor = await readFile(folder.descriptorPath);
  const headers = { "content-type": "application/xml" };
  await server.tell("PUT", `${path}/tiles.dzi`, { headers, body: () => descriptor, retries: RETRIES });
  const tiles = await uploadTiles({ ...request, tiles: folder.tiles, path: `${path}/tiles` });
  return { project: slug, version: draft.number, created, overlays: folder.overlays.count, ...tiles };
}

/** True if it had to be made. */
export async function ensureProject(server: Server, slug: string, name: string): Promise<boolean> {
  try {
    await server.tell("POST", "/projects", { json: { slug, name } });
    return true;
  } catch (error) {
    if (!(error instanceof CliError) || error.code !== "project_exists") throw error;
    // Slugs are unique over all tenants: this one may be another's.
    await server.tell("GET", projectPath(slug)).catch((refused: unknown) => {
      throw refused instanceof CliError && refused.code === "project_not_found" ? error : refused;
    });
    return false;
  }
}

/** The version, else the newest draft, else a new one. */
export async function ensureDraft({
  server,
  slug,
  version,
}: Pick<ImportRequest, "server" | "slug" | "version">): Promise<{ number: number; created: boolean }> {
  if (typeof version === "number") return { number: version, created: false };
  const [draft] =
    version === "new" ? [] : (await listVersions(server, slug)).filter(({ status }) => status === "draft");
  if (draft) return { number: draft.version, created: false };
  const made = await server.ask<VersionView>("POST", `${projectPath(slug)}/versions`, { json: {}, holds: "version" });
  return { number: made.version, created: true };
}
