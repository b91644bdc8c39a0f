/** A project folder (docs/project-folder.md), read and checked as far as a folder can be checked without a server. */
import { createReadStream } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import type { z } from "zod";
import type { Problem } from "../../../contract/publish.ts";
import { AppError, reasonOf } from "../../errors.ts";
import { projectFile } from "../../projects/project-folder.ts";
import { readOverlays } from "../../projects/read-overlays.ts";
import { judge } from "../../projects/schema-problems.ts";
import { parseDescriptor } from "../../tiles/descriptor.ts";
import { expectedTile, tileCount, expectedTiles, type Descriptor } from "../../tiles/dzi.ts";
import { parseJsonText } from "./parse-json-text.ts";

export interface LocalTile {
  /** `{level}/{column}_{row}.{format}` */
  key: string;
  path: string;
  /** Bytes. */
  size: number;
}

export interface ProjectFolder {
  path: string;
  project: z.output<typeof projectFile>;
  overlays: { path: string; count: number };
  descriptorPath: string;
  tiles: LocalTile[];
  /** Files that are no part of the format, relative to the folder: tools and systems leave some. */
  skipped: string[];
}

/** Missing tiles that are named one by one. */
const NAMED_TILES = 10;

/** Errors: `folder_invalid` with the file and what is wrong with it, and where. */
export async function readProjectFolder(folder: string, signal: AbortSignal): Promise<ProjectFolder> {
  const path = resolve(folder);
  const found = await stat(path).catch((cause: unknown) => {
    throw invalid(folder, "there is no such folder", { cause });
  });
  if (!found.isDirectory()) throw invalid(folder, "it is a file, not a folder");
  const project = await readProject(join(path, "project.json"), folder);
  const overlaysPath = join(path, "overlays.geojson");
  const overlays = { path: overlaysPath, count: await countOverlays(overlaysPath, signal) };
  const descriptorPath = join(path, "tiles.dzi");
  const descriptor = await readDescriptor(descriptorPath);
  const { tiles, skipped } = await listTiles(join(path, "tiles_files"), descriptor);
  const strange = (await readdir(path)).filter((name) => !PARTS.has(name));
  const skippedNames = [...strange, ...skipped.map((each) => relative(path, each))];
  return { path, project, overlays, descriptorPath, tiles, skipped: skippedNames };
}

const PARTS = new Set(["project.json", "overlays.geojson", "tiles.dzi", "tiles_files"]);

async function readProject(path: string, folder: string): Promise<ProjectFolder["project"]> {
  const text = await readText(path, `is this a project folder? ${folder} has no project.json`);
  const { data, problems } = judge(projectFile, parseJsonText(path, text));
  if (data) return data;
  const [first] = problems;
  throw invalid(path, `${problems.length} field(s) are wrong; the first: ${first.path || "/"}: ${first.message}`, {
    problems,
  });
}

/** Reads them all, in flat memory: a wrong overlay is told with its number before anything is sent. */
async function countOverlays(path: string, signal: AbortSignal): Promise<number> {
  await requireFile(path, "an empty map has a FeatureCollection without features");
  let count = 0;
  try {
    for await (const _ of readOverlays(createReadStream(path, { signal }), "collection")) count += 1;
  } catch (error) {
    if (signal.aborted) throw error;
    const problems = error instanceof AppError ? error.problems : [];
    throw invalid(path, reasonOf(error), { cause: error, problems });
  }
  return count;
}

async function readDescriptor(path: string): Promise<Descriptor> {
  const text = await readText(path, "make it with `vips dzsave IMAGE tiles`, or with sharp's tile output");
  try {
    return parseDescriptor(text);
  } catch (error) {
    throw invalid(path, reasonOf(error), { cause: error });
  }
}

async function listTiles(path: string, descriptor: Descriptor): Promise<{ tiles: LocalTile[]; skipped: string[] }> {
  await requireFile(path, "it holds the tiles that tiles.dzi describes");
  const found = new Map<string, LocalTile>();
  const skipped: string[] = [];
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) continue;
    const file = join(entry.parentPath, entry.name);
    const key = relative(path, file).replaceAll("\\", "/");
    if (expectedTile(descriptor, key)) found.set(key, { key, path: file, size: (await stat(file)).size });
    else skipped.push(file);
  }
  requireAll(path, descriptor, found);
  return { tiles: [...found.values()], skipped };
}

function requireAll(path: string, descriptor: Descriptor, found: Map<string, LocalTile>): void {
  const absent = tileCount(descriptor) - found.size;
  if (absent === 0) return;
  const named: Problem[] = [];
  for (const { key } of expectedTiles(descriptor)) {
    if (named.length === NAMED_TILES) break;
    if (!found.has(key))
      named.push({ code: "tile_missing", path: `/${key}`, message: "tiles.dzi calls for this tile." });
  }
  throw invalid(path, `${absent} tile(s) are missing; the first: ${named[0]?.path.slice(1)}`, { problems: named });
}

async function requireFile(path: string, hint: string): Promise<void> {
  await stat(path).catch((cause: unknown) => {
    throw invalid(path, `it is missing; ${hint}`, { cause });
  });
}

async function readText(path: string, hint: string): Promise<string> {
  await requireFile(path, hint);
  const bytes = await readFile(path);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw invalid(path, "it is not UTF-8", { cause });
  }
}

function invalid(path: string, reason: string, more: { cause?: unknown; problems?: Problem[] } = {}): AppError {
  return new AppError("folder_invalid", { path, reason }, more);
}
