/** A project folder (docs/project-folder.md), read and checked as far as a folder can be checked without a server. */
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import type { z } from "zod";
import { AppError, reasonOf } from "../../errors.ts";
import { projectFile } from "../../projects/project-folder.ts";
import { readOverlays } from "../../projects/read-overlays.ts";
import { judge } from "../../projects/schema-problems.ts";
import { parseDescriptor } from "../../tiles/descriptor.ts";
import type { Descriptor } from "../../tiles/dzi.ts";
import { findPyramid } from "./find-pyramid.ts";
import { folderInvalid } from "./folder-invalid.ts";
import { parseJsonText } from "./parse-json-text.ts";
import { readText, requireFile } from "./read-text.ts";
import { readTiles, type LocalTile } from "./read-tiles.ts";

export interface ProjectFolder {
  path: string;
  project: z.output<typeof projectFile>;
  overlays: { path: string; count: number };
  descriptorPath: string;
  tiles: LocalTile[];
  /** Files that are no part of the format, relative to the folder: tools and systems leave some. A folder ends with `/`. */
  skipped: string[];
  /** Files named like tiles that the descriptor does not call for, relative to the folder. */
  superfluous: string[];
}

/** Errors: `folder_invalid` with the file and what is wrong with it, and where. */
export async function readProjectFolder(folder: string, signal: AbortSignal): Promise<ProjectFolder> {
  const path = resolve(folder);
  const found = await stat(path).catch((cause: unknown) => {
    throw folderInvalid(folder, "there is no such folder", { cause });
  });
  if (!found.isDirectory()) throw folderInvalid(folder, "it is a file, not a folder");
  const project = await readProject(join(path, "project.json"), folder);
  const overlaysPath = join(path, "overlays.geojson");
  const overlays = { path: overlaysPath, count: await countOverlays(overlaysPath, signal) };
  const pyramid = await findPyramid(path);
  const descriptor = await readDescriptor(pyramid.descriptor);
  const { tiles, superfluous, skipped } = await readTiles(pyramid.tiles, descriptor);
  const parts = new Set(["project.json", "overlays.geojson", basename(pyramid.descriptor), basename(pyramid.tiles)]);
  const strange = (await readdir(path, { withFileTypes: true })).filter(({ name }) => !parts.has(name));
  const inside = (paths: readonly string[]): string[] =>
    paths.map((each) => relative(path, each) + (each.endsWith("/") ? "/" : ""));
  return {
    path,
    project,
    overlays,
    descriptorPath: pyramid.descriptor,
    tiles,
    skipped: [...strange.map((each) => each.name + (each.isDirectory() ? "/" : "")), ...inside(skipped)],
    superfluous: inside(superfluous),
  };
}

async function readProject(path: string, folder: string): Promise<ProjectFolder["project"]> {
  const text = await readText(path, `is this a project folder? ${folder} has no project.json`);
  const { data, problems, count } = judge(projectFile, parseJsonText(path, text));
  if (data) return data;
  const [first] = problems;
  const place = `${first.path || "/"}: ${first.message}`;
  throw folderInvalid(path, `${count} field(s) are wrong; the first: ${place}`, { problems });
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
    throw folderInvalid(path, reasonInFile(error), { cause: error, problems });
  }
  return count;
}

/** What the gateway would say of a body, said of a file. */
function reasonInFile(error: unknown): string {
  const isOfBody = error instanceof AppError && (error.code === "malformed_json" || error.code === "incomplete_body");
  return isOfBody ? String(error.facts["reason"]) : reasonOf(error);
}

async function readDescriptor(path: string): Promise<Descriptor> {
  const text = await readText(path, "make it with `vips dzsave IMAGE tiles`, or with sharp's tile output");
  try {
    return parseDescriptor(text);
  } catch (error) {
    throw folderInvalid(path, reasonOf(error), { cause: error });
  }
}
