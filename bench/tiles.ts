/**
 * What does it cost to cut tiles as a job?
 *
 * Theirs: `vips dzsave` of a picture of 8,192² pixels in JPEG tiles. Ours: a job of type tile_generation of the same picture in the same
 * tiles, asked for over HTTP, from its first step to its end by its own record: fetched, cut, hashed, put, flushed, in the manifest, attached.
 * A second goal is the cutting alone, the same process that the job starts, its start included.
 * Both libvips write JPEG of quality 75 without optimised codes; Debian's is built on libjpeg-turbo, ours on mozjpeg.
 */
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import sharp from "sharp";
import type { TileGenerationResult } from "../contract/tile-generation.ts";
import { runPictureChild } from "../src/tiles/cut/run-picture-child.ts";
import type { Bench, BenchRoom } from "./support/bench.ts";
import { stepSeconds, type SeenJob } from "./support/publish-over-http.ts";
import { startStack, type BenchStack } from "./support/stack.ts";
import { inTurns, median, round, summary, timed } from "./support/turns.ts";

const SIDE = 8_192;
const ROUNDS = 5;
const PLAN = { tile_size: 254, overlap: 1, format: "jpeg", quality: 75 } as const;
const TILES = 1_505;
/** Of the speed of `vips dzsave`: the goal of the cutting alone. */
const CUTTING_AT_LEAST = 0.95;
const LIMITS = { pixels: 1e9, seconds: 600, memory_mb: 2_048 };

export const tiles: Bench = {
  name: "tiles",
  question: "How fast does a job cut a picture of 8,192² pixels, against vips dzsave of the same picture?",
  unit: "megapixels/s",
  goal: { at_least: 0.8 },
  async run(room) {
    const vips = await vipsVersion();
    room.tell("drawing the picture");
    const picture = join(room.folder, "picture.jpg");
    await draw(picture);
    const stack = await startStack(room);
    // The first of each loads what stays loaded.
    await job(room, stack, picture, "warm");
    await dzsave(room, picture);
    const turns = await inTurns(ROUNDS, {
      ours: async (at) => ({ whole: await job(room, stack, picture, `map-${at}`), cut: await cutAlone(room, picture) }),
      theirs: () => dzsave(room, picture),
    });
    const speeds = (seconds: number[]): number[] => seconds.map((each) => SIDE ** 2 / 1e6 / each);
    const [ours, theirs] = [speeds(turns.ours.map(({ whole }) => whole)), speeds(turns.theirs)];
    const cutting = speeds(turns.ours.map(({ cut }) => cut));
    const ratio = median(cutting) / median(theirs);
    return {
      ours: median(ours),
      theirs: median(theirs),
      alsoMet: ratio >= CUTTING_AT_LEAST,
      details: {
        ...{ tiles: TILES, vips, sharp: sharp.versions.vips },
        ...{ ours: summary(ours), theirs: summary(theirs) },
        cutting_alone: { ...summary(cutting), ratio: round(ratio), goal: `≥ ${CUTTING_AT_LEAST}` },
      },
    };
  },
};

/** Error: how to install it. */
async function vipsVersion(): Promise<string> {
  const { stdout } = await promisify(execFile)("vips", ["--version"]).catch((cause: unknown) => {
    throw new Error("vips is not installed: apt-get install -y --no-install-recommends libvips-tools", { cause });
  });
  return stdout.trim();
}

/** Soft shapes with grain on them: as hard to pack as an aerial view, 12 MB. */
async function draw(path: string): Promise<void> {
  const noise = { type: "gaussian", mean: 128, sigma: 40 } as const;
  const create = { width: 1_024, height: 1_024, channels: 3, background: "#888", noise } as const;
  const grain = await sharp({ create }).blur(6).normalise().png().toBuffer();
  const ground = { width: SIDE, height: SIDE, channels: 3, background: "#24708a" } as const;
  await sharp({ create: ground, limitInputPixels: false })
    .composite([{ input: grain, tile: true }])
    .jpeg({ quality: 90 })
    .toFile(path);
}

/** Seconds from the job's start to its end. */
async function job(room: BenchRoom, stack: BenchStack, picture: string, project: string): Promise<number> {
  const headers = { authorization: `Bearer ${stack.api_keys.admin}` };
  const ask = async <T>(
    method: string,
    path: string,
    body: NonNullable<RequestInit["body"]>,
    type = "application/json",
  ): Promise<T> => {
    const answer = await fetch(`${stack.gateway}${path}`, {
      method,
      body,
      headers: { ...headers, "content-type": type },
    });
    if (!answer.ok) throw new Error(`${path} was answered with ${answer.status}: ${await answer.text()}`);
    return (await answer.json()) as T;
  };
  await ask("POST", "/projects", JSON.stringify({ slug: project, name: project }));
  await ask("POST", `/projects/${project}/versions`, "{}");
  await ask("PUT", `/projects/${project}/versions/1/source`, await readFile(picture), "image/jpeg");
  const payload = { project, version: 1, ...PLAN };
  const { id } = await ask<{ id: string }>("POST", "/jobs", JSON.stringify({ type: "tile_generation", payload }));
  // The stream ends with the job.
  await (await fetch(`${stack.gateway}/jobs/${id}/stream`, { headers })).text();
  const read = await fetch(`${stack.gateway}/jobs/${id}`, { headers });
  const ended = (await read.json()) as SeenJob & { result: TileGenerationResult | null };
  if (ended.result?.tile_count !== TILES) throw new Error(`not all tiles were cut: ${JSON.stringify(ended)}`);
  const [first, last] = [ended.steps.at(0)?.started_at ?? "", ended.steps.at(-1)?.finished_at ?? ""];
  const seconds = (Date.parse(last) - Date.parse(first)) / 1_000;
  room.tell(`ours    ${seconds.toFixed(3)} s ${JSON.stringify(stepSeconds(ended))}`);
  return seconds;
}

/** Seconds of the process that the job starts, on the same disk. */
async function cutAlone(room: BenchRoom, picture: string): Promise<number> {
  const scratch = join(room.folder, "cut");
  const into = join(scratch, "cut");
  await mkdir(scratch);
  const cut = { ...PLAN, background: null, layout: "dz" as const, into };
  const { seconds } = await timed(() => runPictureChild({ picture, scratch, cut }, LIMITS, { doing: "cut" }));
  await countFiles(`${into}_files`, TILES);
  await rm(scratch, { recursive: true });
  room.tell(`cutting ${seconds.toFixed(3)} s`);
  return seconds;
}

async function dzsave(room: BenchRoom, picture: string): Promise<number> {
  const into = join(room.folder, "vips");
  const how = [
    "--tile-size",
    String(PLAN.tile_size),
    "--overlap",
    String(PLAN.overlap),
    "--suffix",
    `.jpeg[Q=${PLAN.quality}]`,
  ];
  const { seconds } = await timed(() => promisify(execFile)("vips", ["dzsave", picture, into, ...how]));
  await countFiles(`${into}_files`, TILES);
  await rm(`${into}_files`, { recursive: true });
  room.tell(`theirs  ${seconds.toFixed(3)} s`);
  return seconds;
}

/** Error: another number of tiles. */
async function countFiles(folder: string, tiles: number): Promise<void> {
  const names = await readdir(folder, { recursive: true });
  const found = names.filter((name) => name.endsWith(".jpeg")).length;
  if (found !== tiles) throw new Error(`${folder} has ${found} tiles and not ${tiles}`);
}
