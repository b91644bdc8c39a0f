/** From a picture in a file to tiles in the private store, each under its digest, and the manifest of them. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../../errors.ts";
import type { Intake, TakenFile } from "../../storage/object-store.ts";
import { parseDescriptor } from "../descriptor.ts";
import { expectedTiles, type Descriptor } from "../dzi.ts";
import { createCutCounter } from "./cut-progress.ts";
import type { CutPlan } from "./picture-messages.ts";
import type { PictureSettings } from "./picture-settings.ts";
import { runPictureChild } from "./run-picture-child.ts";

/** Between two looks at how far it is. */
const LOOK_MS = 500;
/** Tiles between two reports: some 20 ms. */
const BATCH = 512;

/** The folder of the tiles, `{level}/{column}_{row}.{format}`. `onTiles`: how many there are so far. Errors: those of `runPictureChild`. */
export async function cutTiles(options: {
  /** Path. */
  picture: string;
  scratch: string;
  plan: Omit<CutPlan, "layout">;
  pyramid: Descriptor;
  settings: PictureSettings;
  signal: AbortSignal;
  onTiles: (tiles: number) => void;
}): Promise<string> {
  const { picture, scratch, plan, pyramid, settings, signal, onTiles } = options;
  const into = join(scratch, "cut");
  const folder = `${into}_files`;
  const count = createCutCounter(folder, pyramid);
  const watch = setInterval(() => void count().then(onTiles), LOOK_MS);
  try {
    const cut = { ...plan, layout: "dz" as const, into };
    await runPictureChild({ picture, scratch, cut }, settings, { doing: "cut", signal });
  } finally {
    clearInterval(watch);
  }
  // What was measured may have been another decoder's opinion: the pyramid has to be the one that was announced.
  const { width, height } = parseDescriptor(await readFile(`${into}.dzi`));
  if (width !== pyramid.width || height !== pyramid.height) {
    const reason = `it is ${width} × ${height} pixels when it is decoded, and its header says ${pyramid.width} × ${pyramid.height}`;
    throw new AppError("picture_unreadable", { reason });
  }
  return folder;
}

/** Every tile that the pyramid calls for, in the byte order of their keys, as it was put. Throws the signal's reason when it aborts. */
export async function* takeTiles(options: {
  intake: Intake;
  /** Of the objects' keys. */
  prefix: string;
  folder: string;
  pyramid: Descriptor;
  signal: AbortSignal;
}): AsyncGenerator<(TakenFile & { key: string })[], void, undefined> {
  const { intake, prefix, folder, pyramid, signal } = options;
  const keys: string[] = [];
  for (const { key } of expectedTiles(pyramid)) keys.push(key);
  keys.sort();
  for (let at = 0; at < keys.length; at += BATCH) {
    const batch = keys.slice(at, at + BATCH);
    const taken = await intake.take(
      prefix,
      batch.map((key) => join(folder, key)),
      { signal },
    );
    yield taken.map((file, index) => ({ ...file, key: batch[index] ?? "" }));
  }
}
